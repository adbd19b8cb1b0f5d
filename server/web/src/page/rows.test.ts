import { expect, test } from "vitest";
import { nextRow, scrollTo, windowOf } from "./rows";

const ROW_PX = 92;

test("of two thousand rows only those near the view are drawn", () => {
  const [from, to] = windowOf(500 * ROW_PX, 10 * ROW_PX, 2_000, ROW_PX);
  expect(from).toBeLessThan(500);
  expect(to).toBeGreaterThan(510);
  expect(to - from).toBeLessThan(30);
});

test("a list that grew shorter than its scroll draws nothing beyond its end", () => {
  const [from, to] = windowOf(900 * ROW_PX, 10 * ROW_PX, 3, ROW_PX);
  expect(to).toBe(3);
  expect(from).toBeLessThanOrEqual(to);
});

test("arrows stop at both ends", () => {
  expect(nextRow("ArrowUp", 0, 5, 3)).toBe(0);
  expect(nextRow("ArrowDown", 4, 5, 3)).toBe(4);
  expect(nextRow("PageDown", 3, 5, 3)).toBe(4);
  expect(nextRow("End", 0, 5, 3)).toBe(4);
  expect(nextRow("Home", 4, 5, 3)).toBe(0);
});

test("the first arrow enters the list at its top", () => {
  expect(nextRow("ArrowDown", -1, 5, 3)).toBe(0);
});

test("other keys and an empty list lead nowhere", () => {
  expect(nextRow("a", 1, 5, 3)).toBeNull();
  expect(nextRow("ArrowDown", -1, 0, 3)).toBeNull();
});

test("a row already seen does not scroll the list", () => {
  expect(scrollTo(3, 2 * ROW_PX, 5 * ROW_PX, ROW_PX)).toBe(2 * ROW_PX);
  expect(scrollTo(1, 2 * ROW_PX, 5 * ROW_PX, ROW_PX)).toBe(ROW_PX);
  expect(scrollTo(7, 2 * ROW_PX, 5 * ROW_PX, ROW_PX)).toBe(3 * ROW_PX);
});
