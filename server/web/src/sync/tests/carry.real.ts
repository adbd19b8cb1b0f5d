import { beforeEach, expect, test } from "vitest";
import { NoOutboxKey, NothingToCarry, type UnsentPhoto } from "../index.js";
import { digest } from "../../photos/picture.js";
import { agrees, control, deviceOf, enrolled, issue, JPEG, visit, worker } from "./stage.js";

const offline: typeof fetch = () => Promise.reject(new TypeError("offline"));


beforeEach(async () => control("clear"));

async function latin1(blob: Blob): Promise<string> {
  return new TextDecoder("latin1").decode(await blob.arrayBuffer());
}

function photo(record: string, content = JPEG): UnsentPhoto {
  const sha256 = digest(content);
  const said = { id: crypto.randomUUID(), collection: "visits", record, sha256, type: "image/jpeg", name: "门口.jpg" };
  return { ...said, content: () => Promise.resolve(new Blob([content])) };
}

async function handIn(blob: Blob): Promise<{ code: number; said: string }> {
  let letters = "";
  for (const byte of new Uint8Array(await blob.arrayBuffer())) letters += String.fromCharCode(byte);
  return control("hand_in", { file: btoa(letters) });
}

test("a day that was carried to the station is there, and happens once though the phone sends it too", async () => {
  const browser = await enrolled(await worker("west"));
  const away = browser.tab(undefined, { fetch: offline });
  const first = await away.put("issues", issue({ description: "井盖松动 \ud83d" }));
  await away.patch("issues", first.id, { severity: "urgent" });
  const door = await away.put("visits", visit({ note: "门锁着" }));
  const taken = photo(door.id);
  const file = await away.carry("1.2.0", [taken]);
  expect(file).toMatchObject({ operations: 3, photos: 1, unread: [] });
  expect(file.name).toMatch(/^gridpatrol-[0-9a-f]{8}-\d{14}\.outbox$/);
  expect(await latin1(file.blob)).not.toContain("severity");
  const done = await handIn(file.blob);
  expect(done, done.said).toMatchObject({ code: 0 });
  expect(done.said).toContain("had come before 0");
  const before = await control<{ count: number }>("log", { device: await deviceOf(away) });
  expect(before.count).toBe(3);
  expect(await control("files", { record: door.id })).toEqual({ [taken.id]: [taken.sha256, "bound"] });
  expect((await handIn(file.blob)).said).toContain("had come before 3");
  away.close();
  const tab = browser.tab();
  expect(await tab.exchange()).toMatchObject({ pushed: 3 });
  await agrees(tab);
  expect((await tab.get("visits", door.id))?.data).toMatchObject({ note: "门锁着" });
  expect(await tab.list("issues")).toHaveLength(0);
  await expect(tab.carry("1.2.0")).rejects.toThrow(NothingToCarry);
});

test("what the phone sent before its file came is not taken twice, and one unreadable photo keeps back nothing", async () => {
  const tab = (await enrolled(await worker("west"))).tab();
  const { id } = await tab.put("visits", visit());
  const lost = { ...photo(id), content: () => Promise.reject(new Error("gone")) };
  const file = await tab.carry("1.2.0", [lost, photo(id)]);
  expect(file).toMatchObject({ operations: 1, photos: 1, unread: [lost.id] });
  await tab.exchange();
  const done = await handIn(file.blob);
  expect(done, done.said).toMatchObject({ code: 0 });
  expect(done.said).toContain("had come before 1");
  await agrees(tab);
});

test("four hundred operations and a photo of many chunks are carried whole", async () => {
  const tab = (await enrolled(await worker("west"))).tab();
  const { id } = await tab.put("visits", visit());
  for (let count = 1; count < 400; count += 1) await tab.put("visits", visit({ note: "字".repeat(300) }));
  const large = photo(id, new Uint8Array([...JPEG, ...new Uint8Array(200_000).fill(7)]));
  const file = await tab.carry("1.2.0", [large]);
  expect(file.blob.size).toBeGreaterThan(4 * 65_536);
  const done = await handIn(file.blob);
  expect(done, done.said).toMatchObject({ code: 0 });
  expect(Object.keys(await control<object>("files", { record: id }))).toEqual([large.id]);
  await tab.exchange();
  await agrees(tab);
});

test("a device that never heard the server's key says so, and asks for it when it can", async () => {
  const browser = await enrolled(await worker("west"));
  const away = browser.tab(undefined, { fetch: offline });
  await away.store.singles.delete("outbox_key");
  await away.put("visits", visit());
  await expect(away.carry("1.2.0")).rejects.toThrow(NoOutboxKey);
  away.close();
  const tab = browser.tab();
  expect(await tab.carry("1.2.0")).toMatchObject({ operations: 1 });
});
