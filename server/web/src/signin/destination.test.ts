import { expect, test } from "vitest";
import { destination } from "./destination";

test("signing in leads back to the page asked for", () => {
  expect(destination("?next=%2Fmap%3Fissue%3D1")).toBe("/map?issue=1");
});

test("signing in never leads to another host", () => {
  for (const next of ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]) {
    expect(destination(`?next=${encodeURIComponent(next)}`)).toBe("/map");
  }
});
