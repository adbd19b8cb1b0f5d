import { expect, test } from "vitest";
import { nextCode } from "./codes";

test("a new grid takes the number after the highest of those that begin alike", () => {
  expect(nextCode("360725100001002", ["360725100001001", "360725100001007", "360725100002009"])).toBe("360725100001008");
  expect(nextCode("360725100001002", [])).toBe("360725100001003");
});

test("a code without a number at its end gets one", () => {
  expect(nextCode("WEST", ["WEST"])).toBe("WEST-1");
});

test("a new grid's code begins with its parent's, as long as numbers are left there", () => {
  expect(nextCode("340103005001011", ["340103005001012", "340103005001024"], "34010300500101")).toBe("340103005001013");
  expect(nextCode("340103005001011", ["340103005001019", "340103005001024"], "34010300500101")).toBe("340103005001025");
  expect(nextCode("340103005001011", [], "999")).toBe("340103005001012");
});
