import { expect, test } from "vitest";
import { nextName } from "./names";

test("a new grid is called by the next number of its community, in the figures of those beside", () => {
  expect(nextName("桂台社区第3网格", ["桂台社区第10网格", "梅岗社区第40网格"])).toBe("桂台社区第11网格");
  expect(nextName("中山社区第三网格", ["中山社区第十九网格"])).toBe("中山社区第二十网格");
  expect(nextName("中山社区第三网格", ["中山社区第二十网格"])).toBe("中山社区第二十一网格");
  expect(nextName("中山社区第三网格", [])).toBe("中山社区第四网格");
});

test("a name without a number is followed by one that nobody has", () => {
  expect(nextName("水南", ["水南-2"])).toBe("水南-3");
});
