/**
 * The outbox: what the worker entered, numbered, until the server has answered and a pull has shown it.
 *
 * Owns the numbering, what each operation is based on, and what answers and outcomes mean for it. Settled operations
 * are kept for some days: a server that was restored from a backup may have forgotten them.
 */

import type { Entry, State, Store } from "./store.js";
import type { Action, Base, DeviceStatus, Fields, Operation, Outcome, Result } from "./types.js";
import { encode } from "./wire.js";

/** What a push may hold at most, by the protocol; the body is kept a little below its 8 MiB. */
export const MOST_OPERATIONS = 1000;
export const MOST_BYTES = 7 * 1024 * 1024;

/** The states in which an operation stands on top of what the server sent, and others may build on it. */
const UNSETTLED: ReadonlySet<State> = new Set(["waiting", "pending", "held"]);
/** The states in which it is in the record, from revision `rev` on. */
const IN_EFFECT: ReadonlySet<State> = new Set(["applied", "merged", "released"]);
/** The states that a person should see. */
export const DOUBTFUL: readonly State[] = ["held", "quarantined", "review", "dismissed"];

export interface Entered {
  readonly collection: string;
  readonly id: string;
  readonly action: Action;
  readonly data: Fields;
  readonly captured_at: string;
}

/** A patch or a deletion of a record of which the device knows nothing. */
export class NothingThere extends Error {
  constructor(collection: string, id: string) {
    super(`${collection} ${id} is not on this device`);
  }
}

/** Number an operation and put it into the outbox, in one transaction. Throws `NothingThere`. */
export function enter(store: Store, entered: Entered, opId: string): Promise<Operation> {
  return store.atomically(async () => {
    const { collection, id, action, data, captured_at } = entered;
    const base = await baseOf(store, collection, id);
    if (base === null && action !== "put") throw new NothingThere(collection, id);
    const seq = ((await store.single("seq")) ?? 0) + 1;
    const op: Operation = { op_id: opId, seq, collection, id, action, base, captured_at, data };
    await store.note("seq", seq);
    await store.outbox.add(waiting(op));
    return op;
  });
}

function waiting(op: Operation): Entry {
  const { op_id, seq, collection, id, action } = op;
  const unknown = { rev: null, grid: null, problem: null, fields: {}, note: null, kept_since: 0 };
  return { seq, op_id, collection, id, action, op, state: "waiting", ...unknown };
}

/** What the worker sees of a record when writing: the last own operation that a pull has not shown, or a revision. */
async function baseOf(store: Store, collection: string, id: string): Promise<Base> {
  const held = await store.records.get([collection, id]);
  const own = await onTop(store, collection, id, held?.rev ?? 0);
  const last = own.at(-1);
  if (last === undefined) return held === undefined ? null : { rev: held.rev };
  return last.state === "applied" && last.rev !== null ? { rev: last.rev } : { op_id: last.op_id };
}

/** Return the own operations that stand on top of revision `rev` of a record, in the order they were made. */
export async function onTop(store: Store, collection: string, id: string, rev: number): Promise<Entry[]> {
  const entries = await store.outbox.where({ collection, id }).toArray();
  return entries.filter((entry) => isOnTop(entry, rev)).sort((one, other) => one.seq - other.seq);
}

export function isOnTop(entry: Entry, rev: number): boolean {
  if (UNSETTLED.has(entry.state)) return true;
  return IN_EFFECT.has(entry.state) && entry.kept_since === 0 && entry.rev !== null && entry.rev > rev;
}

/** Return the operations to send next, in the order they were made: as many as one push may hold. */
export async function batch(store: Store, most = MOST_OPERATIONS): Promise<Operation[]> {
  const entries = await store.outbox.where("state").equals("waiting").limit(most).sortBy("seq");
  const ops: Operation[] = [];
  let bytes = 0;
  for (const { op } of entries) {
    bytes += encode(op).byteLength + 1;
    if (bytes > MOST_BYTES && ops.length > 0) break;
    ops.push(op);
  }
  return ops;
}

/**
 * Take the answers to a push, in one transaction. An answer to an operation that is settled already says nothing new:
 * another tab sent it too, and a pull may have told since what became of it.
 */
export function answered(store: Store, results: readonly Result[]): Promise<void> {
  return store.atomically(async () => {
    for (const result of results) {
      const entry = await store.outbox.where({ op_id: result.op_id }).first();
      if (entry?.state !== "waiting") continue;
      entry.state = result.status;
      entry.rev = result.rev ?? null;
      entry.grid = result.grid ?? null;
      entry.problem = result.error ?? null;
      await store.outbox.put(entry);
    }
  });
}

/** Take what a pull tells of operations; called within the transaction of its page. */
export async function settled(store: Store, outcomes: readonly Outcome[]): Promise<void> {
  for (const outcome of outcomes) {
    const entry = await store.outbox.where({ op_id: outcome.op_id }).first();
    if (entry === undefined) continue;
    entry.state = outcome.status;
    entry.rev = outcome.rev ?? entry.rev;
    entry.fields = outcome.fields;
    entry.note = outcome.note ?? null;
    entry.problem = outcome.error ?? entry.problem;
    entry.kept_since = 0;
    await store.outbox.put(entry);
  }
}

/** What had been answered at some moment: up to which number, and what of it had not. */
export interface Answered {
  readonly last: number;
  readonly waiting: ReadonlySet<number>;
}

/** Note, before a pull, which operations it will have shown when it has come to its end. */
export function answeredSoFar(store: Store): Promise<Answered> {
  return store.reading(async () => {
    const waiting = await store.outbox.where("state").equals("waiting").primaryKeys();
    return { last: (await store.single("seq")) ?? 0, waiting: new Set(waiting) };
  });
}

/**
 * A pull has shown everything up to its end, or that a record is gone: what was in effect before lies over no record
 * any longer. Called within the transaction of a page.
 */
export async function shown(store: Store, before: Answered, now: number): Promise<void> {
  const entries = store.outbox.where("kept_since").equals(0);
  const isShown = ({ seq, state }: Entry): boolean =>
    IN_EFFECT.has(state) && seq <= before.last && !before.waiting.has(seq);
  await entries.filter(isShown).modify({ kept_since: now });
}

/** The same, of records that left or were deleted. */
export async function gone(store: Store, keys: readonly (readonly [string, string])[], now: number): Promise<void> {
  const entries = store.outbox.where("[collection+id]").anyOf(keys.map(([collection, id]) => [collection, id]));
  await entries.filter(({ state }) => IN_EFFECT.has(state)).modify({ kept_since: now });
}

/** Put an operation that no push can carry among the quarantined, with the reason. */
export async function refused(store: Store, opId: string, type: string, title: string): Promise<void> {
  const problem = { type, title };
  await store.outbox.where({ op_id: opId }).modify({ state: "quarantined", problem });
}

/** Send again what the server has forgotten: after a restore, it names the numbers that it has not received. */
export async function requeue(store: Store, status: DeviceStatus): Promise<number> {
  const isForgotten = ({ seq }: Entry): boolean =>
    seq > status.highest_seq || status.gaps.some(([first, last]) => first <= seq && seq <= last);
  return store.outbox.filter((entry) => entry.state !== "waiting" && isForgotten(entry)).modify((entry) => {
    Object.assign(entry, waiting(entry.op));
  });
}

/** Forget what was settled before `moment` (ms); what a person should see stays until it is forgotten by name. */
export async function prune(store: Store, moment: number): Promise<number> {
  return store.outbox.where("kept_since").between(0, Math.max(1, moment), false, false).delete();
}
