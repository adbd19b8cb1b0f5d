/** Class breaks and colours of the grids. Pure. */

import type { Scheme } from "./palette";

export type Measure = "open" | "overdue";

/** One hue a measure, light to dark; dark text has 4.5:1 or more on every shade. */
export const RAMPS: Record<Measure, readonly string[]> = {
  open: ["#fafbf9", "#e0edef", "#c5dfe4", "#a5ced7", "#82bac7", "#5ea4b5"],
  overdue: ["#fafbf9", "#fdebd8", "#fbd6b4", "#f6bb8f", "#ee9a6d", "#e17a54"],
};

/** The same in the dark: dark to light, under light text. */
const DARK_RAMPS: Record<Measure, readonly string[]> = {
  open: ["#182127", "#1c3640", "#1f4d5b", "#236678", "#2a8095", "#3699b1"],
  overdue: ["#182127", "#3f261d", "#5c3222", "#7b4028", "#9d502f", "#bf6239"],
};

const CLASSES = 5;

/**
 * Lower bounds of the classes above zero, rising from 1: quantiles of the counts, so that each class holds about as
 * many grids and a few busy ones do not leave all others in one shade. `[]` when there is nothing to tell apart.
 */
export function breaks(counts: readonly number[]): number[] {
  const some = counts.filter((count) => count > 0).sort((a, b) => a - b);
  if (some.length === 0) return [];
  const bounds = new Set([1]);
  for (let part = 1; part < CLASSES; part += 1) bounds.add(some[Math.floor((part * some.length) / CLASSES)] as number);
  return [...bounds].sort((a, b) => a - b);
}

/** Index into the ramp: 0 for none, 1 and up for the classes. */
export function classOf(count: number, bounds: readonly number[]): number {
  let index = 0;
  for (const bound of bounds) if (count >= bound) index += 1;
  return index;
}

/** Colour of a class: few classes are spread over the whole ramp so that they stay apart. */
export function shade(measure: Measure, index: number, classes: number, scheme: Scheme = "light"): string {
  const ramp = (scheme === "dark" ? DARK_RAMPS : RAMPS)[measure];
  if (index === 0) return ramp[0] as string;
  const place = classes <= 1 ? 3 : 1 + Math.round(((index - 1) * (ramp.length - 2)) / (classes - 1));
  return ramp[place] as string;
}

/** What the legend says of a class, such as "0", "3–4" or "8+". */
export function label(index: number, bounds: readonly number[]): string {
  if (index === 0) return "0";
  const from = bounds[index - 1] as number;
  const next = bounds[index];
  // There is room for two digits on either side of a dash, not for three.
  if (next === undefined || next > 100) return `${from}+`;
  return next - 1 === from ? `${from}` : `${from}–${next - 1}`;
}
