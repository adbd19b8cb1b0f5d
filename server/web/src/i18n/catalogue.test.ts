import { expect, test } from "vitest";
import { en as pagesEn } from "./en";
import { patrolEn } from "./patrol.en";
import { patrolZh } from "./patrol.zh";
import { zh as pages } from "./zh";

const zh = { ...pages, ...patrolZh };
const en = { ...pagesEn, ...patrolEn };

const holes = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort();

test("both languages have the same texts", () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
});

test("both languages fill the same holes", () => {
  for (const [key, text] of Object.entries(zh)) {
    expect(holes(en[key as keyof typeof zh]), key).toEqual(holes(text));
  }
});

test("no text is empty", () => {
  for (const text of [...Object.values(zh), ...Object.values(en)]) expect(text.trim()).not.toBe("");
});
