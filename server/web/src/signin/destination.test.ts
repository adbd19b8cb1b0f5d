import { expect, test } from "vitest";
import { destination } from "./destination";

const HERE = "https://patrol.example:8443";
const after = (next: string): string => destination(`?next=${encodeURIComponent(next)}`, HERE);

test("signing in leads back to the page asked for", () => {
  for (const next of ["/map?issue=1", "/grids#draft-3", "/review?q=%E4%BA%95%E7%9B%96&at=%2F%2Fa", "/"]) {
    expect(after(next)).toBe(next);
  }
});

test("signing in never leads to another host", () => {
  const spelt = [
    "https://evil.example", "HTTPS:evil.example", "https:/evil.example", "//evil.example", "///evil.example", "/\\evil.example",
    "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "/\r\n\t/evil.example", "\t//evil.example",
    " //evil.example", "/\u0000/evil.example", "/\u200b/evil.example", "/a/..//evil.example", "/./\\evil.example", "/.//evil.example",
    "//user@evil.example", "@evil.example", ".evil.example", ":80", "javascript:alert(1)", "java\nscript:alert(1)",
    "/\u2028/evil.example", "data:text/html,x", "", "?next=//evil.example",
  ];
  for (const next of spelt) expect(after(next), JSON.stringify(next)).toBe("/");
});

test("whatever is asked for, a browser that is sent there stays on this site", () => {
  const parts = ["/", "\\", "\t", "\n", "@", ":", ".", "..", "／", "＼", "evil.example", "%2f", "%09", "?", "#", "//", "https:", "a"];
  for (const one of parts) for (const two of parts) for (const three of parts) for (const four of parts) {
    const led = after(`/${one}${two}${three}${four}evil.example`);
    if (new URL(led, HERE).origin !== HERE) expect.fail(JSON.stringify([one, two, three, four, led]));
  }
});

test("percent-coded line ends in the address bar are no way out either", () => {
  for (const search of ["?next=/%09/evil.example", "?next=/%0a/evil.example", "?next=/%0d%0a/evil.example", "?next=%2F%5Cevil.example"]) {
    expect(destination(search, HERE)).toBe("/");
  }
});
