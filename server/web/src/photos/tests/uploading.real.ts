import { beforeEach, expect, test } from "vitest";
import { Busy, type SyncClient, Unreachable } from "../../sync/index.js";
import { Browser, control, Crashed, enrolled, Fate, JPEG, mortal, told, visit, worker } from "../../sync/tests/stage.js";
import { digest } from "../picture.js";
import { Photos, PLAIN, progress, type Seal } from "../store.js";
import { Uploader, type UploaderOptions } from "../uploading.js";

beforeEach(async () => control("clear"));

const CHUNK = 10_000;
const offline: typeof fetch = () => Promise.reject(new TypeError("offline"));

/** A picture of more than a few chunks: what stands behind its end is no part of it. */
function pictureOf(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...JPEG, ...crypto.getRandomValues(new Uint8Array(bytes))]);
}

function photosOf(browser: Browser, seal: Seal = PLAIN, fate?: Fate): Photos {
  const photos = new Photos(`${browser.name}/photos`, seal, browser.storage);
  if (fate) photos.use(mortal(fate));
  return photos;
}

/** One photo of a record; its id. */
async function take(photos: Photos, record: string, content = pictureOf(35_000), more: object = {}): Promise<string> {
  const id = crypto.randomUUID();
  const said = { id, collection: "visits", record, sha256: digest(content), type: "image/jpeg", name: "门口.jpg" };
  await photos.add({ ...said, taken_at: Date.now(), ...more }, content);
  return id;
}

function uploader(tab: SyncClient, photos: Photos, options: UploaderOptions = {}): Uploader {
  return new Uploader(tab, photos, { chunk_bytes: CHUNK, ...options });
}

/** What goes out, by method, with the bytes of each; and answers that are changed on their way. */
function watched(change: (method: string, send: () => Promise<Response>) => Promise<Response> = (_, send) => send()) {
  const sent: [string, number][] = [];
  const asked: typeof fetch = async (url, init) => {
    const method = init?.method ?? "GET";
    if (String(url).includes("/v1/files")) sent.push([method, (init?.body as Uint8Array | undefined)?.byteLength ?? 0]);
    return String(url).includes("/v1/files") ? change(method, () => fetch(url, init)) : fetch(url, init);
  };
  return { sent, asked };
}

