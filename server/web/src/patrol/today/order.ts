/** The order in which somebody walks: building, unit, floor, door. Numbers count as numbers, also those written 三 or 十二. */
import type { Household } from "../records";

const NATURAL = new Intl.Collator("zh", { numeric: true });
const DIGITS = "零一二三四五六七八九";

/** Compare two doors as they come on a walk up through the buildings. */
export function walking(one: Household, other: Household): number {
  return (
    byNumbers(one.building, other.building) ||
    byNumbers(one.unit, other.unit) ||
    (floorOf(one.room) ?? 0) - (floorOf(other.room) ?? 0) ||
    byNumbers(one.room, other.room) ||
    (one.id < other.id ? -1 : 1)
  );
}

/** Compare names in natural order: 2 before 10, 二 before 十. */
export function byNumbers(one: string, other: string): number {
  return NATURAL.compare(inDigits(one), inDigits(other));
}

/** Return the floor that a room number says (1203 is on 12, 302 on 3, 5 on 1, B102 on -1), null where it says none. */
export function floorOf(room: string): number | null {
  const found = /(\d+)\D*$/.exec(room);
  if (found === null) return null;
  const digits = found[1] ?? "";
  const floor = digits.length > 2 ? Number(digits.slice(0, -2)) : 1;
  return /^(B|b|负|-|地下)/.test(room) ? -floor : floor;
}

/** Write Chinese numbers up to 99 in digits. */
function inDigits(name: string): string {
  return name.replace(/[零一二三四五六七八九十]+/g, (said) => {
    const [tens, ones] = said.split("十");
    if (ones === undefined) return [...said].map((each) => DIGITS.indexOf(each)).join("");
    return String((tens ? DIGITS.indexOf(tens) : 1) * 10 + (ones ? DIGITS.indexOf(ones) : 0));
  });
}
