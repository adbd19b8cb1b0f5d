import { expect, test } from "vitest";
import { RAMPS, breaks, classOf, label, shade } from "./shades";

test("a quiet city has no classes", () => {
  expect(breaks([])).toEqual([]);
  expect(breaks([0, 0])).toEqual([]);
});

test("breaks rise from one, and the greatest count falls in the last class", () => {
  for (const greatest of [1, 2, 4, 7, 12, 40, 90, 2_000]) {
    const counts = Array.from({ length: 25 }, (_, index) => Math.round((greatest * index) / 24));
    const bounds = breaks(counts);
    expect(bounds[0]).toBe(1);
    expect(bounds.length).toBeLessThanOrEqual(5);
    expect([...bounds].sort((a, b) => a - b)).toEqual(bounds);
    expect(classOf(greatest, bounds)).toBe(bounds.length);
  }
});

test("counts close together are still told apart", () => {
  const bounds = breaks([8, 9, 10, 11, 12, 13, 14, 10, 9, 12]);
  expect(new Set([8, 10, 12, 14].map((count) => classOf(count, bounds))).size).toBeGreaterThan(2);
});

test("zero is never shaded and one always is", () => {
  const bounds = breaks([30]);
  expect(classOf(0, bounds)).toBe(0);
  expect(classOf(1, bounds)).toBe(1);
});

test("every class has a colour of its own", () => {
  for (let classes = 1; classes <= 5; classes += 1) {
    for (const scheme of ["light", "dark"] as const) {
      const colours = Array.from({ length: classes + 1 }, (_, index) => shade("open", index, classes, scheme));
      expect(new Set(colours).size).toBe(classes + 1);
      if (scheme === "light") for (const colour of colours) expect(RAMPS.open).toContain(colour);
    }
  }
});

test("labels leave no gap between classes", () => {
  const bounds = [1, 3, 8];
  expect([0, 1, 2, 3].map((index) => label(index, bounds))).toEqual(["0", "1–2", "3–7", "8+"]);
});
