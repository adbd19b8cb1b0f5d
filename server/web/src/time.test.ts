import { beforeEach, expect, test, vi } from "vitest";
import { chooseLanguage } from "./i18n";
import { cityDate, leftOf, moment, span, untilDeadline } from "./time";

const NOW = new Date("2026-11-21T03:30:00Z");

beforeEach(() => {
  vi.stubGlobal("document", { documentElement: { lang: "" } });
  chooseLanguage("en");
});

test("a moment is read in the city's zone and names another year", () => {
  expect(moment("2026-11-21T17:05:00Z", NOW)).toContain("01:05");
  expect(moment("2025-11-21T17:05:00Z", NOW)).toContain("2025");
});

test("the deadline says which side of it we are on", () => {
  expect(untilDeadline("2026-11-21T05:30:00Z", NOW)).toBe("2 h left");
  expect(untilDeadline("2026-11-18T03:30:00Z", NOW)).toBe("3 d over");
  expect(untilDeadline(null, NOW)).toBe("no deadline");
});

test("a length below a minute is not nothing", () => {
  expect(span(2_000)).toBe("1 min");
});

test("the city's day begins at its own midnight", () => {
  expect(cityDate(new Date("2026-11-20T16:00:00Z"))).toBe("2026-11-21");
  expect(cityDate(new Date("2026-11-20T15:59:59Z"))).toBe("2026-11-20");
});

test("the time that is left of a case is that of the clock which runs out first", () => {
  const light_due_at = "2026-11-21T05:30:00Z";
  expect(leftOf({ light: "green", light_due_at, light_stage: "handling" }, NOW)).toBe("2 h left");
  expect(leftOf({ light: "red", light_due_at, light_stage: "receipt" }, new Date("2026-11-21T08:30:00Z"))).toBe("receipt: 3 h over");
  expect(leftOf({ light: "none", light_due_at, light_stage: "check" }, NOW)).toBe("no deadline");
});
