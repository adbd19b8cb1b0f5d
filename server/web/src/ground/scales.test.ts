import { describe, expect, it } from "vitest";
import type { Area, AreaKind } from "../api/types";
import { nameBands, scaleOf } from "./scales";

const kind = (code: string, rank: number): AreaKind => ({ code, name_zh: code, name_en: code, rank, is_locating: false });
const square = (of: string, width: number): Area => ({
  id: 1, code: "1", name: "1", kind: of, parent: null, bounds: [114, 25, 114 + width, 25 + width], in_charge: true,
});

describe("scales", () => {
  it("draws an area in full when it is 28 pixels wide", () => {
    const { drawn } = scaleOf(kind("grid", 5), [square("grid", 0.01)]);
    expect((2 ** drawn * 512 * 0.01) / 360).toBeCloseTo(28, 6);
  });

  it("draws by the small areas, where most people live, and names by those of the middle", () => {
    const town = Array.from({ length: 30 }, () => square("grid", 0.001));
    const country = Array.from({ length: 70 }, () => square("grid", 0.1));
    const scale = scaleOf(kind("grid", 5), [...country, ...town]);
    expect(scale.drawn).toBe(scaleOf(kind("grid", 5), town).drawn);
    expect(scale.named).toBe(scaleOf(kind("grid", 5), country).named);
  });

  it("draws a kind without areas, or of areas without width, at every zoom", () => {
    expect(scaleOf(kind("grid", 5), [square("county", 1)])).toMatchObject({ hinted: 0, drawn: 0, named: 0 });
    expect(scaleOf(kind("grid", 5), [square("grid", 0)])).toMatchObject({ hinted: 0, drawn: 0, named: 0 });
  });

  it("names one kind at a time, the coarsest from far away", () => {
    const above = [["section", 4, 0.01], ["street", 2, 0.09], ["county", 1, 0.5]] as const;
    const bands = nameBands(above.map(([code, rank, width]) => scaleOf(kind(code, rank), [square(code, width)])), 13);
    expect(bands.map((band) => band.kind.code)).toEqual(["section", "street", "county"]);
    expect(bands[0]?.to).toBe(13);
    expect(bands[0]?.from).toBe(bands[1]?.to);
    expect(bands[1]?.from).toBe(bands[2]?.to);
    expect(bands[2]?.from).toBe(0);
  });

  it("names the only kind above the grids at every zoom, and leaves out what would never show", () => {
    expect(nameBands([scaleOf(kind("section", 4), [square("section", 0.01)])], 13)).toMatchObject([{ from: 0, to: 13 }]);
    const tiny = scaleOf(kind("section", 4), [square("section", 0.00001)]);
    const county = scaleOf(kind("county", 1), [square("county", 0.5)]);
    expect(nameBands([tiny, county], 13)).toMatchObject([{ kind: { code: "county" }, from: 0, to: 13 }]);
  });
});
