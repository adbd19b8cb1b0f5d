import { describe, expect, it } from "vitest";
import type { Possible } from "../api/cases";
import { asked, begun, missing } from "./fields";

const possible = (step: string, needs: string[], may: string[] = []): Possible => ({ step, zh: step, en: step, needs, may });

describe("what a step asks for", () => {
  it("wants a body that assists where others are whistled for", () => {
    const whistle = possible("whistle", ["bodies"]);
    const draft = begun(whistle, { body: { code: "chengguan", name: "城管局", name_en: "" } });
    expect(draft).toEqual({ bodies: { lead: "chengguan", assisting: [] } });
    expect(missing(asked(whistle, draft), draft)).toEqual(["bodies"]);
    expect(missing(asked(whistle, {}), { bodies: { lead: "chengguan", assisting: ["water"] } })).toEqual([]);
    const dispatch = possible("dispatch", ["bodies"]);
    expect(missing(asked(dispatch, draft), draft)).toEqual([]);
  });

  it("calls the limit of an extension time added", () => {
    const called = (step: string): string[] => asked(possible(step, [], ["limit"]), {}).map((each) => each.called);
    expect(called("ask_extension")).toEqual(["extension"]);
    expect(called("grant_extension")).toEqual(["extension"]);
    expect(called("dispatch")).toEqual(["limit"]);
  });
});
