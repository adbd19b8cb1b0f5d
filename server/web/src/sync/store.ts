/**
 * What is kept on the device: the outbox, the records as the server last sent them, and where the pull stands.
 *
 * Owns the tables and their keys; knows nothing of the network. Whatever belongs together is written in one
 * transaction, so that a tab may die between any two statements.
 */

import { Dexie, type Table } from "dexie";
import { type RowSeal, sealingRows } from "./atRest.js";
import type { OutboxKey } from "./sealing.js";
import type { Action, Enrolled, Fields, Grid, Operation, Outcome, Problem, Result, Scope } from "./types.js";

/** `waiting`: not answered yet. All other states are the server's. */
export type State = "waiting" | Result["status"] | Outcome["status"];

/**
 * One operation and what is known of it. `kept_since`: when a pull had shown what became of it, in ms, and 0 before;
 * it then lies over its record no longer, and is kept only to be sent again after a restore of the server.
 */
export interface Entry {
  seq: number;
  op_id: string;
  collection: string;
  id: string;
  action: Action;
  op: Operation;
  state: State;
  rev: number | null;
  grid: Grid | null;
  problem: Problem | null;
  fields: Fields;
  note: string | null;
  kept_since: number;
}

/** A record as the server last sent it. `grid`: code of the grid it lies in today, empty where it lies in none. `mine`: the worker wrote it. */
export interface Held {
  collection: string;
  id: string;
  rev: number;
  data: Fields;
  place: Grid | null;
  grid: string;
  generation: number;
  mine?: boolean;
}

/**
 * Where the pull stands. `generation` counts how often the device began anew; while `filling`, records of
 * earlier generations are still shown. `asks`: it began anew after a resync, and has to ask what the server forgot.
 */
export interface Position {
  cursor: string | null;
  generation: number;
  filling: boolean;
  asks: boolean;
  scope: Scope | null;
  pulled_at: number | null;
}

export type Device = Enrolled;

/**
 * `revoked`, and whether the device shall wipe itself; `unknown`: the server does not know the device, as after a
 * restore from a backup older than it: enrol again, on top of what is there; `outdated`: only a newer app may pull.
 */
export interface Standing {
  revoked: boolean;
  wipe: boolean;
  unknown: boolean;
  outdated: boolean;
  skew_ms: number;
}

export interface Lease {
  holder: string;
  until: number;
}

/** The server's key for files that are carried to it, and when it was asked for (ms). */
export interface KeptKey extends OutboxKey {
  readonly asked_at: number;
}

/** The single rows: one of each name. */
export interface Singles {
  device: Device;
  seq: number;
  position: Position;
  standing: Standing;
  lease: Lease;
  photo_lease: Lease;
  claim_lease: Lease;
  outbox_key: KeptKey;
}

export const AT_FIRST: Position = {
  cursor: null,
  generation: 1,
  filling: true,
  asks: false,
  scope: null,
  pulled_at: null,
};
export const IN_GOOD_STANDING: Standing = { revoked: false, wipe: false, unknown: false, outdated: false, skew_ms: 0 };

interface Single {
  name: keyof Singles;
  value: Singles[keyof Singles];
}

/** An IndexedDB, as a browser has it, or one that is given. */
export interface Storage {
  readonly indexedDB: IDBFactory;
  readonly IDBKeyRange: typeof IDBKeyRange;
}

/** Beside the tables of the client: those of the app, in the words of Dexie, and how rows are sealed at rest. */
export interface Keeping {
  readonly tables?: Readonly<Record<string, string>>;
  readonly seal?: RowSeal | null;
}

export class Store extends Dexie {
  declare readonly outbox: Table<Entry, number>;
  declare readonly records: Table<Held, [string, string]>;
  declare readonly singles: Table<Single, string>;

  constructor(name: string, storage?: Storage, { tables = {}, seal = null }: Keeping = {}) {
    super(name, storage && { indexedDB: storage.indexedDB, IDBKeyRange: storage.IDBKeyRange });
    if (seal !== null) this.use(sealingRows(seal));
    this.version(1).stores({
      outbox: "seq, &op_id, state, kept_since, [collection+id], collection",
      records: "[collection+id], collection, [grid+collection], generation",
      singles: "name",
      ...tables,
    });
  }

  async single<Name extends keyof Singles>(name: Name): Promise<Singles[Name] | undefined> {
    const row = await this.singles.get(name);
    return row?.value as Singles[Name] | undefined;
  }

  async note<Name extends keyof Singles>(name: Name, value: Singles[Name]): Promise<void> {
    await this.singles.put({ name, value });
  }

  async position(): Promise<Position> {
    return (await this.single("position")) ?? AT_FIRST;
  }

  async standing(): Promise<Standing> {
    return (await this.single("standing")) ?? IN_GOOD_STANDING;
  }

  /** Run in one transaction that reads and writes all tables. */
  atomically<T>(work: () => Promise<T>): Promise<T> {
    return this.transaction("rw", this.outbox, this.records, this.singles, work);
  }

  /** Run in one transaction that sees one state of all tables. */
  reading<T>(work: () => Promise<T>): Promise<T> {
    return this.transaction("r", this.outbox, this.records, this.singles, work);
  }
}
