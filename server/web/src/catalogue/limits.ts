/** What of the limits of stages a form would change. Pure. */
import type { StageLimit, Term } from "../api/terms";

export const UNITS = ["min", "h", "wh", "wd", "d"] as const;

/** What was typed, by stage; null: no limit. */
export type LimitDraft = Readonly<Record<string, StageLimit | null>>;

/** The limits that differ from those that hold. */
export function changedLimits(terms: readonly Term[], draft: LimitDraft): Record<string, StageLimit | null> {
  const differing = terms.filter(({ stage, limit }) => {
    if (!(stage in draft)) return false;
    const next = draft[stage] ?? null;
    return next?.value !== limit?.value || next?.unit !== limit?.unit;
  });
  return Object.fromEntries(differing.map(({ stage }) => [stage, draft[stage] ?? null]));
}