function signal(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

async function filesOf(record: string): Promise<Record<string, [string, string]>> {
  return control("files", { record });
}

test("photos wait without a network, go out with one, and are bound to their record", async () => {
  const browser = await enrolled(await worker("west"));
  const [away, photos] = [browser.tab(undefined, { fetch: offline }), photosOf(browser)];
  const { id: record } = await away.put("visits", visit());
  const ids = [await take(photos, record), await take(photos, record, JPEG)];
  await expect(uploader(away, photos).send()).rejects.toThrow(Unreachable);
  expect(await progress(photos)).toMatchObject({ waiting: 2, uploaded: 0, sent_bytes: 0 });
  away.close();
  const tab = browser.tab();
  expect(await uploader(tab, photos).send()).toEqual({ uploaded: 2, refused: 0 });
  expect(Object.values(await filesOf(record)).map(([, bond]) => bond)).toEqual(["awaited", "awaited"]);
  await tab.exchange();
  expect(Object.keys(await filesOf(record)).sort()).toEqual(ids.sort());
  expect(await progress(photos)).toMatchObject({ waiting: 0, uploaded: 2, total_bytes: 0 });
  expect(await uploader(tab, photos).send()).toEqual({ uploaded: 0, refused: 0 });
});

test("an upload that broke off goes on from what the server has, in another tab", async () => {
  const browser = await enrolled(await worker("west"));
  const photos = photosOf(browser);
  const content = pictureOf(35_000);
  const id = await take(photos, "0192ffff-0000-7000-8000-000000000001", content);
  let patches = 0;
  const broken = watched((method, send) => (method === "PATCH" && ++patches > 2 ? Promise.reject(new TypeError("gone")) : send()));
  await expect(uploader(browser.tab(undefined, { fetch: broken.asked }), photos).send()).rejects.toThrow(Unreachable);
  expect(await photos.get(id)).toMatchObject({ state: "waiting", sent: 2 * CHUNK, failures: 1 });
  const { sent, asked } = watched();
  await uploader(browser.tab(undefined, { fetch: asked }), photos).send();
  expect(sent.filter(([method]) => method === "PATCH").map(([, bytes]) => bytes)).toEqual([CHUNK, content.byteLength - 3 * CHUNK]);
  expect(await photos.get(id)).toMatchObject({ state: "uploaded", failures: 0 });
});

test("wherever a tab dies, the photo is there once and whole in the end", async () => {
  const browser = await enrolled(await worker("west"));
  const photos = photosOf(browser);
  const content = pictureOf(25_000);
  const record = crypto.randomUUID();
  const id = await take(photos, record, content);
  let died = 0;
  for (let last = 1; (await photos.get(id))?.state === "waiting"; last += 1) {
    const fate = new Fate(last % 12 === 0 ? undefined : last % 12);
    const [tab, own] = [browser.tab(fate), photosOf(browser, PLAIN, fate)];
    await uploader(tab, own)
      .send()
      .catch((error: unknown) => {
        if (!fate.over && !(error instanceof Crashed)) throw error;
        died += 1;
      });
    tab.close();
    own.close();
  }
  expect(died).toBeGreaterThan(5);
  expect(await filesOf(record)).toEqual({ [id]: [digest(content), "awaited"] });
});

test("what the server does not take is kept with its reason, and keeps no other waiting", async () => {
  const browser = await enrolled(await worker("west"));
  const [tab, photos] = [browser.tab(), photosOf(browser)];
  const other = (await enrolled(await worker("east"))).tab();
  const { id: theirs } = await other.put("visits", visit({ location: { lon: told.east[0], lat: told.east[1] } }));
  await other.exchange();
  const record = crypto.randomUUID();
  const bad = {
    text: await take(photos, record, new TextEncoder().encode("no picture at all"), { taken_at: 1 }),
    stranger: await take(photos, theirs, JPEG, { taken_at: 2 }),
    damaged: await take(photos, record, JPEG, { sha256: "0".repeat(64), taken_at: 3 }),
  };
  const good = await take(photos, record, JPEG, { taken_at: 4 });
  expect(await uploader(tab, photos).send()).toEqual({ uploaded: 1, refused: 3 });
  const problem = async (id: string) => (await photos.get(id))?.problem?.type.split("/").at(-1);
  expect(await problem(bad.text)).toBe("file-refused");
  expect(await problem(bad.stranger)).toBe("record-not-yours");
  expect(await problem(bad.damaged)).toBe("photo-damaged");
  expect((await photos.get(bad.text))?.problem?.title).toBe("不接收此文件");
  expect(await photos.content(bad.text)).not.toBeNull();
  expect(await photos.get(good)).toMatchObject({ state: "uploaded" });
});

test("a photo that breaks off again and again gives way to the others", async () => {
  const browser = await enrolled(await worker("west"));
  const photos = photosOf(browser);
  const record = crypto.randomUUID();
  const stuck = await take(photos, record, pictureOf(15_000), { taken_at: 1 });
  const good = await take(photos, record, JPEG, { taken_at: 2 });
  const asked: typeof fetch = async (url, init) => {
    if (String(url).endsWith(stuck) && init?.method === "PATCH") return new Response("", { status: 502 });
    return fetch(url, init);
  };
  const tab = browser.tab(undefined, { fetch: asked });
  await expect(uploader(tab, photos).send()).rejects.toThrow(Unreachable);
  await expect(uploader(tab, photos).send()).rejects.toThrow(Unreachable);
  expect([(await photos.get(good))?.state, (await photos.get(stuck))?.state]).toEqual(["uploaded", "waiting"]);
});

test("bytes that change on their way are sent again", async () => {
  const browser = await enrolled(await worker("west"));
  const photos = photosOf(browser);
  const record = crypto.randomUUID();
  const content = pictureOf(15_000);
  const id = await take(photos, record, content);
  let changed = 0;
  const asked: typeof fetch = (url, init) => {
    if (init?.method === "PATCH" && changed++ === 0) return fetch(url, { ...init, body: new Uint8Array(CHUNK) });
    return fetch(url, init);
  };
  expect(await uploader(browser.tab(undefined, { fetch: asked }), photos).send()).toEqual({ uploaded: 1, refused: 0 });
  expect(await filesOf(record)).toEqual({ [id]: [digest(content), "awaited"] });
});

test("an upload that expired begins anew", async () => {
  const browser = await enrolled(await worker("west"));
  const [tab, photos] = [browser.tab(), photosOf(browser)];
  const id = await take(photos, crypto.randomUUID(), pictureOf(25_000));
  let patches = 0;
  const expiring = watched(async (method, send) => {
    if (method === "PATCH" && ++patches === 2) await control("expire", { file: id, gone: false });
    if (method === "PATCH" && patches === 4) await control("expire", { file: id, gone: true });
    return send();
  });
  expect(await uploader(browser.tab(undefined, { fetch: expiring.asked }), photos).send()).toEqual({ uploaded: 1, refused: 0 });
  expect(patches).toBeGreaterThan(4);
  tab.close();
});

test("of two tabs one sends photos at a time, and neither keeps the other from exchanging", async () => {
  const browser = await enrolled(await worker("west"));
  const photos = photosOf(browser);
  await take(photos, crypto.randomUUID());
  const begun = signal();
  const goOn = signal();
  const slow = watched(async (method, send) => {
    if (method === "PATCH") {
      begun.resolve();
      await goOn.promise;
    }
    return send();
  });
  const first = uploader(browser.tab(undefined, { fetch: slow.asked, locks: null }), photos).send();
  await begun.promise;
  const other = browser.tab(undefined, { locks: null });
  expect(await uploader(other, photos).send()).toBeNull();
  expect(await other.exchange()).not.toBeNull();
  goOn.resolve();
  expect(await first).toEqual({ uploaded: 1, refused: 0 });
  expect(await uploader(other, photos).send()).toEqual({ uploaded: 0, refused: 0 });
});

test("a server that was restored from a backup gets again what it has forgotten", async () => {
  const browser = await enrolled(await worker("west"));
  const [tab, photos] = [browser.tab(), photosOf(browser)];
  const { id: record } = await tab.put("visits", visit());
  await tab.exchange();
  await control("dump");
  const id = await take(photos, record);
  await uploader(tab, photos).send();
  await control("restore");
  expect(await filesOf(record)).toEqual({});
  await tab.exchange();
  expect(await uploader(tab, photos).send()).toEqual({ uploaded: 1, refused: 0 });
  expect(Object.keys(await filesOf(record))).toEqual([id]);
});

test("what is uploaded is kept a week, then its memory is given back", async () => {
  const browser = await enrolled(await worker("west"));
  const [tab, photos] = [browser.tab(), photosOf(browser)];
  const id = await take(photos, crypto.randomUUID(), JPEG);
  await uploader(tab, photos).send();
  expect(await photos.content(id)).not.toBeNull();
  const days = (count: number) => ({ clock: () => Date.now() + count * 86_400_000 });
  await uploader(tab, photos, days(6)).send();
  expect(await photos.content(id)).not.toBeNull();
  await uploader(tab, photos, days(8)).send();
  expect([await photos.get(id), await photos.content(id)]).toEqual([undefined, null]);
});

test("contents lie sealed, and wait while the seal is locked", async () => {
  const browser = await enrolled(await worker("west"));
  let isLocked = false;
  const turned = (bytes: Uint8Array<ArrayBuffer>) => bytes.map((byte) => byte ^ 0x5a);
  const seal: Seal = {
    seal: (content) => Promise.resolve(turned(content)),
    open: (sealed) => (isLocked ? Promise.reject(new Error("locked")) : Promise.resolve(turned(sealed))),
  };
  const photos = photosOf(browser, seal);
  const id = await take(photos, crypto.randomUUID(), JPEG);
  expect((await photos.contents.get(id))?.sealed).toEqual(turned(JPEG));
  isLocked = true;
  expect(await uploader(browser.tab(), photos).send()).toEqual({ uploaded: 0, refused: 0 });
  expect(await photos.get(id)).toMatchObject({ state: "waiting" });
  isLocked = false;
  expect(await uploader(browser.tab(), photos).send()).toEqual({ uploaded: 1, refused: 0 });
});

test("a revoked device's photos stay, and are carried with its file", async () => {
  const browser = await enrolled(await worker("west"));
  const [tab, photos] = [browser.tab(), photosOf(browser)];
  const { id: record } = await tab.put("visits", visit());
  const id = await take(photos, record);
  await control("revoke", { device: (await tab.store.single("device"))?.device_id ?? "", wipe: false });
  await expect(uploader(tab, photos).send()).rejects.toThrow();
  expect(await photos.get(id)).toMatchObject({ state: "waiting" });
  expect(await tab.carry("1.0.0", await photos.unsent())).toMatchObject({ operations: 1, photos: 1 });
});

test("in the background it sends when woken, and rests as long as a busy server asks", async () => {
  const browser = await enrolled(await worker("west"));
  const photos = photosOf(browser);
  let busy = 1;
  const { asked } = watched((_, send) => (busy-- > 0 ? Promise.resolve(new Response("{}", { status: 503, headers: { "Retry-After": "1" } })) : send()));
  const sending = uploader(browser.tab(undefined, { fetch: asked }), photos);
  const id = await take(photos, crypto.randomUUID(), JPEG);
  await expect(sending.send()).rejects.toThrow(Busy);
  sending.start();
  await expect.poll(async () => (await photos.get(id))?.state, { timeout: 20_000 }).toBe("uploaded");
  const second = await take(photos, crypto.randomUUID(), JPEG);
  sending.wake();
  await expect.poll(async () => (await photos.get(second))?.state, { timeout: 20_000 }).toBe("uploaded");
  sending.stop();
});
