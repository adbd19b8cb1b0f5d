import { expect, test } from "vitest";
import type { Session } from "../api/types";
import { workOf } from "./work";

const person = (roles: string[], areas: number, organisations = 0): Session => ({
  person: { login: "one", name: "一" },
  roles,
  charge: {
    everywhere: false,
    areas: Array.from({ length: areas }, (_, n) => ({ code: String(n), name: String(n) })),
    organisations: Array.from({ length: organisations }, (_, n) => ({ code: String(n), name: String(n) })),
  },
  csrf: "",
  expires_at: "",
});

const told = (session: Session): string[] => workOf(session).map(({ words }) => words);

test("each person is told of the work that they can do", () => {
  expect(told(person(["supervisor"], 1))).toEqual(["work.duty.red", "work.duty.yellow", "work.duty.waiting", "work.duty.asking", "work.duty.done", "work.disputes", "work.quarantine", "work.silent"]);
  expect(told(person(["gis"], 1))).toEqual(["work.overdue", "work.open", "work.drafts"]);
  expect(told(person(["handler"], 0, 1))).toEqual(["work.desk.red", "work.desk.yellow", "work.desk.sign", "work.desk.open"]);
  expect(told(person(["auditor"], 0))).toEqual([]);
});
