import { expect, test } from "vitest";
import { ringName, ringSize, signOf } from "./icons";

test("a cluster with a single overdue issue among many still shows it", () => {
  expect(ringName(500, 1, 0, 499)).toBe("ring-44-1-0-8");
});

test("rings grow with what they hold", () => {
  expect([3, 30, 300, 3_000].map(ringSize)).toEqual([30, 36, 44, 52]);
});

test("what is closed is shown closed, however late it was", () => {
  expect(signOf({ light: "red", closed_at: "2026-11-21T00:00:00Z" })).toBe("closed");
  expect(signOf({ light: "red", closed_at: null })).toBe("red");
  expect(signOf({ light: "violet", closed_at: null })).toBe("none");
});
