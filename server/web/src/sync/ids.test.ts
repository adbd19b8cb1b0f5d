import { expect, test } from "vitest";
import { uuid7 } from "./ids.js";

test("a UUID of version 7 begins with its time and is random in the rest", () => {
  const id = uuid7(0x0192_3456_789a, (bytes) => void bytes.fill(0xff));
  expect(id).toBe("01923456-789a-7fff-bfff-ffffffffffff");
});
