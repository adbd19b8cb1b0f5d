import { describe, expect, it } from "vitest";
import type { Term } from "../api/terms";
import { changedLimits } from "./limits";

const term = (stage: string, limit: Term["limit"]): Term => ({ stage, zh: stage, en: stage, limit, is_own: false, window: false });
const HELD = [term("acceptance", { value: 1, unit: "h" }), term("check", null)];

describe("limits of stages that would change", () => {
  it("are those alone that differ from what holds", () => {
    expect(changedLimits(HELD, {})).toEqual({});
    expect(changedLimits(HELD, { acceptance: { value: 1, unit: "h" } })).toEqual({});
    expect(changedLimits(HELD, { acceptance: { value: 1, unit: "wd" } })).toEqual({ acceptance: { value: 1, unit: "wd" } });
  });

  it("may be taken away, and set where there were none", () => {
    expect(changedLimits(HELD, { acceptance: null, check: { value: 2, unit: "wd" } })).toEqual({ acceptance: null, check: { value: 2, unit: "wd" } });
    expect(changedLimits(HELD, { check: null })).toEqual({});
  });
});
