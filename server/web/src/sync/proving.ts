/** Proving that the device holds what the server holds, and fetching again a grid where it does not. */

import { md5 } from "@noble/hashes/legacy.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { held } from "./pulling.js";
import type { Store } from "./store.js";
import type { Change, Digest } from "./types.js";

/** Return the digests that the device does not match: of grids, and with `grid` null of the worker's own elsewhere. */
export function mismatches(store: Store, digests: readonly Digest[]): Promise<Digest[]> {
  return store.reading(async () => {
    const told = new Set(digests.map(({ grid, collection }) => key(grid, collection)));
    const lines = new Map<string, string[]>();
    await store.records.orderBy("[collection+id]").each(({ collection, id, rev, grid }) => {
      const group = told.has(key(grid, collection)) ? key(grid, collection) : key(null, collection);
      lines.set(group, [...(lines.get(group) ?? []), `${id}:${rev}`]);
    });
    return digests.filter(({ grid, collection, checksum }) => sum(lines.get(key(grid, collection))) !== checksum);
  });
}

function key(grid: string | null, collection: string): string {
  return `${grid ?? ""}/${collection}`;
}

function sum(lines: readonly string[] = []): string {
  return bytesToHex(md5(utf8ToBytes(lines.join("\n"))));
}

/**
 * Take over a grid as it was fetched, in place of what is held of it, while the pull still stands at `cursor`.
 * Returns false, having done nothing, where it moved on.
 */
export function replace(store: Store, grid: string, cursor: string | null, fetched: readonly Change[]): Promise<boolean> {
  return store.atomically(async () => {
    const at = await store.position();
    if (at.cursor !== cursor) return false;
    await store.records.filter((each) => each.grid === grid && each.collection !== "grids").delete();
    await store.records.bulkPut(fetched.map((change) => held(change, at.generation)));
    return true;
  });
}
