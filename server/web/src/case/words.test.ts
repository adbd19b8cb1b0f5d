import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Instead } from "../api/cases";
import { chooseLanguage } from "../i18n";
import { whyUntaken } from "./words";

/** The conditions of the table of steps, as its page has them: name, and what is said where one does not hold. */
const [PAGE] = Object.values(import.meta.glob("../../../../docs/case.md", { query: "?raw", import: "default", eager: true })) as [string];
const GUARDS = [...PAGE.split("## 条件")[1]!.split("## 推送")[0]!.matchAll(/^\| `([\w-]+)` \| (.+) \| (.+) \|$/gm)]
  .map(([, name, zh, en]) => ({ name: name!, zh: zh!, en: en! }));
const illegal = (more: Partial<Instead>): Instead => ({ type: "/problems/case-step-illegal", state: "done", overtaken: false, ...more });
const CJK = /[\u4e00-\u9fff]/;

describe("why a step of a phone was not taken", () => {
  beforeEach(() => {
    vi.stubGlobal("document", { documentElement: {} });
    chooseLanguage("zh");
  });

  it("is said by every condition of the table, in both languages", () => {
    expect(GUARDS.length).toBeGreaterThan(15);
    for (const { name, zh, en } of GUARDS) {
      const told = illegal({ why: "guard", guard: name, guard_words: { zh, en } });
      chooseLanguage("zh");
      expect(whyUntaken(told)).toBe(zh);
      chooseLanguage("en");
      expect(whyUntaken(told).toLowerCase()).toBe(en.toLowerCase());
    }
  });

  it("is what happened instead, where that made it illegal", () => {
    const told = illegal({ why: "state", overtaken: true, state: "void", happened: [{ step: "receive", state: "received", at: "" }, { step: "void", state: "void", at: "" }] });
    expect(whyUntaken(told)).toContain("作废");
    chooseLanguage("en");
    expect(whyUntaken(told)).not.toMatch(CJK);
  });

  it("is the state, where the case never allowed it", () => {
    expect(whyUntaken(illegal({ why: "state", state: "dispatched" }))).toContain("已派遣");
  });

  it("names who may, and the field that is missing", () => {
    expect(whyUntaken({ type: "/problems/case-step-refused", who: [{ zh: "受派核查的人员", en: "who was given the check" }] })).toContain("受派核查的人员");
    expect(whyUntaken({ type: "/problems/case-step-invalid", field: "photos", reason: "photo-rule" })).toContain("照片");
  });

  it.each(["case-step-refused", "case-step-invalid", "unknown-case", "case-step-id-reused", "something-new"])("has words of both languages for %s", (type) => {
    for (const language of ["zh", "en"] as const) {
      chooseLanguage(language);
      const words = whyUntaken({ type: `/problems/${type}` });
      expect(words).not.toBe("");
      expect(CJK.test(words)).toBe(language === "zh");
    }
  });
});
