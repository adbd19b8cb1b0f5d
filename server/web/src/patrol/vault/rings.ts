/**
 * The key rings of a phone: for each worker who uses it one, that opens the worker's own database and no other.
 *
 * Owns the keys. A random data key seals the rows; it lies wrapped by a key that needs both the PIN and a secret of the
 * device: HMAC(secret, PBKDF2(PIN)). The secret is a `CryptoKey` that the browser hands out to no program. Whoever takes
 * the browser's files apart can find it all the same, and then the rounds of PBKDF2 are what each PIN costs to try. Wrong
 * PINs only make waits longer: nothing is ever wiped for them.
 */

import { Dexie, type Table } from "dexie";
import type { Storage } from "../../sync/store.js";

export const ROUNDS = 310_000;
export const PIN_SHAPE = /^[0-9]{4,8}$/;
const FREE_TRIES = 3;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 300_000;

/** `name`: of the worker's database. `worker` is empty until the phone is enrolled. `wait_until`: in ms, 0 for none. */
export interface Ring {
  readonly name: string;
  readonly worker: string;
  readonly login: string;
  readonly secret: CryptoKey;
  readonly salt: Uint8Array<ArrayBuffer>;
  readonly rounds: number;
  readonly nonce: Uint8Array<ArrayBuffer>;
  readonly wrapped: ArrayBuffer;
  readonly wrong: number;
  readonly wait_until: number;
}

/** The name of the database of a worker's photos, beside that of their records. */
export const photosOf = (name: string): string => `${name}/photos`;

export class WrongPin extends Error {
  /** `wait_ms`: how long no PIN is taken now. */
  constructor(readonly wait_ms: number) {
    super("wrong PIN");
  }
}

type Opened = Dexie & { readonly rings: Table<Ring, string> };

export class Rings {
  readonly #database: Opened;

  constructor(storage?: Storage) {
    const database = new Dexie("gridpatrol-rings", storage && { indexedDB: storage.indexedDB, IDBKeyRange: storage.IDBKeyRange });
    database.version(1).stores({ rings: "name" });
    this.#database = database as Opened;
  }

  all(): Promise<Ring[]> {
    return this.#database.rings.toArray();
  }

  /** Make a ring for a new database, and return it with its data key. */
  async make(pin: string): Promise<{ ring: Ring; key: Uint8Array }> {
    const secret = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const key = crypto.getRandomValues(new Uint8Array(32));
    const ring: Ring = {
      name: `gridpatrol-${crypto.randomUUID()}`,
      worker: "",
      login: "",
      secret,
      wrong: 0,
      wait_until: 0,
      ...(await wrapping(key, secret, pin)),
    };
    await this.#database.rings.add(ring);
    return { ring, key };
  }

  /** Return the data key. Throws `WrongPin`, also while a wait lasts. */
  async open(name: string, pin: string, now: number): Promise<Uint8Array> {
    const ring = await this.#of(name);
    if (ring.wait_until > now) throw new WrongPin(Math.min(ring.wait_until - now, LONGEST_WAIT_MS));
    const key = await unwrapped(ring, pin);
    if (key === null) {
      const wrong = ring.wrong + 1;
      const wait_ms = waitAfter(wrong);
      await this.#database.rings.update(name, { wrong, wait_until: wait_ms && now + wait_ms });
      throw new WrongPin(wait_ms);
    }
    await this.#database.rings.update(name, { wrong: 0, wait_until: 0 });
    return key;
  }

  /** Take another PIN for the same data. Throws `WrongPin` where the present one is not it. */
  async change(name: string, pin: string, next: string, now: number): Promise<void> {
    const key = await this.open(name, pin, now);
    await this.#database.rings.update(name, await wrapping(key, (await this.#of(name)).secret, next));
  }

  async belongsTo(name: string, { name: worker, login }: { readonly name: string; readonly login: string }): Promise<void> {
    await this.#database.rings.update(name, { worker, login });
  }

  /** Forget a ring with its database: what was sealed there can never be read again. */
  async drop(name: string): Promise<void> {
    await this.#database.rings.delete(name);
    await Dexie.delete(photosOf(name));
    await Dexie.delete(name);
  }

  close(): void {
    this.#database.close();
  }

  async #of(name: string): Promise<Ring> {
    const ring = await this.#database.rings.get(name);
    if (ring === undefined) throw new Error(`no key ring ${name}`);
    return ring;
  }
}

/** Return how long (ms) to wait after so many wrong PINs in a row: none at first, then doubling up to five minutes. */
export function waitAfter(wrong: number): number {
  return wrong < FREE_TRIES ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (wrong - FREE_TRIES));
}

type Wrapping = Pick<Ring, "salt" | "rounds" | "nonce" | "wrapped">;

async function wrapping(key: Uint8Array, secret: CryptoKey, pin: string): Promise<Wrapping> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const wrapper = await wrapperOf(secret, pin, salt, ROUNDS);
  const wrapped = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, wrapper, new Uint8Array(key));
  return { salt, rounds: ROUNDS, nonce, wrapped };
}

async function unwrapped({ secret, salt, rounds, nonce, wrapped }: Ring, pin: string): Promise<Uint8Array | null> {
  const wrapper = await wrapperOf(secret, pin, salt, rounds);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonce }, wrapper, wrapped));
  } catch {
    return null; // authenticated encryption: another key opens nothing
  }
}

async function wrapperOf(secret: CryptoKey, pin: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<CryptoKey> {
  const typed = await crypto.subtle.importKey("raw", new TextEncoder().encode(pin), "PBKDF2", false, ["deriveBits"]);
  const stretched = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations }, typed, 256);
  const bits = await crypto.subtle.sign("HMAC", secret, stretched);
  return crypto.subtle.importKey("raw", bits, "AES-GCM", false, ["encrypt", "decrypt"]);
}
