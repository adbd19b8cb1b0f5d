/** Times as people of the city read them: always in Asia/Shanghai, whatever the browser's zone. */
import type { Light } from "./api/types";
import { currentLanguage, t, tData } from "./i18n";

const ZONE = "Asia/Shanghai";
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = currentLanguage() === "zh" ? "zh-CN" : "en-GB";
  return new Intl.DateTimeFormat(locale, { timeZone: ZONE, hourCycle: "h23", ...options });
}

export function clock(at: Date): string {
  return formatter({ hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(at);
}

/** Day and minute; the year only where it is not this one. */
export function moment(iso: string, now: Date): string {
  const at = new Date(iso);
  const year = at.getUTCFullYear() === now.getUTCFullYear() ? {} : ({ year: "numeric" } as const);
  return formatter({ ...year, month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }).format(at);
}

/** The day with its name, as 12月3日周四. */
export function weekday(at: Date): string {
  return formatter({ month: "numeric", day: "numeric", weekday: "short" }).format(at);
}

/** A length of time in its largest useful unit: minutes below an hour, hours below two days, then days. */
export function span(milliseconds: number): string {
  const length = Math.abs(milliseconds);
  if (length < HOUR) return t("unit.min", { n: Math.max(1, Math.round(length / MINUTE)) });
  if (length < 2 * DAY) return t("unit.hour", { n: Math.round(length / HOUR) });
  return t("unit.day", { n: Math.round(length / DAY) });
}

/** "2 h left", "3 d over"; the sign says which side of the deadline `now` is on. */
export function untilDeadline(dueAt: string | null, now: Date): string {
  if (dueAt === null) return t("time.none");
  const left = Date.parse(dueAt) - now.getTime();
  return t(left >= 0 ? "time.left" : "time.over", { span: span(left) });
}

/** What the light of a case is by: when which clock of it runs out. */
export interface Lit {
  light: Light;
  light_due_at: string | null;
  light_stage: string | null;
}

/** The same of a case in a list, by the clock that runs out first; which clock that is, where it is not handling. */
export function leftOf({ light, light_due_at, light_stage }: Lit, now: Date): string {
  const left = untilDeadline(light === "none" ? null : light_due_at, now);
  if (light === "none" || light_stage === null || light_stage === "handling") return left;
  return t("time.of", { stage: tData("stage", light_stage), left });
}

/** The date (YYYY-MM-DD) that it is in the city, `daysAgo` days before `now`. */
export function cityDate(now: Date, daysAgo = 0): string {
  const parts = new Intl.DateTimeFormat("en-CA", { timeZone: ZONE, year: "numeric", month: "2-digit", day: "2-digit" });
  return parts.format(new Date(now.getTime() - daysAgo * DAY));
}
