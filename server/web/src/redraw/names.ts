/** Names for new grids: the next number of those beside, in the figures that they are written in. Pure; as the server does. */

const NUMBERED = /^(.*第)([0-9]{1,4}|[一二三四五六七八九十]{1,3})([^0-9第]{1,20})$/su;
const FIGURES = "一二三四五六七八九";
const DIGIT = /^[0-9]/;

/** The name after those that are numbered as `of` is; a name without a number is followed by "-2" and so on. */
export function nextName(of: string, known: Iterable<string>): string {
  const parts = NUMBERED.exec(of);
  const names = new Set(known);
  if (parts === null) {
    let number = 2;
    while (names.has(`${of}-${number}`)) number += 1;
    return `${of}-${number}`;
  }
  const [before, figure, behind] = [parts[1] ?? "", parts[2] ?? "", parts[3] ?? ""];
  let highest = numberOf(figure);
  for (const name of names) {
    const found = name.startsWith(before) ? NUMBERED.exec(name) : null;
    if (found?.[1] === before && found[3] === behind) highest = Math.max(highest, numberOf(found[2] ?? ""));
  }
  return `${before}${DIGIT.test(figure) ? highest + 1 : chinese(highest + 1)}${behind}`;
}

function chinese(number: number): string {
  if (number > 99) return String(number);
  const [tens, ones] = [Math.floor(number / 10), number % 10];
  const ten = tens === 0 ? "" : tens === 1 ? "十" : `${FIGURES[tens - 1]}十`;
  return ten + (ones > 0 ? FIGURES[ones - 1] : "");
}

function numberOf(figure: string): number {
  if (DIGIT.test(figure)) return Number(figure);
  const at = figure.indexOf("十");
  if (at < 0) return FIGURES.indexOf(figure) + 1;
  return 10 * (at > 0 ? FIGURES.indexOf(figure.slice(0, at)) + 1 : 1) + FIGURES.indexOf(figure.slice(at + 1) || " ") + 1;
}
