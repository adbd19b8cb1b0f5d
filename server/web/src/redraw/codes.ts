/** Codes for new grids: the next number among those that begin alike and are as long. Pure. */

const DIGITS = 3;

/** The code after those that are known; beginning with the parent's, where the grid's own does and numbers are left. */
export function nextCode(of: string, known: Iterable<string>, parent: string | null = null): string {
  const taken = new Set(known);
  const beside = parent !== null && of.startsWith(parent) ? after(parent, of, taken) : null;
  return beside ?? after(of.slice(0, -DIGITS), of, taken) ?? `${of}-1`;
}

function after(stem: string, of: string, taken: ReadonlySet<string>): string | null {
  const tail = of.slice(stem.length);
  if (!/^\d+$/.test(tail)) return null;
  let number = Number(tail) + 1;
  for (const code of taken) {
    if (code.length === of.length && code.startsWith(stem)) number = Math.max(number, Number(code.slice(stem.length)) + 1 || 0);
  }
  const next = String(number).padStart(tail.length, "0");
  return next.length === tail.length ? stem + next : null;
}
