import { expect, test } from "vitest";
import type { Session } from "../api/types";
import { zh } from "../i18n/zh";
import { doorsFor } from "./roles";

const person = (...roles: string[]): Session => ({
  person: { login: "one", name: "一" },
  roles,
  charge: { everywhere: false, areas: [], organisations: [] },
  csrf: "",
  expires_at: "",
});

const doors = (session: Session | null, here = ""): string[] => doorsFor(session, here).map(({ to }) => to);

test("a page that is not for somebody is no door for them, even where they stand before it", () => {
  for (const here of ["review", "support", "grids", "desk", "duty", "people"]) expect(doors(person("clerk"), here)).toEqual(["/map", "/case", "/docs"]);
  expect(doors(person("supervisor"), "grids")).toEqual(["/duty", "/map", "/case", "/review", "/support", "/catalogue", "/calendar", "/people", "/docs"]);
  expect(doors(person("handler"), "duty")).toEqual(["/desk", "/map", "/case", "/docs"]);
  expect(doors(person("gis"), "review")).toEqual(["/map", "/case", "/grids", "/docs"]);
});

test("the page at hand has its place in the bar before it is known whose it is", () => {
  expect(doors(null, "review")).toEqual(["/review", "/docs"]);
  expect(doors(null, "signin")).toEqual(["/docs"]);
});

test("the first page has words for every door that somebody may find on it", () => {
  for (const door of doors(person("admin", "supervisor", "dispatcher", "handler", "gis"))) expect(zh).toHaveProperty([`start.to${door.replace("/", ".")}`]);
});
