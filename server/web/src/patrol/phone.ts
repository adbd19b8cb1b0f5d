/**
 * One worker's part of this phone: the sync client over a sealed database, and beside it what is not sent yet.
 *
 * Owns the app's own tables. `drafts`: what is being entered, kept at every keystroke. `pending`: what was entered and may
 * still be undone. `kept`: single facts that the app needs without a network, such as the catalogue. `reported`: ids of the
 * reports that were made with this phone.
 */
import type { Table } from "dexie";
import { currentLanguage } from "../i18n";
import { Photos, Uploader } from "../photos";
import { type Fields, SyncClient } from "../sync/index";
import { uuid7 } from "../sync/ids";
import { Network } from "./shell/network";
import { makeRoomAfter, withRoom } from "./shell/room";
import { type Ring, photosOf } from "./vault/rings";
import { sealOf } from "./vault/seal";

export const UNDO_MS = 10_000;
const PHOTO = "photo";
const TABLES = { drafts: "id", pending: "id", kept: "name", reported: "id" };

export interface Draft {
  readonly id: string;
  readonly at: number;
  readonly value: unknown;
}

/** A record that was entered, with what goes with it; `until` (ms): till then it may be undone. */
export interface Pending {
  readonly id: string;
  readonly collection: string;
  readonly data: Fields;
  readonly with: readonly { readonly collection: string; readonly id: string; readonly data: Fields }[];
  readonly until: number;
  readonly told: string;
  readonly captured_at: number;
}

interface Kept {
  readonly name: string;
  readonly value: unknown;
}

export class Phone {
  readonly client: SyncClient;
  readonly photos: Photos;
  readonly uploader: Uploader;
  readonly network = new Network();
  readonly drafts: Table<Draft, string>;
  readonly pending: Table<Pending, string>;
  readonly reported: Table<{ readonly id: string }, string>;
  readonly #kept: Table<Kept, string>;

  constructor(
    ring: Pick<Ring, "name">,
    key: Uint8Array,
  ) {
    const seal = sealOf(key);
    this.client = new SyncClient({
      url: location.origin,
      name: ring.name,
      language: currentLanguage(),
      fetch: this.network.fetch,
      seal,
      tables: TABLES,
      failed: makeRoomAfter,
    });
    this.photos = new Photos(photosOf(ring.name), {
      seal: async (content) => new Uint8Array(seal.seal(content, PHOTO)),
      open: async (sealed) => new Uint8Array(seal.open(sealed, PHOTO)),
    });
    this.uploader = new Uploader(this.client, this.photos);
    this.drafts = this.client.store.table("drafts");
    this.pending = this.client.store.table("pending");
    this.reported = this.client.store.table("reported");
    this.#kept = this.client.store.table("kept");
  }

  newId(): string {
    return uuid7(Date.now(), (bytes) => void crypto.getRandomValues(bytes));
  }

  async kept<T>(name: string): Promise<T | undefined> {
    return (await this.#kept.get(name))?.value as T | undefined;
  }

  async keep(name: string, value: unknown): Promise<void> {
    await this.#kept.put({ name, value });
  }

  /** Keep what is being entered; null forgets it. */
  async draft(id: string, value: unknown): Promise<void> {
    if (value === null) await this.drafts.delete(id);
    else await withRoom(() => this.drafts.put({ id, at: Date.now(), value }));
  }

  /** Enter a record that may be undone until `UNDO_MS` have passed; durable when this resolves. */
  async enter(entered: Omit<Pending, "until" | "captured_at">): Promise<void> {
    const now = Date.now();
    await withRoom(() => this.pending.put({ ...entered, until: now + UNDO_MS, captured_at: now }));
  }

  /** Take back what is pending. Returns false where it was too late: it is in the outbox. */
  undo(id: string): Promise<boolean> {
    return this.client.store.transaction("rw", this.pending, this.drafts, async () => {
      const there = (await this.pending.get(id)) !== undefined;
      await this.pending.delete(id);
      await this.drafts.delete(`visit/${id}`);
      return there;
    });
  }

  /**
   * Put into the outbox what may no longer be undone at `moment` (ms). Each moves in one transaction: whenever the browser
   * is killed, it is in one of the two tables and never in both.
   */
  async promote(moment: number): Promise<void> {
    for (const { id } of await this.pending.filter(({ until }) => until <= moment).toArray()) {
      await this.#atomically(async () => {
        const row = await this.pending.get(id);
        if (row === undefined) return;
        await this.pending.delete(id);
        await this.client.put(row.collection, row.data, row.id, row.captured_at);
        for (const { collection, id: other, data } of row.with) {
          if ((await this.client.get(collection, other)) !== null) await this.client.patch(collection, other, data, row.captured_at);
        }
      });
    }
    this.client.wake();
  }

  /** Return how many operations are not sent, pending ones too: of one moment, so that none is missed on its way. */
  unsent(): Promise<number> {
    return this.client.store.transaction("r", [this.client.store.outbox, this.pending], async () => {
      const rows = await this.pending.toArray();
      const waiting = await this.client.store.outbox.where({ state: "waiting" }).count();
      return rows.reduce((sum, row) => sum + 1 + row.with.length, waiting);
    });
  }

  /** Add fields to a record of one's own, whether it is pending still or in the outbox. */
  async addTo(collection: string, id: string, data: Fields): Promise<void> {
    await this.#atomically(async () => {
      const row = await this.pending.get(id);
      if (row !== undefined) await this.pending.put({ ...row, data: { ...row.data, ...data } });
      else {
        const there = await this.client.get(collection, id);
        if (there !== null) await this.client.put(collection, { ...there.data, ...data }, id);
      }
    });
  }

  /** Run in one transaction over what is sent and what is pending. */
  #atomically(work: () => Promise<void>): Promise<void> {
    const { store } = this.client;
    return withRoom(() => store.transaction("rw", [store.outbox, store.records, store.singles, this.pending], work));
  }

  /** Exchange and upload from now on. */
  start(): void {
    this.client.start();
    this.uploader.start();
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
  }

  /** A network that is back, or an app that is looked at again, ends every rest. */
  readonly #wake = (): void => {
    if (document.visibilityState !== "visible" || !navigator.onLine) return;
    this.client.wake();
    this.uploader.wake();
  };

  close(): void {
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.uploader.stop();
    this.client.close();
    this.photos.close();
  }
}

/** Everything, however fresh: the app is hidden, locked or was killed. */
export const ALL = Number.POSITIVE_INFINITY;
