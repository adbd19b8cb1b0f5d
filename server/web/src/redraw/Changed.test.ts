import { expect, test } from "vitest";
import type { Areas, Changes } from "../api/redraw";
import type { Ground } from "../api/types";
import { changesOf } from "./Changed";

const NO_GROUND = { type: "FeatureCollection" as const, features: [] };

function changed(how: string): Changes {
  return { kind: "grid", before: ["1"], after: ["1"], gone: [], moved: NO_GROUND, lineage: [{ source: "1", target: "1", how }] };
}

function standing(name: string): Ground {
  const areas = [{ id: 1, code: "1", name, kind: "grid", parent: null, bounds: [0, 0, 1, 1] as [number, number, number, number], in_charge: true }];
  return { edition: { number: 2, name: "2" }, tiles: "", kinds: [], areas };
}

const AFTER = { type: "FeatureCollection", features: [{ type: "Feature", geometry: { type: "Polygon", coordinates: [] }, properties: { code: "1", name: "东门", parent: null, changed: true } }] } as Areas;

test("a new name is told as one, before it is published and after", () => {
  expect(changesOf([changed("renamed")], AFTER, standing("西门"))).toEqual([{ code: "1", how: "renamed", before: "西门", after: "东门" }]);
  expect(changesOf([changed("renamed")], AFTER, standing("东门"))).toEqual([{ code: "1", how: "renamed", before: null, after: "东门" }]);
});

test("a new area is told as one, also when it is ground of today; what got another border as moved", () => {
  expect(changesOf([changed("added")], AFTER, standing("东门"))[0]?.how).toBe("new");
  expect(changesOf([changed("reshaped")], AFTER, standing("东门"))[0]?.how).toBe("moved");
});
