/** A year as twelve sheets of weeks: which day stands where, and what is said of it. Pure. */
import type { Day, Hours } from "../api/calendar";

export type Look = "worked" | "free" | "holiday" | "workday";

export interface Cell {
  date: string;
  day: number;
  look: Look;
  name: string;
}

/** The weeks of a month, Monday first; null where the month has not begun or has ended. */
export type Month = readonly (readonly (Cell | null)[])[];

const DAY_MS = 86_400_000;

export function monthsOf(year: number, days: readonly Day[], hours: readonly Hours[]): Month[] {
  const said = new Map(days.map((each) => [each.date, each]));
  return Array.from({ length: 12 }, (_, month) => weeksOf(year, month, said, hours));
}

function weeksOf(year: number, month: number, said: ReadonlyMap<string, Day>, hours: readonly Hours[]): Month {
  const weeks: (Cell | null)[][] = [];
  for (let at = Date.UTC(year, month, 1); new Date(at).getUTCMonth() === month; at += DAY_MS) {
    const weekday = weekdayOf(at);
    if (weekday === 0 || weeks.length === 0) weeks.push(Array.from({ length: 7 }, () => null));
    const date = new Date(at).toISOString().slice(0, 10);
    const told = said.get(date);
    const works = (weekOn(date, hours)?.[String(weekday + 1)] ?? []).length > 0;
    (weeks[weeks.length - 1] as (Cell | null)[])[weekday] = {
      date,
      day: new Date(at).getUTCDate(),
      look: told?.kind ?? (works ? "worked" : "free"),
      name: told?.name ?? "",
    };
  }
  return weeks;
}

/** 0 Monday to 6 Sunday. */
function weekdayOf(at: number): number {
  return (new Date(at).getUTCDay() + 6) % 7;
}

/** The hours in force on a day: the newest that begin on it or before. */
function weekOn(date: string, hours: readonly Hours[]): Record<string, string[]> | undefined {
  return [...hours].reverse().find((each) => each.from <= date)?.week;
}

/** Weekdays with the same hours together: [["1", "5"], ["08:30-12:00", ...]]. */
export function runsOf(week: Record<string, string[]>): { from: number; to: number; spans: readonly string[] }[] {
  const runs: { from: number; to: number; spans: readonly string[] }[] = [];
  for (let weekday = 1; weekday <= 7; weekday += 1) {
    const spans = week[String(weekday)] ?? [];
    const last = runs[runs.length - 1];
    if (last && last.spans.join() === spans.join()) last.to = weekday;
    else runs.push({ from: weekday, to: weekday, spans });
  }
  return runs;
}

/** Read a file of days as offices save it: UTF-8, or else GB18030, as spreadsheets in China do. */
export function textOf(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

/** The year that a file speaks of, by its first date; null where it has none. */
export function yearIn(csv: string): number | null {
  const found = /^\s*(\d{4})[-/]\d{1,2}[-/]\d{1,2}\s*,/m.exec(csv);
  return found ? Number(found[1]) : null;
}
