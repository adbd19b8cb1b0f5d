import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { beforeEach, expect, test } from "vitest";
import { SyncClient } from "../../sync/index.js";
import { Rings, WrongPin, waitAfter } from "./rings";
import { sealOf } from "./seal";

let storage: { indexedDB: IDBFactory; IDBKeyRange: typeof IDBKeyRange };
beforeEach(() => {
  storage = { indexedDB: new IDBFactory(), IDBKeyRange };
});

const KEY = new Uint8Array(32).fill(7);

function clientOf(name: string, key: Uint8Array): SyncClient {
  return new SyncClient({ url: "http://nowhere.invalid", name, storage, locks: null, seal: sealOf(key), tables: { drafts: "id" } });
}

/** Everything that lies in a database, as whoever copies the files of a phone would read it. */
async function atRest(name: string): Promise<Record<string, unknown[]>> {
  const opening = storage.indexedDB.open(name);
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error("not opened"));
  });
  const rows: Record<string, unknown[]> = {};
  for (const table of database.objectStoreNames) {
    const asked = database.transaction(table).objectStore(table).getAll();
    rows[table] = await new Promise((resolve) => (asked.onsuccess = () => resolve(asked.result as unknown[])));
  }
  database.close();
  return rows;
}

test("what a worker entered is read back, and lies on the phone sealed but for keys and states", async () => {
  const client = clientOf("sealed", KEY);
  const visit = await client.put("visits", { outcome: "met", note: "独居老人说膝盖疼", address_text: "西门路 36 号" });
  await client.put("visits", { ...visit.data, note: "第二次写" }, visit.id);
  expect((await client.get("visits", visit.id))?.data.note).toBe("第二次写");
  expect(await client.list("visits")).toHaveLength(1);
  expect((await client.store.outbox.toArray()).map((entry) => entry.op.data.outcome)).toEqual(["met", "met"]);
  client.close();
  const rows = await atRest("sealed");
  expect(Object.keys(rows.outbox?.[0] as object).sort()).toEqual(["collection", "id", "kept_since", "op_id", "sealed", "seq", "state"]);
  const text = JSON.stringify(rows, (_, value: unknown) => (value instanceof Uint8Array ? new TextDecoder().decode(value) : value));
  for (const secret of ["膝盖", "西门路", "met", "outcome"]) expect(text).not.toContain(secret);
});

test("rows are changed in place through cursors and modifications as unsealed ones are", async () => {
  const client = clientOf("changed", KEY);
  for (let n = 0; n < 5; n += 1) await client.put("issues", { category: "0301", description: `第 ${n} 件` });
  await client.store.outbox.where("state").equals("waiting").modify({ state: "applied", rev: 1 });
  const seen: unknown[] = [];
  await client.store.outbox.orderBy("seq").each(({ rev, op }) => seen.push([rev, op.data.description]));
  expect(seen).toEqual([0, 1, 2, 3, 4].map((n) => [1, `第 ${n} 件`]));
  expect(await client.store.outbox.filter(({ op }) => op.data.description === "第 3 件").delete()).toBe(1);
  expect(await client.store.outbox.count()).toBe(4);
  client.close();
});

test("a row that is laid in another's place, and another key, open nothing", async () => {
  const seal = sealOf(KEY);
  const sealed = seal.seal(new Uint8Array([1, 2, 3]), "outbox/[1]");
  expect([...seal.open(sealed, "outbox/[1]")]).toEqual([1, 2, 3]);
  expect(() => seal.open(sealed, "outbox/[2]")).toThrow();
  expect(() => sealOf(new Uint8Array(32)).open(sealed, "outbox/[1]")).toThrow();
});

test("a PIN opens its own ring and no other; wrong ones only make waits longer", async () => {
  const rings = new Rings(storage);
  const { ring, key } = await rings.make("2580");
  const { ring: other } = await rings.make("1379");
  expect(await rings.open(ring.name, "2580", 0)).toEqual(key);
  for (const wait_ms of [0, 0, 5_000]) {
    await expect(rings.open(ring.name, "1379", 0)).rejects.toMatchObject({ wait_ms });
  }
  await expect(rings.open(ring.name, "2580", 4_000)).rejects.toBeInstanceOf(WrongPin);
  expect(await rings.open(other.name, "1379", 0)).not.toEqual(key);
  expect(await rings.open(ring.name, "2580", 5_001)).toEqual(key);
  await rings.change(ring.name, "2580", "445566", 6_000);
  await expect(rings.open(ring.name, "2580", 6_000)).rejects.toBeInstanceOf(WrongPin);
  expect(await rings.open(ring.name, "445566", 6_000)).toEqual(key);
  rings.close();
});

test("the secret of the device is handed out by nobody", async () => {
  const { ring } = await new Rings(storage).make("2580");
  expect(ring.secret.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("raw", ring.secret)).rejects.toThrow();
});

test("waits double up to five minutes", () => {
  expect([1, 2, 3, 4, 5, 9, 40].map(waitAfter)).toEqual([0, 0, 5_000, 10_000, 20_000, 300_000, 300_000]);
});
