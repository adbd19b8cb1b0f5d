import { expect, test } from "vitest";
import { en as pagesEn } from "./en";
import { filled } from "./index";
import { patrolEn } from "./patrol.en";
import { patrolZh } from "./patrol.zh";
import { zh as pages } from "./zh";

const zh = { ...pages, ...patrolZh };
const en = { ...pagesEn, ...patrolEn };

const CHINESE = /[\u4e00-\u9fff]/;
/** Words of the house, which nobody of the field says; and what says the same in the field. */
const NOT_SAID = {
  版图: "网格划分", 诊断: "设备同步", 待人处理: "待办裁决", 跟进: "更新", 调匀: "均衡户数", 集合: "记录类型",
  来历: "修改记录", 改正并放行: "核对后放行", 代码: "编码", 版次: "版本", 处置单位: "承办单位",
};

test("Chinese is punctuated in full width, with one kind of quotes and of dots", () => {
  for (const [key, text] of Object.entries(zh)) {
    const bare = text.replace(/\{\w+\}/g, "一").replace(/OGC API - Features/g, "");
    expect(bare.match(/[\u4e00-\u9fff] ?[,;:!?()]|[,;:!?()] ?[\u4e00-\u9fff]/), key).toBeNull();
    expect(/[「」"]|……|\.\.\./.exec(text), key).toBeNull();
  }
});

test("what the pages say is said in the words of the field", () => {
  for (const [key, text] of Object.entries(zh)) {
    for (const [own, field] of Object.entries(NOT_SAID)) expect(text.includes(own), `${key}: ${own} is called ${field}`).toBe(false);
  }
});

test("the commas of a language stand in its catalogue, not in the program", () => {
  const programs = import.meta.glob("../**/*.tsx", { query: "?raw", import: "default", eager: true }) as Record<string, string>;
  expect(Object.keys(programs).length).toBeGreaterThan(40);
  for (const [path, text] of Object.entries(programs)) expect(/[、，；：（）。！？“”]/.exec(text), path).toBeNull();
});

test("no text is in two languages", () => {
  for (const [key, text] of Object.entries(en)) if (key !== "language.other") expect(CHINESE.test(text), key).toBe(false);
  for (const [key, text] of Object.entries(zh)) expect(/ · [a-z]/.test(text), key).toBe(false);
});

test("one page has one name, in the bar and at its head", () => {
  expect(zh["review.title"]).toBe(zh["nav.review"]);
  expect(zh["support.title"]).toBe(zh["nav.support"]);
  expect(zh["ground.title"]).toBe(zh["nav.grids"]);
});

test("one thing has one word, whichever page says it", () => {
  for (const level of ["low", "normal", "urgent"] as const) {
    for (const words of [zh, en]) {
      const said = [words[`severity.${level}`], words[`choice.severity.${level}`], words[`rules.severity.${level}`]];
      expect(new Set(said.map((each) => each.toLowerCase())).size, `${level}: ${said.join(", ")}`).toBe(1);
    }
  }
});

test("no text is entered twice: one of the two would never be read", () => {
  const files = import.meta.glob("./*.zh.ts", { query: "?raw", import: "default", eager: true }) as Record<string, string>;
  const seen = new Map<string, string>();
  const whole = import.meta.glob("./zh.ts", { query: "?raw", import: "default", eager: true }) as Record<string, string>;
  for (const [path, text] of Object.entries({ ...files, ...whole })) {
    for (const [, key = ""] of text.matchAll(/^ {2}"([\w.-]+)":/gm)) {
      expect(seen.get(key), `${key}: in ${path} too`).toBeUndefined();
      seen.set(key, path);
    }
  }
  expect(seen.size).toBe(Object.keys(zh).length);
});

test("no count makes an English plural of one", () => {
  for (const [key, text] of Object.entries(en)) {
    if (key === "patrol.me.size.px") continue; // never one
    // Of these holes alone: whoever has a name goes, and none go.
    expect(/\{(n|m|days|attempts|moved|reassigned|looked|shown|failed|steps|due|seen|over)\} (?!is\b)(working )?\w+[^s\W]s\b/.test(text), `${key}: ${text}`).toBe(false);
  }
});

test("one is one and two are two", () => {
  const said = ([1, 2, "1"] as const).map((n) => filled(en["limit.wd"], { n }));
  expect(said).toEqual(["1 working day", "2 working days", "1 working day"]);
});
