import { expect, test } from "vitest";
import { redrawEn } from "./redraw.en";
import { redrawZh } from "./redraw.zh";
import { staffEn } from "./staff.en";
import { staffZh } from "./staff.zh";
import { patrolZh } from "./patrol.zh";
import { zh as pages } from "./zh";

const zh = { ...pages, ...patrolZh };

const CHINESE = /[\u4e00-\u9fff]/;
/** Words of the house, which nobody of the field says; and what says the same in the field. */
const NOT_SAID = { 版图: "网格划分", 诊断: "设备同步", 待人处理: "待办裁决", 跟进: "更新", 调匀: "均衡户数", 集合: "记录类型", 来历: "修改记录", 改正并放行: "核对后放行", 代码: "编码", 版次: "版本" };

test("Chinese is punctuated in full width", () => {
  for (const [key, text] of Object.entries(zh)) {
    const bare = text.replace(/\{\w+\}/g, "一").replace(/OGC API - Features/g, "");
    expect(bare.match(/[\u4e00-\u9fff] ?[,;:!?()]|[,;:!?()] ?[\u4e00-\u9fff]/), key).toBeNull();
  }
});

test("what the pages of staff say is said in the words of the field", () => {
  for (const [key, text] of Object.entries({ ...redrawZh, ...staffZh })) {
    for (const [own, field] of Object.entries(NOT_SAID)) expect(text.includes(own), `${key}: ${own} is called ${field}`).toBe(false);
  }
});

test("the commas of a language stand in its catalogue, not in the program", () => {
  const programs = import.meta.glob("../**/*.tsx", { query: "?raw", import: "default", eager: true }) as Record<string, string>;
  expect(Object.keys(programs).length).toBeGreaterThan(40);
  for (const [path, text] of Object.entries(programs)) expect(/[、，；：（）。！？“”]/.exec(text), path).toBeNull();
});

test("no text is in two languages", () => {
  for (const [key, text] of Object.entries({ ...redrawEn, ...staffEn })) expect(CHINESE.test(text), key).toBe(false);
  for (const [key, text] of Object.entries({ ...redrawZh, ...staffZh })) expect(/ · [a-z]/.test(text), key).toBe(false);
});

test("one page has one name, in the bar and at its head", () => {
  expect(zh["review.title"]).toBe(zh["nav.review"]);
  expect(zh["support.title"]).toBe(zh["nav.support"]);
  expect(zh["ground.title"]).toBe(zh["nav.grids"]);
});

test("no count makes an English plural of one", () => {
  for (const [key, text] of Object.entries({ ...redrawEn, ...staffEn })) {
    if (key.startsWith("support.silent.days") || key.startsWith("review.age")) continue;
    expect(/\{n\} (?!is\b)\w+s\b/.test(text), `${key}: ${text}`).toBe(false);
  }
});
