import { expect, test } from "vitest";
import { monthsOf, runsOf, textOf, yearIn } from "./months";

const OFFICE = { "1": ["08:30-12:00", "14:00-17:30"], "2": ["08:30-12:00", "14:00-17:30"], "3": ["08:30-12:00"], "4": ["08:30-12:00"], "5": ["08:30-12:00"], "6": [], "7": [] };
const HOURS = [{ from: "2027-01-01", week: OFFICE }];

test("every day of a year stands once, under its weekday", () => {
  const months = monthsOf(2028, [], [{ from: "2028-01-01", week: OFFICE }]);
  const cells = months.flat(2).filter((each) => each !== null);
  expect(cells.length).toBe(366);
  expect(new Set(cells.map((each) => each.date)).size).toBe(366);
  for (const week of months.flat()) {
    week.forEach((cell, at) => cell && expect((new Date(`${cell.date}T00:00:00Z`).getUTCDay() + 6) % 7).toBe(at));
  }
});

test("what is said of a day goes before its weekday", () => {
  const [january] = monthsOf(2027, [{ date: "2027-01-01", kind: "holiday", name: "元旦" }, { date: "2027-01-09", kind: "workday", name: "调休" }], HOURS);
  const cell = (date: string) => january?.flat().find((each) => each?.date === date);
  expect(cell("2027-01-01")).toMatchObject({ look: "holiday", name: "元旦" });
  expect(cell("2027-01-09")).toMatchObject({ look: "workday" });
  expect(cell("2027-01-10")).toMatchObject({ look: "free" });
  expect(cell("2027-01-11")).toMatchObject({ look: "worked" });
});

test("weekdays of the same hours are told together", () => {
  expect(runsOf(OFFICE).map(({ from, to }) => [from, to])).toEqual([[1, 2], [3, 5], [6, 7]]);
});

test("a file is read in the letters that it was saved in, and says its year", () => {
  const gb = new Uint8Array([0x32, 0x30, 0x32, 0x37, 0x2f, 0x31, 0x2f, 0x31, 0x2c, 0xd4, 0xaa, 0xb5, 0xa9]);
  expect(textOf(gb.buffer)).toBe("2027/1/1,元旦");
  expect(textOf(new TextEncoder().encode("元旦").buffer as ArrayBuffer)).toBe("元旦");
  expect(yearIn("date,kind,name\r\n2027/1/1,holiday,元旦")).toBe(2027);
  expect(yearIn("date,kind,name\r\n")).toBe(null);
});
