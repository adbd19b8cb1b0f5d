/** The records as the worker sees them: what the server sent, with the worker's own operations on top. */

import { isOnTop, onTop } from "./outbox.js";
import type { Entry, Held, Store } from "./store.js";
import type { Fields, Grid, Json } from "./types.js";

/**
 * `unsettled`: how many own operations it shows that the server has not settled. `rev` is 0 where it knows none.
 * `masked`: it is a private issue of others (`MaskedIssue`): what is written upon it is refused. `mine`: the worker wrote
 * it, with this device or another.
 */
export interface Seen {
  readonly collection: string;
  readonly id: string;
  readonly rev: number;
  readonly data: Fields;
  readonly grid: Grid | null;
  readonly unsettled: number;
  readonly masked: boolean;
  readonly mine: boolean;
}

export function one(store: Store, collection: string, id: string): Promise<Seen | null> {
  return store.reading(async () => {
    const held = await store.records.get([collection, id]);
    return seen(collection, id, held, await onTop(store, collection, id, held?.rev ?? 0));
  });
}

/** Return all records of a collection, in ascending id. */
export function all(store: Store, collection: string): Promise<Seen[]> {
  return store.reading(async () => {
    const held = new Map((await store.records.where({ collection }).toArray()).map((each) => [each.id, each]));
    const own = new Map<string, Entry[]>();
    for (const entry of await store.outbox.where({ collection }).sortBy("seq")) {
      if (!isOnTop(entry, held.get(entry.id)?.rev ?? 0)) continue;
      own.set(entry.id, [...(own.get(entry.id) ?? []), entry]);
    }
    const ids = [...new Set([...held.keys(), ...own.keys()])].sort();
    const records = ids.map((id) => seen(collection, id, held.get(id), own.get(id) ?? []));
    return records.filter((record) => record !== null);
  });
}

/** Lay own operations over a record. A patch of what is no longer in scope, and a deletion, leave nothing to see. */
function seen(collection: string, id: string, held: Held | undefined, own: readonly Entry[]): Seen | null {
  let data: Fields | null = held?.data ?? null;
  for (const { action, op } of own) {
    if (action === "delete") data = null;
    else if (action === "put") data = laidOver(data ?? {}, op.data);
    else data = data && laidOver(data, op.data);
  }
  if (data === null) return null;
  const grid = held?.place ?? own.at(-1)?.grid ?? null;
  const mine = held === undefined || held.mine === true;
  return { collection, id, rev: held?.rev ?? 0, data, grid, unsettled: own.length, masked: held?.data?.masked === true, mine };
}

/** What a `put` leaves out stays until the server has answered: the fields that only it sets are among them. */
function laidOver(data: Fields, changes: Fields): Fields {
  const laid: Record<string, Json> = { ...data, ...changes };
  return Object.fromEntries(Object.entries(laid).filter(([, value]) => value !== null));
}
