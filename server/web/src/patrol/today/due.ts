/**
 * Whether a door is due, and why: a pure function of the household, of the visits that the phone knows, and of the time.
 *
 * Owns the rules of visits: only *met* resets the next date; a refusal gives ninety days' rest; no answer is tried in
 * three different parts of the day.
 */
import type { Claim, Household, Task, Tier, Visit } from "../records";

const DAY_MS = 86_400_000;
export const INTERVAL_DAYS: Readonly<Record<Tier, number>> = { high: 7, key: 30, general: 90 };
const REST_DAYS = 90;
const TRIES = 3;
const CITY_OFFSET_MS = 8 * 3_600_000;

export type Why = "task" | "taken" | "appointment" | "never" | "interval" | "again" | "tried" | "rest" | "left" | "seen";

/**
 * `due`: somebody should knock. `by`: until when, in ms, where there is such a time. `last`: the newest visit, `met` the
 * newest at which somebody was met. `tries`: knocks without an answer since.
 */
export interface Due {
  readonly due: boolean;
  readonly why: Why;
  readonly by: number | null;
  readonly last: Visit | null;
  readonly met: Visit | null;
  readonly tries: number;
  readonly task: Task | null;
  /** Who has taken the door for some days, the worker too; null: nobody. */
  readonly claim: Claim | null;
}

/** `visits` of this door, in any order; `tasks` of this door. */
export function dueOf({ tier, claim: taken }: Pick<Household, "tier" | "claim">, visits: readonly Visit[], tasks: readonly Task[], now: number): Due {
  const ordered = [...visits].filter(({ at }) => at !== null).sort((one, other) => (other.at ?? 0) - (one.at ?? 0));
  const last = ordered[0] ?? null;
  const met = ordered.find(({ outcome }) => outcome === "met") ?? null;
  const since = ordered.slice(0, met === null ? ordered.length : ordered.indexOf(met));
  const unanswered = since.filter(({ outcome }) => outcome === "no_answer");
  const task = tasks.find(({ kind, state }) => kind === "visit" && (state === "open" || state === "started")) ?? null;
  const claim = taken !== null && taken.until > now ? taken : null;
  const told = { last, met, tries: unanswered.length, task, claim };
  const next = met?.at ? met.at + INTERVAL_DAYS[tier] * DAY_MS : null;

  if (last?.outcome === "appointment" && last.appointment !== null) {
    const by = Date.parse(last.appointment);
    return { ...told, due: cityDay(by) <= cityDay(now), why: "appointment", by };
  }
  if (last !== null && cityDay(last.at ?? 0) === cityDay(now) && last.outcome !== "no_answer") return { ...told, due: false, why: "seen", by: next };
  if (task !== null) return { ...told, due: true, why: "task", by: task.due };
  if (claim !== null && !claim.mine) return { ...told, due: false, why: "taken", by: claim.until };
  if (last?.outcome === "moved" || last?.outcome === "vacant") return { ...told, due: false, why: "left", by: null };
  if (last?.outcome === "refused" && (last.at ?? 0) + REST_DAYS * DAY_MS > now) {
    return { ...told, due: false, why: "rest", by: (last.at ?? 0) + REST_DAYS * DAY_MS };
  }
  if (isTried(unanswered)) return { ...told, due: false, why: "tried", by: null };
  if (next !== null && next > now) return { ...told, due: false, why: "seen", by: next };
  return { ...told, due: true, why: unanswered.length > 0 ? "again" : next === null ? "never" : "interval", by: next };
}

/** Whether nobody answered in three different parts of the day. */
function isTried(unanswered: readonly Visit[]): boolean {
  return new Set(unanswered.map(({ at }) => partOfDay(at ?? 0))).size >= TRIES;
}

/** Return which part of the city's day it is: morning, afternoon, evening. */
export function partOfDay(at: number): "morning" | "afternoon" | "evening" {
  const hour = new Date(at + CITY_OFFSET_MS).getUTCHours();
  return hour < 12 ? "morning" : hour < 18 ? "afternoon" : "evening";
}

/** Return the number of the city's day. */
export function cityDay(at: number): number {
  return Math.floor((at + CITY_OFFSET_MS) / DAY_MS);
}
