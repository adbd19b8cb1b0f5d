/** What the duty page shows, in its address: a link shows the same. Pure. */
export const FILTERS = ["state", "light", "category", "words", "area", "asks"] as const;
export type Wanted = Record<(typeof FILTERS)[number], string>;

/** In these a case waits for the duty desk: to come to a body, and to be checked and closed. */
export const WAITING = ["reported", "accepted", "verified", "filed", "returned"].join(",");
export const FINISHED = ["done", "checked"].join(",");

/** States as one is asked for. */
export const STAGES = ["reported", "accepted", "verified", "filed", "returned", "dispatched", "received", "in_progress", "extended", "reworked", "suspended", "done", "checked"] as const;

export function fromAddress(search: string): Wanted {
  const asked = new URLSearchParams(search);
  return Object.fromEntries(FILTERS.map((name) => [name, asked.get(name) ?? ""])) as Wanted;
}

/** The query that says the same, without what is empty; `more` beside it. */
export function addressOf(wanted: Wanted, more: Record<string, string | null> = {}): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...wanted, ...more })) if (value) set.set(name, value);
  return set.toString();
}
