// Plays devices that hold their records in RxDB. Reads one command a line as JSON, {"do": ..., "device": ..., ...}, and
// answers each with one line. A device is online only during `sync`, which starts its replication anew from what it saved.
import { createInterface } from "node:readline";
import { createRxDatabase } from "rxdb";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { filter, firstValueFrom } from "rxjs";
import { replicate } from "./adapter.mjs";

const SCHEMA = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: { id: { type: "string", maxLength: 36 }, rev: { type: "integer" } },
};
const PATIENCE = 20; // errors of one sync, after which it is broken off: RxDB itself never gives up
const devices = new Map();
const realFetch = globalThis.fetch;

// Each device is told apart by its token. What it sends is noted; requests that are `down` find no network, and those
// that are `lost` reach the server, but no answer comes back.
globalThis.fetch = async (address, how) => {
  const device = [...devices.values()].find(({ token }) => how.headers.Authorization === `Bearer ${token}`);
  const ops = how.body ? JSON.parse(how.body).ops : [];
  device.requests.push({ address, ops, durable: ops.every((op) => device.saved.includes(op.op_id)) });
  if (device.down.some((path) => address.includes(path))) throw new TypeError("no network");
  const answer = await realFetch(address, how);
  if (device.lost.some((path) => address.includes(path))) throw new TypeError("the answer was lost");
  return answer;
};

const commands = {
  async open({ device: name, url, token, collection, batchSize }) {
    const database = await createRxDatabase({ name, storage: getRxStorageMemory(), multiInstance: false });
    const made = await database.addCollections({ [collection]: { schema: SCHEMA } });
    const facts = { url, token, database, batchSize, saved: '{"seq":0}', heard: [], requests: [], errors: [], down: [], lost: [] };
    devices.set(name, { ...facts, collection: made[collection] });
  },

  async put({ device, document }) {
    await devices.get(device).collection.insert(document);
  },

  // The protocol's times have milliseconds: no two edits are within one.
  async edit({ device, id, fields }) {
    await new Promise((resume) => setTimeout(resume, 2));
    await (await devices.get(device).collection.findOne(id).exec(true)).incrementalPatch(fields);
  },

  async remove({ device, id }) {
    await (await devices.get(device).collection.findOne(id).exec(true)).remove();
  },

  // `down`, `lost`: parts of paths. Such a sync is broken off when those have failed and the other direction is through.
  async sync({ device: name, url, down = [], lost = [] }) {
    const device = devices.get(name);
    Object.assign(device, { requests: [], errors: [], down, lost });
    const link = {
      url: url ?? device.url,
      token: device.token,
      kept: JSON.parse(device.saved),
      save: async (kept) => void (device.saved = JSON.stringify(kept)),
      heard: (told) => device.heard.push(told),
    };
    const replication = replicate(device.collection, link, { batchSize: device.batchSize, retryTime: 50 });
    const hopeless = new Promise((giveUp) =>
      replication.error$.subscribe(({ message }) => device.errors.push(message) === PATIENCE && giveUp()),
    );
    const broken = [...down, ...lost];
    if (broken.length > 0) {
      const failed = firstValueFrom(replication.error$);
      await replication.startPromise;
      const { firstSyncDone } = replication.internalReplicationState;
      const whole = broken.includes("/pull") ? firstSyncDone.up : firstSyncDone.down;
      await Promise.all([failed, firstValueFrom(whole.pipe(filter(Boolean)))]);
    } else {
      await Promise.race([replication.awaitInSync(), hopeless]);
    }
    await replication.cancel();
    return { requests: device.requests, errors: device.errors };
  },

  async documents({ device }) {
    const found = await devices.get(device).collection.find().exec();
    return Object.fromEntries(found.map((document) => [document.id, document.toJSON()]));
  },

  async heard({ device }) {
    return devices.get(device).heard;
  },

  // RxDB allows few collections at once.
  async close() {
    for (const { database } of devices.values()) await database.remove();
    devices.clear();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...told } = JSON.parse(line);
  const answer = await commands[name](told).catch((error) => ({ error: String(error.stack ?? error) }));
  console.log(JSON.stringify(answer ?? {}));
}
process.exit(0);
