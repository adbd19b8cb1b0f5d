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

/** What one tab at a time does, and the row that says so: exchanges, the sending of photos, which takes longer, and of claims on doors. */
const ROWS = { exchange: "lease", photos: "photo_lease", claims: "claim_lease" } as const;
export type Work = keyof typeof ROWS;

/** By which tabs agree. `holder`: one of each tab. */
export interface Agreement {
  readonly store: Store;
  readonly locks: Locks | null;
  readonly holder: string;
  readonly now: () => number;
}

/** Do the work if no other tab is at it; return null if one is. It says by `renew` that it still goes on. */
export async function alone<T>(
  agreement: Agreement,
  what: Work,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<T | null> {
  const { store, locks, holder } = agreement;
  if (locks !== null) {
    const name = what === "exchange" ? `gridpatrol/${store.name}` : `gridpatrol/${store.name}/${what}`;
    return locks.request(name, { ifAvailable: true }, (lock) =>
      lock === null ? Promise.resolve(null) : work(() => Promise.resolve()),
    );
  }
  if (!(await taken(agreement, what))) return null;
  try {
    return await work(async () => void (await taken(agreement, what)));
  } finally {
    await store.atomically(async () => {
      if ((await store.single(ROWS[what]))?.holder === holder) await store.singles.delete(ROWS[what]);
    });
  }
}

/** Take the lease where it is free, or its holder has not been heard of for a minute. */
function taken({ store, holder, now }: Agreement, what: Work): Promise<boolean> {
  return store.atomically(async () => {
    const lease = await store.single(ROWS[what]);
    if (lease !== undefined && lease.holder !== holder && lease.until > now()) return false;
    await store.note(ROWS[what], { holder, until: now() + LASTS_MS });
    return true;
  });
}
