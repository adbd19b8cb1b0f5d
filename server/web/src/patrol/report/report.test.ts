import { expect, test } from "vitest";
import type { GridArea, Issue } from "../records";
import { type Category, found, habits, initials } from "./catalogue";
import { nearBy } from "./likely";
import { Locator, units } from "./locate";
import vectors from "./locate.vectors.json";
import { distance, moved, similar } from "./near";

const grids = vectors.areas.map(({ code, geometry }) => ({ code, name: code, geometry }) as GridArea);

test("every point has the grid that the server gives it, on borders and corners too", () => {
  const locator = new Locator(grids);
  const differing = vectors.points.filter(([lon, lat, code]) => (locator.locate(lon as number, lat as number)?.code ?? null) !== code);
  expect(differing).toEqual([]);
  expect(vectors.points.length).toBeGreaterThan(500);
});

test("degrees are rounded to the even of two units that are equally near", () => {
  expect([0.5e-8, 2.5e-8, 3.5e-8, -0.5e-8, -3.5e-8].map(units).map((each) => each + 0)).toEqual([0, 2, 4, 0, -4]);
});

test("a point knows how far it is from the border of its grid", () => {
  const square: GridArea = { code: "s", name: "s", geometry: { type: "Polygon", coordinates: [[[114, 25], [114.01, 25], [114.01, 25.01], [114, 25.01], [114, 25]]] } };
  const locator = new Locator([square]);
  expect(locator.toBorder(114.0001, 25.005)).toBeCloseTo(10.09, 1);
  expect(locator.toBorder(113.9, 25.005)).toBe(Infinity);
});

test("a place that is moved is that far away", () => {
  const place = { lon: 114.3, lat: 25.68 };
  expect(distance(place, moved(place, 30, -40))).toBeCloseTo(50, 3);
});

test("names are found by their pinyin initials", () => {
  expect(["路灯", "井盖", "暴露垃圾", "占道经营", "飞线充电", "水电气热", "独居异常", "油烟", "噪音"].map(initials)).toEqual(["ld", "jg", "bllj", "zdjy", "fxcd", "sdqr", "djyc", "yy", "zy"]);
});

const category = (code: string, zh: string): Category => ({ code, parent: code.slice(0, 2), zh, en: zh, private: false, photo_rule: "both", file_when: { zh: "", en: "" }, duplicate: { radius_m: 15 } });
const issue = (id: string, code: string, more: Partial<Issue> = {}): Issue => ({
  id, category: code, description: "", address: "", location: { lon: 114.3, lat: 25.68 }, severity: "normal", photos: [], state: "filed", number: null, body: null, deadline: null, answer: null, closed: null, merged: null, mine: true, masked: false, grid: null, unsettled: 0, ...more,
});

test("what is typed finds by name, initials and code; habits come by how often", () => {
  const all = [category("0301", "井盖"), category("0302", "路灯"), category("0303", "坑洼")];
  expect(found(all, "ld").map(({ code }) => code)).toEqual(["0302"]);
  expect(found(all, "坑").map(({ code }) => code)).toEqual(["0303"]);
  expect(found(all, "0301").map(({ code }) => code)).toEqual(["0301"]);
  const reported = [issue("1", "0302"), issue("2", "0303"), issue("3", "0303"), issue("4", "0301", { mine: false })];
  expect(habits(reported, all).map(({ code }) => code)).toEqual(["0303", "0302"]);
});

test("only open reports of the same category within its radius may be the same", () => {
  const here = { lon: 114.3, lat: 25.68 };
  const issues = [issue("near", "0302", { location: moved(here, 10, 0) }), issue("far", "0302", { location: moved(here, 16, 0) }), issue("closed", "0302", { state: "closed" }), issue("other", "0301")];
  expect(similar(issues, category("0302", "路灯"), here).map(({ issue: { id } }) => id)).toEqual(["near"]);
});

test("what the server told stands beside what the phone holds, the nearest first, each once, and not the report itself", () => {
  const here = { lon: 114.3, lat: 25.68 };
  const held = similar([issue("both", "0302", { location: moved(here, 10, 0), description: "灯不亮" })], category("0302", "路灯"), here);
  const told = [["both", 10.1], ["nearer", 4], ["itself", 0]].map(([id, distance_m]) => ({ id: id as string, distance_m: distance_m as number, state: "filed", description: null, address: "门口" }));
  expect(nearBy(held, told, "itself").map(({ id, words }) => [id, words])).toEqual([["nearer", "门口"], ["both", "灯不亮"]]);
});
