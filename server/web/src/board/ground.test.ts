import { expect, test } from "vitest";
import type { Area, Bounds, Ground, IssuePoint } from "../api/types";
import { homeOf, inOrder } from "./ground";

function area(code: string, bounds: Bounds, in_charge: boolean): Area {
  return { id: Number(code), code, name: code, kind: "grid", parent: null, bounds, in_charge };
}

function ground(...areas: Area[]): Ground {
  const kinds = [{ code: "grid", name_zh: "网格", name_en: "Grid", rank: 3, is_locating: true }];
  return { edition: { number: 1, name: "1" }, tiles: "", kinds, areas };
}

function point(id: string, light_due_at: string | null, captured_at: string, closed_at: string | null = null): IssuePoint {
  return { type: "Feature", id, geometry: null, properties: { id, light_due_at, captured_at, closed_at } as IssuePoint["properties"] };
}

test("home is the box around what is in charge", () => {
  expect(homeOf(ground(area("1", [0, 0, 1, 1], true), area("2", [2, 2, 3, 4], true), area("3", [9, 9, 10, 10], false)))).toEqual([0, 0, 3, 4]);
});

const KINDS = [
  { code: "county", name_zh: "县", name_en: "County", rank: 1, is_locating: false },
  { code: "street", name_zh: "街道", name_en: "Street", rank: 2, is_locating: false },
  { code: "grid", name_zh: "网格", name_en: "Grid", rank: 3, is_locating: true },
  { code: "zone", name_zh: "微网格", name_en: "Zone", rank: 4, is_locating: false },
];

test("who is in charge of a county is at home among its grids; where not all are told, among its streets", () => {
  const county = { ...area("1", [0, 0, 90, 90], true), kind: "county" };
  const street = { ...area("2", [1, 1, 5, 5], true), kind: "street" };
  const zone = { ...area("4", [2, 2, 3, 3], true), kind: "zone" };
  const whole = { ...ground(county, street, area("3", [2, 2, 4, 4], true), zone), kinds: KINDS };
  expect(homeOf(whole)).toEqual([2, 2, 4, 4]);
  expect(homeOf({ ...whole, areas: whole.areas.slice(0, 3), total: 4000 })).toEqual([1, 1, 5, 5]);
});

test("without a charge home is the whole ground, and without ground there is none", () => {
  expect(homeOf(ground(area("1", [0, 0, 1, 1], false)))).toEqual([0, 0, 1, 1]);
  expect(homeOf(ground())).toBeNull();
});

test("the nearest deadline comes first, what has none after, closed last", () => {
  const points = [
    point("closed", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
    point("none", null, "2026-11-03T00:00:00Z"),
    point("late", "2026-11-20T00:00:00Z", "2026-11-02T00:00:00Z"),
    point("soon", "2026-11-19T00:00:00Z", "2026-11-01T00:00:00Z"),
  ];
  expect(inOrder(points, "due").map((one) => one.id)).toEqual(["soon", "late", "none", "closed"]);
  expect(inOrder(points, "new")[0]?.id).toBe("none");
});
