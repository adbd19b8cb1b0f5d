import fc from "fast-check";
import { expect, test } from "vitest";
import type { IssuePoint } from "../api/types";
import { atSpot, spotOf, toldSpot } from "./spot";

const point = (id: string, lon: number, lat: number): IssuePoint => ({
  type: "Feature", id, geometry: { type: "Point", coordinates: [lon, lat] }, properties: {} as IssuePoint["properties"],
});

test("all that lies at one spot is told, and nothing from over the street", () => {
  const here = Array.from({ length: 300 }, (_, index) => point(String(index), 117.28, 31.86));
  const beside = point("beside", 117.28 + 10 / 94_500, 31.86); // ten metres east
  const away = point("away", 117.28, 31.86 + 30 / 111_320);
  const nowhere: IssuePoint = { ...away, id: "nowhere", geometry: null };
  const found = atSpot([...here, beside, away, nowhere], [117.28, 31.86]);
  expect(found).toHaveLength(301);
  expect(found.at(-1)?.id).toBe("beside");
});

test("a spot comes back from the address where it was", () => {
  fc.assert(
    fc.property(fc.double({ min: -180, max: 180, noNaN: true }), fc.double({ min: -90, max: 90, noNaN: true }), (lon, lat) => {
      const [x, y] = spotOf(toldSpot([lon, lat])) ?? [NaN, NaN];
      expect(Math.abs(x - lon)).toBeLessThanOrEqual(5.1e-7);
      expect(Math.abs(y - lat)).toBeLessThanOrEqual(5.1e-7);
    }),
  );
});

test("what is no place is none", () => {
  for (const told of [null, "", "117", "117,31,2", "a,b", "181,0", "0,91", "117.28, 31.86", "NaN,NaN", "1e9,1"]) expect(spotOf(told), String(told)).toBeNull();
});
