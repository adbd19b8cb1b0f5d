import { beforeEach, expect, test } from "vitest";
import { NothingThere, type Operation, Refused, type SyncClient, Unreachable } from "../index.js";
import { agrees, Browser, control, deviceOf, EAST, enrolled, fillWithVisits, issue, survives, told, visit, worker } from "./stage.js";

const offline: typeof fetch = () => Promise.reject(new TypeError("offline"));

beforeEach(async () => control("clear"));

test("what is entered offline is seen at once, handed in once, and settled by the pull", async () => {
  const browser = await enrolled(await worker("west"));
  const away = browser.tab(undefined, { fetch: offline });
  const { id } = await away.put("visits", visit({ note: "门锁着" }));
  await expect(away.exchange()).rejects.toThrow(Unreachable);
  expect(await away.get("visits", id)).toMatchObject({ rev: 0, unsettled: 1, data: { note: "门锁着" } });
  away.close();
  const tab = browser.tab();
  expect(await tab.exchange()).toMatchObject({ pushed: 1 });
  expect(await tab.get("visits", id)).toMatchObject({ rev: 1, unsettled: 0, grid: { how: "inside" } });
  expect(await tab.exchange()).toMatchObject({ pushed: 0, pulled: 0 });
  await agrees(tab);
});

test("an operation builds on the own one before it until that is settled, then on the revision seen", async () => {
  const tab = (await enrolled(await worker("west"))).tab();
  const first = await tab.put("issues", issue());
  const second = await tab.patch("issues", first.id, { severity: "urgent" });
  expect([first.base, second.base]).toEqual([null, { op_id: first.op_id }]);
  expect((await tab.get("issues", first.id))?.data).toMatchObject({ category: "0301", severity: "urgent" });
  await tab.exchange();
  const third = await tab.patch("issues", first.id, { address_text: "阳岭大道 1 号" });
  const { rev } = (await tab.get("issues", first.id)) ?? { rev: 0 };
  expect(third.base).toEqual({ rev });
  await agrees(tab);
  expect((await tab.get("issues", first.id))?.data).toMatchObject({ severity: "urgent", address_text: "阳岭大道 1 号" });
});

test("what nobody knows cannot be patched, and takes no number", async () => {
  const tab = (await enrolled(await worker("west"))).tab();
  const nowhere = "0192ffff-0000-7000-8000-000000000000";
  await expect(tab.patch("issues", nowhere, { severity: "low" })).rejects.toThrow(NothingThere);
  expect((await tab.put("issues", issue())).seq).toBe(1);
});

test("two workers change one issue offline: fields meet, and both see the same", async () => {
  const [one, two] = [(await enrolled(await worker("west"))).tab(), (await enrolled(await worker("west"))).tab()];
  const { id } = await one.put("issues", issue({ tags: ["a"] }));
  await one.exchange();
  await two.exchange();
  await one.patch("issues", id, { severity: "urgent", tags: ["a", "b"] });
  await two.patch("issues", id, { address_text: "阳岭大道 1 号", tags: ["a", "c"] });
  await one.exchange();
  await two.exchange();
  expect((await two.doubtful()).length).toBe(0);
  await agrees(two);
  await agrees(one);
  const seen = await Promise.all([one, two].map((tab) => tab.get("issues", id)));
  expect(seen[0]?.data).toEqual(seen[1]?.data);
  expect(seen[0]?.data).toMatchObject({ severity: "urgent", address_text: "阳岭大道 1 号" });
  expect([...(seen[0]?.data.tags as string[])].sort()).toEqual(["a", "b", "c"]);
  expect((await two.store.outbox.toArray()).map(({ state }) => state)).toEqual(["merged"]);
});

test("what the server cannot apply is kept with its reason, beside what it can", async () => {
  const tab = (await enrolled(await worker("west"))).tab();
  const bad = await tab.put("visits", visit({ outcome: "shrugged" }));
  const good = await tab.put("visits", visit());
  await tab.exchange();
  expect(await tab.get("visits", good.id)).toMatchObject({ rev: 1 });
  expect(await tab.get("visits", bad.id)).toBeNull();
  const [doubtful] = await tab.doubtful();
  expect(doubtful).toMatchObject({ op_id: bad.op_id, state: "quarantined" });
  expect(JSON.stringify(doubtful?.problem)).toContain("outcome");
  await agrees(tab);
  await tab.forget(bad.op_id);
  expect(await tab.doubtful()).toEqual([]);
});

