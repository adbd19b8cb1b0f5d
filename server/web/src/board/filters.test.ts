import { expect, test } from "vitest";
import { type Filters, NO_FILTERS, apiQuery, datesWrong, fromAddress, narrowing, toAddress, toggleCategory } from "./filters";

const NOW = new Date("2026-11-20T17:00:00Z"); // already the 21st in the city

test("no filters ask for what is open and leave the address empty", () => {
  expect(apiQuery(NO_FILTERS, NOW)).toBe("progress=open");
  expect(toAddress(NO_FILTERS).toString()).toBe("");
  expect(narrowing(NO_FILTERS)).toBe(0);
});

test("an address read back is the filters it was made of", () => {
  const filters: Filters = {
    progress: "all",
    states: ["dispatched", "done"],
    categories: ["03", "0101"],
    period: "custom",
    from: "2026-11-01",
    to: "2026-11-20",
    place: "360725001001001",
    search: "井盖 东门",
    sort: "new",
  };
  expect(fromAddress(toAddress(filters))).toEqual(filters);
  expect(narrowing(filters)).toBe(5);
});

test("a wrong address is passed over", () => {
  expect(fromAddress(new URLSearchParams("progress=x&states=y,z&categories=1,abc&from=tomorrow&sort=7"))).toEqual(NO_FILTERS);
});

test("today begins at the city's midnight", () => {
  expect(apiQuery({ ...NO_FILTERS, period: "today" }, NOW)).toContain("from=2026-11-21");
  expect(apiQuery({ ...NO_FILTERS, period: "week" }, NOW)).toContain("from=2026-11-15");
});

test("dates the wrong way round are seen", () => {
  const filters: Filters = { ...NO_FILTERS, period: "custom", from: "2026-11-20", to: "2026-11-01" };
  expect(datesWrong(filters)).toBe(true);
  expect(datesWrong({ ...filters, to: "" })).toBe(false);
});

test("places outside go by another name than areas", () => {
  expect(apiQuery({ ...NO_FILTERS, place: "outside" }, NOW)).toContain("place=outside");
  expect(apiQuery({ ...NO_FILTERS, place: "360725001" }, NOW)).toContain("area=360725001");
});

test("a parent stands for all its children", () => {
  const siblings = ["0301", "0302", "0303"];
  expect(toggleCategory([], "03", siblings)).toEqual(["03"]);
  expect(toggleCategory(["03"], "0302", siblings).sort()).toEqual(["0301", "0303"]);
  expect(toggleCategory(["0301", "0302"], "0303", siblings)).toEqual(["03"]);
  expect(toggleCategory(["03", "0101"], "03", siblings)).toEqual(["0101"]);
});
