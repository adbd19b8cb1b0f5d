/** Codes for new grids: the next number among those that begin alike and are as long. Pure. */

const DIGITS = 3;

export function nextCode(of: string, known: Iterable<string>): string {
  const stem = of.slice(0, -DIGITS);
  const tail = of.slice(-DIGITS);
  if (!/^\d+$/.test(tail)) return `${of}-1`;
  const taken = new Set(known);
  let number = Number(tail) + 1;
  for (const code of taken) {
    if (code.length === of.length && code.startsWith(stem)) number = Math.max(number, Number(code.slice(-DIGITS)) + 1 || 0);
  }
  return stem + String(number).padStart(DIGITS, "0");
}
