/**
 * Photos on the phone, from when they were taken until the server is known to have them.
 *
 * Owns the tables, and that no photo is thrown away before it was uploaded and some days have passed: a server that was
 * restored from a backup may have forgotten it. Contents lie sealed, as whoever opens the store says; what is told of
 * them (id, record, size, state) lies open. Knows nothing of the network.
 */

import { Dexie, type Table } from "dexie";
import type { UnsentPhoto } from "../sync/carry.js";
import type { Storage } from "../sync/store.js";
import type { Problem } from "../sync/types.js";

/** `refused`: the server does not take it, for the reason in `problem`; it is kept for a person to look at. */
export type PhotoState = "waiting" | "uploaded" | "refused";

/**
 * What is known of a photo. `sent`: bytes that the server has; `failures`: how often sending it broke off since it last
 * came on; `settled_at`: since when it is uploaded or refused, in ms; `generation`: of the device, when it was uploaded.
 */
export interface Photo {
  readonly id: string;
  readonly collection: string;
  readonly record: string;
  readonly sha256: string;
  readonly size: number;
  readonly type: string;
  readonly name: string;
  readonly taken_at: number;
  readonly state: PhotoState;
  readonly sent: number;
  readonly failures: number;
  readonly problem: Problem | null;
  readonly settled_at: number | null;
  readonly generation: number | null;
}

export type Taken = Pick<Photo, "id" | "collection" | "record" | "sha256" | "type" | "name" | "taken_at">;
export type Learnt = Partial<Pick<Photo, "state" | "sent" | "failures" | "problem" | "settled_at" | "generation">>;

/** Encrypts and decrypts what lies on the phone. */
export interface Seal {
  seal(content: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  open(sealed: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
}

export const PLAIN: Seal = { seal: (content) => Promise.resolve(content), open: (sealed) => Promise.resolve(sealed) };

/** What an uploader and an app need of a place for photos. */
export interface PhotoStore {
  /** Keep a photo; it is there whole or not at all. The same id again changes nothing. */
  add(taken: Taken, content: Uint8Array<ArrayBuffer>): Promise<void>;
  get(id: string): Promise<Photo | undefined>;
  all(): Promise<Photo[]>;
  /** Those to send, in the order in which to try them: what broke off least, then what was taken first. */
  waiting(): Promise<Photo[]>;
  /** The content; null where it is not there any more. Throws what the seal throws, as while it is locked. */
  content(id: string): Promise<Uint8Array<ArrayBuffer> | null>;
  learn(id: string, learnt: Learnt): Promise<void>;
  /** Take out a photo, as of a draft that was given up. */
  drop(id: string): Promise<void>;
  /** Have sent again what was uploaded in another generation: the server may have forgotten it. Returns how many. */
  requeue(generation: number): Promise<number>;
  /** Take out what was uploaded before a moment (ms). Returns how many. */
  prune(moment: number): Promise<number>;
}

interface Content {
  readonly id: string;
  readonly sealed: Uint8Array<ArrayBuffer>;
}

/** Photos in IndexedDB; tabs with the same name share them. */
export class Photos extends Dexie implements PhotoStore {
  declare readonly photos: Table<Photo, string>;
  declare readonly contents: Table<Content, string>;
  readonly #seal: Seal;

  constructor(name: string, seal: Seal = PLAIN, storage?: Storage) {
    super(name, storage && { indexedDB: storage.indexedDB, IDBKeyRange: storage.IDBKeyRange });
    this.#seal = seal;
    this.version(1).stores({ photos: "id, state, record", contents: "id" });
  }

  async add(taken: Taken, content: Uint8Array<ArrayBuffer>): Promise<void> {
    // Before the transaction: one does not wait for anything but its own statements.
    const sealed = await this.#seal.seal(content);
    const first = { state: "waiting", sent: 0, failures: 0, problem: null, settled_at: null, generation: null } as const;
    const { id, collection, record, sha256, type, name, taken_at } = taken;
    await this.#atomically(async () => {
      if ((await this.photos.get(id)) !== undefined) return;
      await this.contents.put({ id, sealed });
      await this.photos.put({ id, collection, record, sha256, type, name, taken_at, size: content.byteLength, ...first });
    });
  }

  get(id: string): Promise<Photo | undefined> {
    return this.photos.get(id);
  }

  all(): Promise<Photo[]> {
    return this.photos.toArray();
  }

  async waiting(): Promise<Photo[]> {
    const found = await this.photos.where("state").equals("waiting").toArray();
    return found.sort((one, other) => one.failures - other.failures || one.taken_at - other.taken_at);
  }

  async content(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const found = await this.contents.get(id);
    return found === undefined ? null : this.#seal.open(found.sealed);
  }

  async learn(id: string, learnt: Learnt): Promise<void> {
    await this.photos.update(id, learnt);
  }

  drop(id: string): Promise<void> {
    return this.#atomically(async () => {
      await this.contents.delete(id);
      await this.photos.delete(id);
    });
  }

  requeue(generation: number): Promise<number> {
    const again = { state: "waiting", sent: 0, failures: 0, settled_at: null } as const;
    const uploaded = this.photos.where("state").equals("uploaded");
    return uploaded.filter((photo) => photo.generation !== generation).modify(again);
  }

  prune(moment: number): Promise<number> {
    return this.#atomically(async () => {
      const uploaded = this.photos.where("state").equals("uploaded");
      const old = await uploaded.filter(({ settled_at }) => settled_at !== null && settled_at < moment).primaryKeys();
      await this.contents.bulkDelete(old);
      await this.photos.bulkDelete(old);
      return old.length;
    });
  }

  /** What is not uploaded, for a file that is carried to the server. */
  async unsent(): Promise<UnsentPhoto[]> {
    return (await this.waiting()).map(({ id, collection, record, sha256, type, name }) => ({
      id, collection, record, sha256, type, name,
      content: async () => {
        const content = await this.content(id);
        if (content === null) throw new Error(`photo ${id} cannot be read`);
        return new Blob([content]);
      },
    }));
  }

  #atomically<T>(work: () => Promise<T>): Promise<T> {
    return this.transaction("rw", this.photos, this.contents, work);
  }
}

/** How far the photos are: how many of each sort, and bytes of those that wait. */
export interface Progress {
  readonly waiting: number;
  readonly uploaded: number;
  readonly refused: number;
  readonly sent_bytes: number;
  readonly total_bytes: number;
}

export async function progress(photos: PhotoStore): Promise<Progress> {
  const all = await photos.all();
  const of = (state: PhotoState): Photo[] => all.filter((photo) => photo.state === state);
  const waiting = of("waiting");
  const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
  return {
    waiting: waiting.length,
    uploaded: of("uploaded").length,
    refused: of("refused").length,
    sent_bytes: sum(waiting.map(({ sent }) => sent)),
    total_bytes: sum(waiting.map(({ size }) => size)),
  };
}