test("a worker moves: the old grid leaves, the new one arrives whole, and unsent work stays", async () => {
  const [mover, stayer] = [await worker("west"), await worker("east")];
  const there = (await enrolled(stayer)).tab();
  const { id: arriving } = await there.put("visits", visit({ location: EAST }));
  await there.exchange();
  const browser = await enrolled(mover);
  const tab = browser.tab();
  const { id: leaving } = await tab.put("visits", visit());
  await tab.exchange();
  await control("worker", { login: mover, areas: ["east"] });
  // Entered while the exchange is under way: after the push, before the page of what leaves and arrives.
  const entered: Operation[] = [];
  const typing: typeof fetch = async (...asked) => {
    if (String(asked[0]).includes("/pull") && entered.length === 0) entered.push(await tab.patch("visits", leaving, { note: "还没交" }));
    return fetch(...asked);
  };
  await browser.tab(undefined, { fetch: typing }).exchange();
  expect(entered).toHaveLength(1);
  expect(await tab.get("visits", leaving)).toBeNull();
  expect(await tab.get("visits", arriving)).not.toBeNull();
  expect(await tab.summary()).toMatchObject({ waiting: 1, position: { scope: { grids: [told.grids.east] } } });
  await tab.exchange();
  expect(await tab.summary()).toMatchObject({ waiting: 0 });
  await agrees(tab);
});

test("a visit handed in after its worker moved on is in effect, and out of sight on the phone", async () => {
  const login = await worker("west");
  const tab = (await enrolled(login)).tab();
  // Before the first pull: nothing that is pulled then ever tells of this visit.
  const { op_id } = await tab.put("visits", visit());
  await control("worker", { login, areas: ["east"] });
  await tab.exchange();
  expect(await tab.list("visits")).toEqual([]);
  const log = await control<{ status: Record<string, string> }>("log", { device: await deviceOf(tab) });
  expect(log.status[op_id]).toBe("applied");
});

test("a first filling that breaks off goes on where it stood", async () => {
  const login = await worker("west");
  await fillWithVisits((await enrolled(login)).tab(), 2_300);
  const browser = await enrolled(login);
  let streams = 0;
  const breaking: typeof fetch = async (...asked) => {
    const answer = await fetch(...asked);
    if (!String(asked[0]).includes("/pull") || streams > 1) return answer;
    streams += 1;
    return new Response(cutAfter(answer.body, 450_000), answer);
  };
  const tab = browser.tab(undefined, { fetch: breaking });
  await expect(tab.exchange()).rejects.toThrow(Unreachable);
  const held = await tab.store.records.count();
  expect(held).toBeGreaterThan(0);
  expect(held % 1000).toBe(0);
  await expect(tab.exchange()).rejects.toThrow(Unreachable);
  expect(await tab.store.records.count()).toBeGreaterThan(held);
  await tab.exchange();
  expect(await tab.list("visits")).toHaveLength(2_300);
  await agrees(tab);
});

function cutAfter(body: ReadableStream<Uint8Array<ArrayBuffer>> | null, bytes: number): ReadableStream {
  let passed = 0;
  const cut = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, Math.max(0, bytes - passed)));
      passed += chunk.byteLength;
      if (passed > bytes) controller.error(new TypeError("terminated"));
    },
  });
  return (body ?? new ReadableStream<Uint8Array<ArrayBuffer>>()).pipeThrough(cut);
}

test("after a restore the phone begins anew, keeps its sight meanwhile, and sends again what was forgotten", async () => {
  const browser = await enrolled(await worker("west"));
  const tab = browser.tab();
  await tab.put("visits", visit({ note: "上午" }));
  await tab.exchange();
  await control("dump");
  const { id } = await tab.put("visits", visit({ note: "下午" }));
  await tab.exchange();
  await control("restore");
  const { id: unsent } = await tab.put("visits", visit({ note: "傍晚" }));
  expect(await survives(browser, 14, (dying) => dying.exchange())).toBe(false);
  expect((await tab.list("visits")).map(({ data }) => data.note).sort()).toEqual(["上午", "下午", "傍晚"].sort());
  expect(await tab.exchange()).toMatchObject({ sent_again: 1 });
  expect(await tab.get("visits", id)).toMatchObject({ unsettled: 0 });
  expect(await tab.get("visits", unsent)).toMatchObject({ unsettled: 0 });
  await agrees(tab);
});

