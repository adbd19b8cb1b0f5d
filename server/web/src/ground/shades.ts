/** Class breaks and colours of the grids: pure. Counts are few and skewed, so breaks are round and geometric. */

export type Measure = "open" | "overdue";

/** One hue a measure, light to dark; readable with dark text up to the fourth, white-haloed labels on all. */
export const RAMPS: Record<Measure, readonly string[]> = {
  open: ["#f4f6f3", "#d6e6ea", "#a9cdd6", "#74aebd", "#3f8a9e", "#1d6478"],
  overdue: ["#f4f6f3", "#fae0c8", "#f4bb92", "#e88d63", "#d05c3f", "#a5352b"],
};

export const NOT_IN_CHARGE = "#e4e6e3";

const ROUND = [1, 2, 3, 5, 8, 10, 15, 20, 30, 50, 80, 100, 150, 200, 300, 500, 800, 1000, 2000, 5000, 10000];

/**
 * Lower bounds of the classes above zero: at most five, rising, so that the greatest count falls in the last.
 * `[]` when there is nothing to tell apart.
 */
export function breaks(counts: readonly number[]): number[] {
  const greatest = Math.max(0, ...counts);
  if (greatest === 0) return [];
  const below = ROUND.filter((bound) => bound <= greatest);
  if (below.length <= 5) return below;
  const step = (below.length - 1) / 5;
  return [...new Set([0, 1, 2, 3, 4].map((k) => below[Math.round(k * step)] as number))];
}

/** Index into the ramp: 0 for none, 1 and up for the classes. */
export function classOf(count: number, bounds: readonly number[]): number {
  let index = 0;
  for (const bound of bounds) if (count >= bound) index += 1;
  return index;
}

/** Colour of a class: few classes are spread over the whole ramp so that they stay apart. */
export function shade(measure: Measure, index: number, classes: number): string {
  const ramp = RAMPS[measure];
  if (index === 0) return ramp[0] as string;
  const place = classes <= 1 ? 3 : 1 + Math.round(((index - 1) * (ramp.length - 2)) / (classes - 1));
  return ramp[place] as string;
}

/** What the legend says of a class, such as "0", "3–4" or "8+". */
export function label(index: number, bounds: readonly number[]): string {
  if (index === 0) return "0";
  const from = bounds[index - 1] as number;
  const next = bounds[index];
  if (next === undefined) return `${from}+`;
  return next - 1 === from ? `${from}` : `${from}–${next - 1}`;
}
