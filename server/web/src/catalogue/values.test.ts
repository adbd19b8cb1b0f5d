import { expect, test } from "vitest";
import type { FormField } from "../api/rulebook";
import { instant, limitOf, named, told, valueOf } from "./values";

const choice: FormField = { name: "is_private", zh: "隐私", en: "private", kind: "choice", choices: [{ value: true, zh: "是", en: "yes" }, { value: false, zh: "否", en: "no" }] };
const number: FormField = { name: "limit_value", zh: "时限", en: "limit", kind: "number", choices: [] };
const text: FormField = { name: "name_zh", zh: "名称", en: "name", kind: "text", choices: [] };

test("a value is told by the words of its choice, a limit with its unit", () => {
  expect(named(choice, false)).toBe("否");
  expect(named(text, "路灯")).toBe("路灯");
  expect(limitOf({ limit_value: 2, limit_unit: "wd" })).toBe("2 个工作日");
  expect(limitOf({ limit_value: null, limit_unit: null })).toBe("");
});

test("what is typed is read back as the API takes it", () => {
  expect(valueOf(choice, "false")).toBe(false);
  expect(valueOf(choice, "")).toBeNull();
  expect(valueOf(number, " ")).toBeNull();
  expect(valueOf(number, "12")).toBe(12);
  expect(valueOf(number, "1.5")).toBe("1.5"); // the server says what is wrong with it
  expect(valueOf(text, "")).toBe("");
});

test("a change is told in few words", () => {
  expect(told(number, null, String)).toBe("空");
  expect(told(undefined, [{}, {}], String)).toBe("2 行");
  expect(told(choice, true, String)).toBe("是");
});

test("bodies are told by their names", () => {
  const assisting: FormField = { name: "assisting_bodies", zh: "协办单位", en: "assisting bodies", kind: "text", choices: [] };
  const names: Record<string, string> = { zhujian: "住建局", gongdian: "供电公司" };
  expect(told(assisting, "zhujian,gongdian,left", (code) => names[code] ?? code)).toBe("住建局、供电公司、left");
});

test("a moment that is not said is none", () => {
  expect(instant("")).toBeNull();
  expect(instant("2030-01-01T08:00")).toMatch(/Z$/);
});
