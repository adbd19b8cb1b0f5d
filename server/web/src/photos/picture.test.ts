import { expect, test } from "vitest";
import { fitted } from "./picture.js";

test.each([
  [4000, 3000, 2048, 1536],
  [3000, 4000, 1536, 2048],
  [2048, 100, 2048, 100],
  [640, 480, 640, 480],
  [100_000, 10, 2048, 1],
])("a picture of %i x %i is sent at %i x %i", (width, height, sentWidth, sentHeight) => {
  expect(fitted(width, height, 2048)).toEqual({ width: sentWidth, height: sentHeight });
});