test("what is held and should not be, and what should be and is not, is found by the digest and fetched again", async () => {
  const tab = (await enrolled(await worker("west"))).tab();
  const [{ id }] = await Promise.all([tab.put("visits", visit()), tab.put("issues", issue())]);
  await tab.exchange();
  expect(await tab.verify()).toBe(0);
  const before = (await tab.get("visits", id))?.rev ?? 0;
  await control("spoil", { record: id });
  expect(await tab.verify()).toBe(1);
  expect(await tab.get("visits", id)).toMatchObject({ rev: before + 1 });
  await tab.store.records.where("collection").equals("visits").delete();
  expect(await tab.verify()).toBe(1);
  await agrees(tab);
});

test("a phone enrolled after the backup says so, keeps its work, and hands in all of it once it is enrolled again", async () => {
  const login = await worker("west");
  await control("dump");
  const browser = await enrolled(login);
  const tab = browser.tab();
  const handedIn = await tab.put("visits", visit());
  await tab.exchange();
  await tab.put("issues", issue());
  await control("restore");
  await tab.patch("issues", (await tab.list("issues"))[0]!.id, { severity: "urgent" });
  await tab.exchange();
  const told = await tab.summary();
  expect(told.standing).toMatchObject({ unknown: true, revoked: false, wipe: false });
  expect(told).toMatchObject({ enrolled: true, waiting: 2 });
  expect(await tab.list("visits")).toHaveLength(1);
  const { code } = await control<{ code: string }>("code", { login });
  await tab.enrol(code, { name: "p", platform: "test", app_version: "1.0.0" });
  expect(await tab.exchange()).toMatchObject({ sent_again: 1, resyncs: 1 });
  expect(await tab.summary()).toMatchObject({ waiting: 0, doubtful: 0, standing: { unknown: false } });
  expect(await tab.get("visits", handedIn.id)).toMatchObject({ unsettled: 0 });
  await agrees(tab);
});

test("a revoked phone hands in its day, wipes itself where that was ordered, and says so even after a crash", async () => {
  const browser = await enrolled(await worker("west"));
  const tab = browser.tab();
  await tab.put("visits", visit());
  await tab.exchange();
  const device = await deviceOf(tab);
  const { op_id } = await tab.put("visits", visit({ note: "最后一天" }));
  await control("revoke", { device, wipe: false });
  await tab.exchange();
  expect((await tab.summary()).standing).toMatchObject({ revoked: true, wipe: false });
  expect(await tab.list("visits")).toHaveLength(1);
  await control("revoke", { device, wipe: true });
  for (let last = 1; (await tab.summary()).enrolled; last += 1) {
    await survives(browser, last, (dying) => dying.exchange());
  }
  expect(await control("wiped", { device })).toEqual({ wiped: true });
  expect(await tab.list("visits")).toEqual([]);
  expect(await tab.store.singles.count()).toBe(0);
  const log = await control<{ status: Record<string, string> }>("log", { device });
  expect(log.status[op_id]).toBe("quarantined");
});

test("without Web Locks one tab exchanges at a time, and a tab that died holds nobody up for more than a minute", async () => {
  const browser = await enrolled(await worker("west"));
  const tab = browser.tab(undefined, { locks: null });
  // What a tab leaves behind that dies in the middle of an exchange.
  await tab.store.note("lease", { holder: "a tab that died", until: Date.now() + 60_000 });
  expect(await tab.exchange()).toBeNull();
  browser.skew += 60_001;
  const [one, two] = await Promise.all([tab.exchange(), browser.tab(undefined, { locks: null }).exchange()]);
  expect([one, two].filter((done) => done === null)).toHaveLength(1);
  expect(await tab.exchange()).not.toBeNull();
});

test("a code is good for one device", async () => {
  const login = await worker("west");
  const { code } = await control<{ code: string }>("code", { login });
  const described = { name: "p", platform: "test", app_version: "1.0.0" };
  await new Browser().tab().enrol(code, described);
  await expect(new Browser().tab().enrol(code, described)).rejects.toThrow(Refused);
});

test("a running client hands in what is entered, and hears by a hint what others change", async () => {
  const [one, two] = [(await enrolled(await worker("west"))).tab(), (await enrolled(await worker("west"))).tab()];
  one.start();
  two.start();
  const { id } = await one.put("issues", issue());
  await seenBy(two, id);
  one.close();
  two.close();
});

async function seenBy(tab: SyncClient, id: string): Promise<void> {
  await new Promise<void>((resolve) => {
    tab.watch(() => tab.get("issues", id)).subscribe((seen) => {
      if (seen !== null) resolve();
    });
  });
}

