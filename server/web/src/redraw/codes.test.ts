import { expect, test } from "vitest";
import { nextCode } from "./codes";

test("a new grid takes the number after the highest of those that begin alike", () => {
  expect(nextCode("360725100001002", ["360725100001001", "360725100001007", "360725100002009"])).toBe("360725100001008");
  expect(nextCode("360725100001002", [])).toBe("360725100001003");
});

test("a code without a number at its end gets one", () => {
  expect(nextCode("WEST", ["WEST"])).toBe("WEST-1");
});
