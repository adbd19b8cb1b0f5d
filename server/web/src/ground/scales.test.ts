import { describe, expect, it } from "vitest";
import type { AreaKind } from "../api/types";
import { nameBands, scaleOf } from "./scales";

const kind = (code: string, rank: number, small: number, middle = small): AreaKind => ({
  code, name_zh: code, name_en: code, rank, is_locating: false, width_deg: { small, middle },
});

describe("scales", () => {
  it("draws an area in full when it is 28 pixels wide", () => {
    const { drawn } = scaleOf(kind("grid", 5, 0.01));
    expect((2 ** drawn * 512 * 0.01) / 360).toBeCloseTo(28, 6);
  });

  it("draws by the small areas, where most people live, and names by those of the middle", () => {
    const scale = scaleOf(kind("grid", 5, 0.001, 0.1));
    expect(scale.drawn).toBe(scaleOf(kind("grid", 5, 0.001)).drawn);
    expect(scale.named).toBe(scaleOf(kind("grid", 5, 0.1)).named);
  });

  it("draws a kind without areas, or of areas without width, at every zoom", () => {
    expect(scaleOf({ ...kind("grid", 5, 0), width_deg: null })).toMatchObject({ hinted: 0, drawn: 0, named: 0 });
    expect(scaleOf(kind("grid", 5, 0))).toMatchObject({ hinted: 0, drawn: 0, named: 0 });
  });

  it("names one kind at a time, the coarsest from far away", () => {
    const above = [["section", 4, 0.01], ["street", 2, 0.09], ["county", 1, 0.5]] as const;
    const bands = nameBands(above.map(([code, rank, width]) => scaleOf(kind(code, rank, width))), 13);
    expect(bands.map((band) => band.kind.code)).toEqual(["section", "street", "county"]);
    expect(bands[0]?.to).toBe(13);
    expect(bands[0]?.from).toBe(bands[1]?.to);
    expect(bands[1]?.from).toBe(bands[2]?.to);
    expect(bands[2]?.from).toBe(0);
  });

  it("names the only kind above the grids at every zoom, and leaves out what would never show", () => {
    expect(nameBands([scaleOf(kind("section", 4, 0.01))], 13)).toMatchObject([{ from: 0, to: 13 }]);
    const bands = nameBands([scaleOf(kind("section", 4, 0.00001)), scaleOf(kind("county", 1, 0.5))], 13);
    expect(bands).toMatchObject([{ kind: { code: "county" }, from: 0, to: 13 }]);
  });
});
