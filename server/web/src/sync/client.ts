/** The client: what an app calls. Everything it does is kept in IndexedDB, so that a tab may close at any moment. */

import { liveQuery, type Observable } from "dexie";
import type { RowSeal } from "./atRest.js";
import { carry, type Carried, keepKey, noteKey, type UnsentPhoto } from "./carry.js";
import { type Exchanged, exchange, type Means } from "./exchange.js";
import { listen } from "./hints.js";
import { uuid7 } from "./ids.js";
import { alone, type Locks, type Work } from "./lease.js";
import * as outbox from "./outbox.js";
import { backoff, Rest } from "./pace.js";
import * as proving from "./proving.js";
import { beginAnew } from "./pulling.js";
import { type Device, type Entry, type Position, type Standing, type Storage, Store } from "./store.js";
import { Busy, type Line, Refused } from "./transport.js";
import * as transport from "./transport.js";
import type { Described, Fields, Operation } from "./types.js";
import * as view from "./view.js";

const DAY_MS = 86_400_000;

/** Everything but the address has a default; whatever the platform gives can be given instead. */
export interface Options {
  /** The address of the server, without a slash at its end. */
  readonly url: string;
  /** The name of the database: tabs with the same name share one device. */
  readonly name?: string;
  readonly storage?: Storage;
  readonly fetch?: typeof fetch;
  /** Web Locks; null to do without. */
  readonly locks?: Locks | null;
  /** The time in ms. */
  readonly clock?: () => number;
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** In which language problems are told: `zh` or `en`. */
  readonly language?: string;
  readonly page_size?: number;
  readonly timeout_ms?: number;
  /** How long settled operations are kept, to send again what a restored server has forgotten. */
  readonly keep_ms?: number;
  /** How often to exchange where nothing hints at a change. */
  readonly every_ms?: number;
  /** Seals rows at rest; left out, they are kept as they are. */
  readonly seal?: RowSeal | null;
  /** Told what ended an exchange in the background, before the next is tried. */
  readonly failed?: (error: unknown) => void;
  /** Tables of the app's own in the same database (names and indexes as Dexie takes them), for one transaction over both. */
  readonly tables?: Readonly<Record<string, string>>;
}

export interface Summary {
  readonly enrolled: boolean;
  readonly worker: Device["worker"] | null;
  readonly waiting: number;
  readonly doubtful: number;
  readonly standing: Standing;
  readonly position: Position;
}

export class NotEnrolled extends Error {}

/** The code was another worker's than the one whose records are here. It is used up, and the device that it made revoked. */
export class AnotherWorker extends Error {
  constructor(readonly worker: string) {
    super(`the code belongs to ${worker}`);
  }
}

export class SyncClient {
  readonly store: Store;
  readonly #options: Required<Omit<Options, "storage">>;
  readonly #rest = new Rest();
  readonly #holder: string;
  #running: AbortController | null = null;

  constructor(options: Options) {
    this.#options = {
      name: "gridpatrol",
      fetch: (...asked) => globalThis.fetch(...asked),
      locks: (globalThis.navigator as Navigator | undefined)?.locks ?? null,
      clock: Date.now,
      random: (bytes) => void crypto.getRandomValues(bytes),
      language: "zh",
      page_size: 500,
      timeout_ms: 60_000,
      keep_ms: 7 * DAY_MS,
      every_ms: 300_000,
      seal: null,
      failed: () => undefined,
      tables: {},
      ...options,
    };
    this.store = new Store(this.#options.name, options.storage, this.#options);
    this.#holder = this.#newId();
  }

