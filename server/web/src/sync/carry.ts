/**
 * A day's work as a file: everything a device has not sent, encrypted for the server alone, to be carried there by hand.
 *
 * Owns what goes into the file and the server's key for it. Taking the file in is the same as a push and uploads of this
 * device: whatever the phone sends too, before or later, happens once. Nothing is taken out of the outbox for it.
 */

import type { Store } from "./store.js";
import { begin, joined, type OutboxKey, sealed, subtle } from "./sealing.js";
import { Busy, type Line, Refused, Unreachable } from "./transport.js";
import * as transport from "./transport.js";
import { encode } from "./wire.js";
import { Zip } from "./zip.js";

const DAY_MS = 86_400_000;
const utf8 = new TextEncoder();

/** A photo that is not uploaded yet, and the record that names it. `sha256`: in hexadecimal, of its content. */
export interface UnsentPhoto {
  readonly id: string;
  readonly collection: string;
  readonly record: string;
  readonly sha256: string;
  readonly type: string;
  readonly name: string;
  content(): Promise<Blob>;
}

/** The file and how to call it, how much is in it, and photos that could not be read and are not. */
export interface Carried {
  readonly blob: Blob;
  readonly name: string;
  readonly operations: number;
  readonly photos: number;
  readonly unread: readonly string[];
}

/** Everything was sent. */
export class NothingToCarry extends Error {}

/** The server's key was never heard of: the device has to reach the server once before. */
export class NoOutboxKey extends Error {}

/** What is said of the app and of the moment. */
export interface Said {
  readonly app_version: string;
  readonly now: number;
}

/**
 * Return the file. Throws `NothingToCarry`, `NoOutboxKey`, or `CannotSeal` where the page has no cryptography.
 */
export async function carry(store: Store, photos: readonly UnsentPhoto[], { app_version, now }: Said): Promise<Carried> {
  const [device, key, entries] = await store.reading(async () => [
    await store.single("device"),
    await store.single("outbox_key"),
    await store.outbox.where("state").equals("waiting").sortBy("seq"),
  ] as const);
  if (entries.length + photos.length === 0 || device === undefined) throw new NothingToCarry("everything was sent");
  if (key === undefined) throw new NoOutboxKey("the server's key is not known on this device");
  const zip = new Zip();
  const { attachments, unread } = await added(zip, photos);
  const exported_at = new Date(now).toISOString();
  const ops = entries.map(({ op }) => op);
  const manifest = encode({
    format: "gridpatrol-outbox", version: 1, device_id: device.device_id, app_version, exported_at, ops, attachments,
  });
  const seal = await begin(key);
  zip.add("outbox.json", manifest);
  zip.add("proof", await proof(device.token, joined(seal.head, manifest)));
  const name = `gridpatrol-${device.device_id.slice(0, 8)}-${exported_at.replace(/\D/g, "").slice(0, 14)}.outbox`;
  return { blob: await sealed(seal, zip.blob()), name, operations: ops.length, photos: attachments.length, unread };
}

/** Put the photos into the file; one that cannot be read keeps back nothing else. */
async function added(zip: Zip, photos: readonly UnsentPhoto[]) {
  const attachments: object[] = [];
  const unread: string[] = [];
  for (const photo of photos) {
    const { id, collection, record, sha256, type, name } = photo;
    try {
      const content = new Uint8Array(await (await photo.content()).arrayBuffer());
      zip.add(`attachments/${id}`, content);
      attachments.push({ id, collection, record, sha256, type, name, size: content.byteLength });
    } catch {
      unread.push(id);
    }
  }
  return { attachments, unread };
}

/** Prove that this device wrote it, by its token, without telling the token. */
async function proof(token: string, content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const secret = await subtle().digest("SHA-256", utf8.encode(token));
  const key = await subtle().importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle().sign("HMAC", key, content));
}

/** Note the server's key, unless that was done a day ago or less; a device that cannot ask keeps the one it has. */
export async function keepKey(store: Store, line: Line, now: number): Promise<void> {
  const kept = await store.single("outbox_key");
  if (kept !== undefined && Math.abs(now - kept.asked_at) < DAY_MS) return;
  try {
    await noteKey(store, await transport.outboxKey(line), now);
  } catch (error) {
    // A server from before this, one that does not know the device, or none at the moment.
    if (!(error instanceof Refused || error instanceof Unreachable || error instanceof Busy)) throw error;
  }
}

/** Note a key, as long as there is a device: one that has wiped itself meanwhile forgets the server too. */
export async function noteKey(store: Store, key: OutboxKey, now: number): Promise<void> {
  await store.atomically(async () => {
    if ((await store.single("device")) === undefined) return;
    await store.note("outbox_key", { id: key.id, public: key.public, asked_at: now });
  });
}
