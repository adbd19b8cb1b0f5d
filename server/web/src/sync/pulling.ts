/**
 * Taking over what the server sends: pages of changes and outcomes, moves of scope, and beginning anew.
 *
 * Owns that a page is applied whole, once, and only on top of the page before it, whoever fetched it.
 */

import { type Answered, gone, settled, shown } from "./outbox.js";
import type { Held, Position, Store } from "./store.js";
import type { Change, Page } from "./types.js";

/** With which cursor a page was asked for, and what had been answered when its pull began. */
export interface Asked {
  readonly cursor: string | null;
  readonly answered: Answered;
}

/** Apply a page in one transaction. Returns false, having done nothing, where another tab was faster. */
export function apply(store: Store, asked: Asked, page: Page, now: number): Promise<boolean> {
  return store.atomically(async () => {
    const at = await store.position();
    if (at.cursor !== asked.cursor) return false;
    const puts = page.changes.filter((change) => change.action === "put");
    const left = page.changes.filter((change) => change.action !== "put").map(({ collection, id }) => [collection, id] as const);
    await store.records.bulkPut(puts.map((change) => held(change, at.generation)));
    await store.records.bulkDelete(left.map(([collection, id]) => [collection, id]));
    await settled(store, page.outcomes);
    if (left.length > 0) await gone(store, left, now);
    if (!page.has_more) await shown(store, asked.answered, now);
    if (at.filling && !page.has_more) await store.records.where("generation").below(at.generation).delete();
    await store.note("position", {
      ...at,
      cursor: page.cursor,
      filling: at.filling && page.has_more,
      scope: page.scope,
      pulled_at: page.has_more ? at.pulled_at : now,
    });
    return true;
  });
}

export function held({ collection, id, rev, data, grid, mine }: Change, generation: number): Held {
  return { collection, id, rev, data: data ?? {}, place: grid ?? null, grid: grid?.code ?? "", generation, ...(mine === true && { mine }) };
}

/**
 * Begin anew from no cursor, where it still stands at `asked`. What is held stays in sight until the new filling
 * has come to its end; what is unsent stays in the outbox.
 */
export function beginAnew(store: Store, asked: string | null): Promise<void> {
  return store.atomically(async () => {
    const at: Position = await store.position();
    if (at.cursor !== asked) return;
    const anew = { ...at, cursor: null, generation: at.generation + 1, filling: true, asks: true };
    await store.note("position", anew);
  });
}