  /**
   * Turn a code into a device. What the one before had entered stays, and is handed in by the new one: it must be the
   * same worker's. Throws `Refused` for a code that is unknown, used or expired, and `AnotherWorker`.
   */
  async enrol(code: string, described: Described): Promise<Device> {
    const device = await transport.enrol(this.#line(null), code, described);
    const before = await this.store.single("device");
    if (before !== undefined && before.worker.login !== device.worker.login) {
      await transport.revokeOwn(this.#line(device.token), device.device_id).catch(() => undefined);
      throw new AnotherWorker(device.worker.name);
    }
    await this.store.atomically(async () => {
      await this.store.note("device", device);
      await this.store.singles.delete("outbox_key");
      if (device.outbox_key) await noteKey(this.store, device.outbox_key, this.#options.clock());
      await this.store.singles.delete("standing");
    });
    return device;
  }

  /** Enter a whole record; without an id, a new one. `at` (ms): when it was captured, where that was before now. */
  put(collection: string, data: Fields, id = this.#newId(), at = this.#options.clock()): Promise<Operation> {
    return this.#enter({ collection, id, action: "put", data }, at);
  }

  /** Enter changed fields; `null` takes a field out. Throws `NothingThere`. */
  patch(collection: string, id: string, data: Fields, at = this.#options.clock()): Promise<Operation> {
    return this.#enter({ collection, id, action: "patch", data }, at);
  }

  /** Enter a deletion. Throws `NothingThere`. */
  remove(collection: string, id: string): Promise<Operation> {
    return this.#enter({ collection, id, action: "delete", data: {} }, this.#options.clock());
  }

  /** Return a record as the worker sees it, null where there is none. */
  get(collection: string, id: string): Promise<view.Seen | null> {
    return view.one(this.store, collection, id);
  }

  /** Return all records of a collection, in ascending id. */
  list(collection: string): Promise<view.Seen[]> {
    return view.all(this.store, collection);
  }

  /** Watch what a question answers, over all tabs: `client.watch(() => client.list("visits")).subscribe(...)`. */
  watch<T>(question: () => Promise<T>): Observable<T> {
    return liveQuery(question);
  }

  /** Return the operations that a person should see: held, quarantined, under review or dismissed, with reasons. */
  doubtful(): Promise<Entry[]> {
    return this.store.outbox.where("state").anyOf(outbox.DOUBTFUL).sortBy("seq");
  }

  /** Take an operation that is doubtful out of sight; one that is not answered yet stays. */
  async forget(opId: string): Promise<void> {
    await this.store.outbox.filter((entry) => entry.op_id === opId && entry.state !== "waiting").delete();
  }

  summary(): Promise<Summary> {
    return this.store.reading(async () => {
      const device = await this.store.single("device");
      return {
        enrolled: device !== undefined,
        worker: device?.worker ?? null,
        waiting: await this.store.outbox.where({ state: "waiting" }).count(),
        doubtful: await this.store.outbox.where("state").anyOf(outbox.DOUBTFUL).count(),
        standing: await this.store.standing(),
        position: await this.store.position(),
      };
    });
  }

  /**
   * Push and pull everything once; null where another tab is at it. Throws `Unreachable`, `Busy` or `Refused`; what
   * was exchanged before is kept. What a refusal says of the device stands in `summary().standing`.
   */
  async exchange(): Promise<Exchanged | null> {
    const means = await this.#means();
    return this.alone("exchange", async () => {
      const done = await exchange(means);
      await keepKey(this.store, means.line, this.#options.clock());
      const { pulled_at } = await this.store.position();
      await outbox.prune(this.store, Math.min(pulled_at ?? 0, this.#options.clock() - this.#options.keep_ms));
      return done;
    });
  }

  /**
   * Prove that the device holds what the server holds; fetch again what it does not. Returns how many grids were
   * fetched again. What differs twice differs: a change may come between a pull and the digest.
   */
  async verify(): Promise<number> {
    const { line } = await this.#means();
    const differing = async (): Promise<Set<string | null>> => {
      await this.exchange();
      const wrong = await proving.mismatches(this.store, (await transport.digest(line)).digests);
      return new Set(wrong.map(({ grid }) => grid));
    };
    const first = await differing();
    if (first.size === 0) return 0;
    const grids = [...(await differing())].filter((grid) => first.has(grid));
    for (const grid of grids) await this.#fetchAgain(line, grid);
    return grids.length;
  }

  async #fetchAgain(line: Line, grid: string | null): Promise<void> {
    for (;;) {
      const { cursor } = await this.store.position();
      // The worker's own records elsewhere belong to no grid: they come with everything.
      if (grid === null) return beginAnew(this.store, cursor);
      if (await proving.replace(this.store, grid, cursor, await transport.recordsOf(line, grid))) return;
    }
  }

  /**
   * Put everything that was not sent into one file that only the server can open: for a share or a cable, taken in at
   * the station. It is sent all the same when there is a network; what comes both ways happens once. Throws
   * `NotEnrolled`, `NothingToCarry`, `NoOutboxKey`, or `CannotSeal` on a page that did not come over HTTPS.
   */
  async carry(app_version: string, photos: readonly UnsentPhoto[] = []): Promise<Carried> {
    const { line } = await this.#means();
    const now = this.#options.clock();
    if ((await this.store.single("outbox_key")) === undefined) await keepKey(this.store, line, now);
    return carry(this.store, photos, { app_version, now });
  }

  /** Exchange from now on: at once, when something was entered, at the server's hints, and every so often. */
  start(): void {
    if (this.#running !== null) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
    void listen(() => this.#lineOfDevice(), () => this.wake(), this.#options.clock, this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  /** Exchange now, as when the network is back. */
  wake(): void {
    this.#rest.wake();
  }

  /** Return how the device speaks to the server, for what belongs to the protocol beside the exchange. Throws `NotEnrolled`. */
  line(): Promise<Line> {
    return this.#lineOfDevice();
  }

  /** Do what one tab at a time shall do; null where another is at it. It says by `renew` that it still goes on. */
  alone<T>(what: Work, work: (renew: () => Promise<void>) => Promise<T>): Promise<T | null> {
    const { locks, clock } = this.#options;
    return alone({ store: this.store, locks, holder: this.#holder, now: clock }, what, work);
  }

  /** Return how often the device began anew: each time, the server may have forgotten something. */
  async generation(): Promise<number> {
    return (await this.store.position()).generation;
  }

  /** Stop, and close the database. */
  close(): void {
    this.stop();
    this.store.close();
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      let wait = this.#options.every_ms;
      try {
        await this.exchange();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#options.failed(error);
        wait = error instanceof Busy ? error.wait_ms * (1 + this.#chance()) : backoff(failures, this.#chance());
        if (error instanceof Refused || error instanceof NotEnrolled) wait = this.#options.every_ms;
      }
      await this.#rest.of(wait, signal);
    }
  }

  async #enter(entered: Omit<outbox.Entered, "captured_at">, at: number): Promise<Operation> {
    const captured_at = new Date(at).toISOString();
    const op = await outbox.enter(this.store, { ...entered, captured_at }, this.#newId());
    this.wake();
    return op;
  }

  async #means(): Promise<Means> {
    const { clock, page_size } = this.#options;
    const line = await this.#lineOfDevice();
    return { store: this.store, line, now: clock, newId: () => this.#newId(), page_size };
  }

  async #lineOfDevice(): Promise<Line> {
    const device = await this.store.single("device");
    if (device === undefined) throw new NotEnrolled("this device is not enrolled");
    return this.#line(device.token);
  }

  #line(token: string | null): Line {
    const { url, fetch, language, timeout_ms } = this.#options;
    return { url, fetch, token, language, timeout_ms };
  }

  #newId(): string {
    return uuid7(this.#options.clock(), this.#options.random);
  }

  #chance(): number {
    const bytes = new Uint8Array(1);
    this.#options.random(bytes);
    return (bytes[0] ?? 0) / 255;
  }
}
