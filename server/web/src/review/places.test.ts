import { expect, test } from "vitest";
import { pickedAt, readPosition, swapped, writePosition } from "./places";

test("a position that nobody touched comes out as it went in", () => {
  const sent = { lon: 117.27, lat: 31.86, accuracy_m: 12, datum: "gcj02" };
  expect(JSON.parse(writePosition(readPosition(JSON.stringify(sent))))).toEqual(sent);
});

test("what is no position is read as none, and never thrown", () => {
  for (const text of ["", "junk", "[]", "null", '{"lon": "x", "lat": 1}', '{"lon": 117.27}', '{"lon": 400, "lat": 31}']) expect(readPosition(text).point, text).toBeNull();
  expect(readPosition("117.27, 31.86").point).toEqual([117.27, 31.86]);
});

test("a place picked on the map is in the map's datum and keeps the accuracy", () => {
  const picked = pickedAt(readPosition('{"lon": 1, "lat": 2, "accuracy_m": 5, "datum": "bd09"}'), [117.27, 31.86]);
  expect(JSON.parse(writePosition(picked))).toEqual({ lon: 117.27, lat: 31.86, accuracy_m: 5, datum: "wgs84" });
});

test("swapped degrees are offered only where they are a place", () => {
  expect(swapped(readPosition('{"lon": 31.86, "lat": 80.27}'))).toEqual([80.27, 31.86]);
  expect(swapped(readPosition('{"lon": 31.86, "lat": 117.27}')), "no latitude, and so no place").toEqual([117.27, 31.86]);
  expect(swapped(readPosition('{"lon": 117.27, "lat": 31.86}'))).toBeNull();
});
