import fc from "fast-check";
import { expect, test } from "vitest";
import { across, around, boundsOf, moved, type Point, readPoint, type Shape, sharedBorder, written } from "./lines";

const polygon = (...ring: Point[]): Shape => ({ type: "Polygon", coordinates: [[...ring, ring[0] as Point]] });
const lon = fc.double({ min: -180, max: 180, noNaN: true });
const lat = fc.double({ min: -85, max: 85, noNaN: true });

test("a place that is written is read again, to a tenth of a metre", () => {
  fc.assert(
    fc.property(fc.tuple(lon, lat), (point) => {
      const again = readPoint(written(point)) as Point;
      expect(Math.abs(again[0] - point[0])).toBeLessThan(1e-6);
      expect(Math.abs(again[1] - point[1])).toBeLessThan(1e-6);
    }),
  );
});

test("a place is read as people type it", () => {
  for (const text of ["117.27,31.86", "117.27，31.86", " 117.27  31.86 ", "(117.27, 31.86)", "117.27E, 31.86N"]) expect(readPoint(text), text).toEqual([117.27, 31.86]);
  for (const text of ["", "117.27", "abc, 1", "181, 1", "1, 91", "1, 2, 3"]) expect(readPoint(text), text).toBeNull();
});

test("a place moved there and back is where it was", () => {
  fc.assert(
    fc.property(fc.tuple(lon, lat), fc.integer({ min: -500, max: 500 }), fc.integer({ min: -500, max: 500 }), (point, east, north) => {
      const back = moved(moved(point, east, north), -east, -north);
      expect(back[0]).toBeCloseTo(point[0], 3);
      expect(back[1]).toBeCloseTo(point[1], 9);
    }),
  );
});

test("a line across ends outside the area on both sides", () => {
  const square = polygon([0, 0], [2, 0], [2, 1], [0, 1]);
  expect(across(square, "level")).toEqual([[-0.16, 0.5], [2.16, 0.5]]);
  expect(across(square, "upright")).toEqual([[1, -0.08], [1, 1.08]]);
});

test("where the middle would be crossed twice, a line beside it is taken", () => {
  const horseshoe = polygon([0, 0], [3, 0], [3, 3], [2, 3], [2, 1.2], [1, 1.2], [1, 3], [0, 3]);
  const [[, y]] = across(horseshoe, "level");
  expect(y).toBeLessThan(1.2);
});

test("the border that two areas share runs from end to end and in few points", () => {
  const bend: Point[] = Array.from({ length: 60 }, (_, n): Point => [1 + Math.sin(n / 9) / 10, n / 59]);
  const west = polygon([0, 0], ...bend, [0, 1]);
  const east = polygon([2, 0], [2, 1], ...[...bend].reverse());
  const found = sharedBorder(west, east);
  expect([found[0], found.at(-1)]).toEqual([bend[0], bend.at(-1)]);
  expect(found.length).toBeLessThanOrEqual(12);
  for (const point of found) expect(bend).toContainEqual(point);
});

test("areas that do not touch share nothing", () => {
  expect(sharedBorder(polygon([0, 0], [1, 0], [1, 1]), polygon([5, 0], [6, 0], [6, 1]))).toEqual([]);
});

test("a box around boxes holds them all, and around none there is none", () => {
  expect(around([[0, 0, 1, 1], [2, -1, 3, 0.5]])).toEqual([0, -1, 3, 1]);
  expect(around([])).toBeNull();
  expect(boundsOf({ type: "Point", coordinates: [1, 2] })).toEqual([1, 2, 1, 2]);
});
