/**
 * Encrypts a file for the server alone, as `server/outboxes/sealed.py` opens it: an own X25519 key for each file, agreed
 * with the server's, HKDF-SHA256, and AES-256-GCM in chunks, of which none can be changed, moved or left out.
 *
 * X25519 by a library: not every browser of a cheap phone has its own. Knows nothing of what is in the file.
 */
import { x25519 } from "@noble/curves/ed25519.js";

const MAGIC = new TextEncoder().encode("GPOUTBOX");
const VERSION = 1;
const CHUNK_BYTES = 64 * 1024;
const CHUNKS_AT_ONCE = 64;

type Bytes = Uint8Array<ArrayBuffer>;

/** The server's public key, as it tells it: `id` in hexadecimal, `public` 32 bytes in base64. */
export interface OutboxKey {
  readonly id: string;
  readonly public: string;
}

/** The platform gives no encryption to this page: it did not come over HTTPS. */
export class CannotSeal extends Error {}

/** Return the platform's cryptography. Throws `CannotSeal`. */
export function subtle(): SubtleCrypto {
  const found = (globalThis.crypto as Crypto | undefined)?.subtle as SubtleCrypto | undefined;
  if (found === undefined) throw new CannotSeal("this page has no cryptography: it needs HTTPS");
  return found;
}

/** A file's head, and what encrypts the rest of it. */
export interface Seal {
  readonly head: Bytes;
  readonly key: CryptoKey;
}

/** Begin a file for a server. */
export async function begin(server: OutboxKey): Promise<Seal> {
  const point = fromBase64(server.public);
  const own = x25519.keygen();
  const head = joined(MAGIC, Uint8Array.of(VERSION), fromHex(server.id), own.publicKey);
  const shared = joined(x25519.getSharedSecret(own.secretKey, point));
  const material = await subtle().importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const info = joined(new TextEncoder().encode("gridpatrol outbox v1"), head, point);
  const derived = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  const key = await subtle().deriveKey(derived, material, { name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  return { head, key };
}

/** Return the encrypted file; only a few chunks of it are in memory at a time, where the platform keeps blobs on disk. */
export async function sealed({ head, key }: Seal, content: Blob): Promise<Blob> {
  const whole: BlobPart[] = [head];
  let few: BlobPart[] = [];
  const count = Math.max(1, Math.ceil(content.size / CHUNK_BYTES));
  for (let number = 0; number < count; number += 1) {
    const chunk = await content.slice(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES).arrayBuffer();
    few.push(await subtle().encrypt({ name: "AES-GCM", iv: nonce(number, number === count - 1) }, key, chunk));
    if (few.length === CHUNKS_AT_ONCE) {
      whole.push(new Blob(few));
      few = [];
    }
  }
  return new Blob([...whole, ...few], { type: "application/octet-stream" });
}

function nonce(number: number, isLast: boolean): Bytes {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setUint32(7, number);
  bytes[11] = isLast ? 1 : 0;
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function fromHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
