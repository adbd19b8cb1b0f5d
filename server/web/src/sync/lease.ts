/**
 * One tab at a time exchanges with the server: by Web Locks where there are any, else by a row with an end.
 *
 * This saves traffic. Nothing depends on it: two tabs that exchange at once send the same operations under the same
 * ids, and a page is applied only where the one before it stands.
 */

import type { Store } from "./store.js";

const LASTS_MS = 60_000;

/** As much of the platform's `LockManager` as is used. */
export interface Locks {
  request<T>(name: string, options: { ifAvailable: true }, work: (lock: unknown) => Promise<T>): Promise<T>;
}

/** Do the work if no other tab is at it; return null if one is. */
export async function alone<T>(
  store: Store,
  locks: Locks | null,
  holder: string,
  now: () => number,
  work: () => Promise<T>,
): Promise<T | null> {
  if (locks !== null) {
    return locks.request(`gridpatrol/${store.name}`, { ifAvailable: true }, (lock) =>
      lock === null ? Promise.resolve(null) : work(),
    );
  }
  if (!(await taken(store, holder, now()))) return null;
  try {
    return await work();
  } finally {
    await store.atomically(async () => {
      if ((await store.single("lease"))?.holder === holder) await store.singles.delete("lease");
    });
  }
}

/** Take the lease where it is free, or its holder has not been heard of for a minute. */
function taken(store: Store, holder: string, now: number): Promise<boolean> {
  return store.atomically(async () => {
    const lease = await store.single("lease");
    if (lease !== undefined && lease.holder !== holder && lease.until > now) return false;
    await store.note("lease", { holder, until: now + LASTS_MS });
    return true;
  });
}
