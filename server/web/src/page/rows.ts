/** Which rows of a long list are drawn, and where the keys lead: all rows are as high as one, which grows with the letters. Pure. */

const OVERSCAN = 6;

/** First and one past the last row to draw for a viewport. */
export function windowOf(scrollTop: number, height: number, count: number, rowPx: number): [from: number, to: number] {
  const from = Math.max(0, Math.floor(scrollTop / rowPx) - OVERSCAN);
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowPx) + OVERSCAN);
  return [Math.min(from, to), to];
}

/** Where the list must be scrolled to so that a row is wholly seen, moving as little as possible. */
export function scrollTo(index: number, scrollTop: number, height: number, rowPx: number): number {
  const top = index * rowPx;
  if (top < scrollTop) return top;
  return top + rowPx > scrollTop + height ? top + rowPx - height : scrollTop;
}

/** The row that a key leads to, or null if it is not a key of the list. */
export function nextRow(key: string, index: number, count: number, page: number): number | null {
  if (count === 0) return null;
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = steps[key];
  if (step === undefined) return null;
  if (index < 0) return 0;
  return Math.min(count - 1, Math.max(0, index + step));
}
