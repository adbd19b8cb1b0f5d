import { expect, test } from "vitest";
import type { Household, Task, Visit } from "../records";
import { cityDay, dueOf, partOfDay } from "./due";
import { byNumbers, floorOf, walking } from "./order";

const door = (building: string, unit: string, room: string): Household => ({
  id: `${building}${unit}${room}`, building, unit, room, location: null, tier: "general", suggestion: null, contact: null, needs: [], residents: null, why: null, claim: null,
});

test("doors come in the order of a walk: building, unit, floor, room, numbers as numbers", () => {
  const walked = [
    door("阳明小区2栋", "1单元", "101"), door("阳明小区2栋", "1单元", "102"), door("阳明小区2栋", "1单元", "302"),
    door("阳明小区2栋", "1单元", "1001"), door("阳明小区2栋", "2单元", "101"), door("阳明小区10栋", "一单元", "201"),
    door("阳明小区10栋", "二单元", "201"), door("阳明小区10栋", "十单元", "201"),
  ];
  const shuffled = [...walked].sort((one, other) => (one.id.length * 7 + one.room.length) % 5 - (other.id.length * 7 + other.room.length) % 5).reverse();
  expect(shuffled.sort(walking).map(({ id }) => id)).toEqual(walked.map(({ id }) => id));
});

test("a room says its floor", () => {
  expect(["1203", "302", "5", "B102", "3-302", "铺面"].map(floorOf)).toEqual([12, 3, 1, -1, 3, null]);
  expect(byNumbers("十二号", "九号")).toBeGreaterThan(0);
});

const at = (iso: string): number => Date.parse(`${iso}+08:00`);
const visit = (outcome: Visit["outcome"], when: string, appointment: string | null = null): Visit => ({
  id: when, household: "h", address: null, outcome, at: at(when), note: null, needs: [], photos: [], memos: [], appointment, mine: true, unsettled: 0,
});
const task = (due: string): Task => ({ id: "t", kind: "visit", title: "", state: "open", due: at(due), household: "h", issue: null, case: null, note: null });

test.each([
  ["nobody was ever there", "general", [], [], "2026-11-30T09:00", true, "never"],
  ["the interval of the tier has passed", "high", [visit("met", "2026-11-20T09:00")], [], "2026-11-30T09:00", true, "interval"],
  ["it has not", "key", [visit("met", "2026-11-20T09:00")], [], "2026-11-30T09:00", false, "seen"],
  ["only met resets it", "high", [visit("met", "2026-11-20T09:00"), visit("no_answer", "2026-11-29T09:00")], [], "2026-11-30T09:00", true, "again"],
  ["three tries in different parts of the day are enough", "high", [visit("no_answer", "2026-11-27T09:00"), visit("no_answer", "2026-11-28T15:00"), visit("no_answer", "2026-11-29T19:00")], [], "2026-11-30T09:00", false, "tried"],
  ["three tries in one part are not", "high", [visit("no_answer", "2026-11-27T09:00"), visit("no_answer", "2026-11-28T09:00"), visit("no_answer", "2026-11-29T09:00")], [], "2026-11-30T09:00", true, "again"],
  ["a refusal gives ninety days of rest", "high", [visit("refused", "2026-09-10T09:00")], [], "2026-11-30T09:00", false, "rest"],
  ["and no more", "high", [visit("refused", "2026-08-10T09:00")], [], "2026-11-30T09:00", true, "never"],
  ["a task makes it due", "general", [visit("met", "2026-11-20T09:00")], [task("2026-12-01T18:00")], "2026-11-30T09:00", true, "task"],
  ["until it was seen today", "general", [visit("met", "2026-11-30T08:00")], [task("2026-12-01T18:00")], "2026-11-30T09:00", false, "seen"],
  ["who moved out is not looked for", "general", [visit("moved", "2026-05-01T09:00")], [], "2026-11-30T09:00", false, "left"],
  ["an appointment is due on its day", "general", [visit("appointment", "2026-11-29T09:00", "2026-11-30T15:00+08:00")], [], "2026-11-30T09:00", true, "appointment"],
  ["and not before", "general", [visit("appointment", "2026-11-29T09:00", "2026-12-02T15:00+08:00")], [], "2026-11-30T09:00", false, "appointment"],
] as const)("%s", (_, tier, visits, tasks, now, due, why) => {
  const found = dueOf({ tier, claim: null }, visits, tasks, at(now));
  expect([found.due, found.why]).toEqual([due, why]);
});

test("days and their parts are those of the city, whatever the zone of the phone", () => {
  expect(partOfDay(Date.parse("2026-11-30T03:59:00Z"))).toBe("morning");
  expect(partOfDay(Date.parse("2026-11-30T04:00:00Z"))).toBe("afternoon");
  expect(partOfDay(Date.parse("2026-11-30T10:00:00Z"))).toBe("evening");
  expect(cityDay(Date.parse("2026-11-29T16:00:00Z"))).toBe(cityDay(Date.parse("2026-11-30T15:59:00Z")));
});

test("a door that a colleague has taken is not due until it ends, but for what one is asked to do oneself", () => {
  const now = at("2026-11-30T09:00");
  const claim = { by: "王芳", until: at("2026-12-03T00:00"), mine: false };
  const why = (taken: typeof claim, tasks: Task[] = [], moment = now): string => dueOf({ tier: "general", claim: taken }, [], tasks, moment).why;
  expect(why(claim)).toBe("taken");
  expect(dueOf({ tier: "general", claim }, [], [], now).due).toBe(false);
  expect(why({ ...claim, mine: true })).toBe("never");
  expect(why(claim, [task("2026-12-01T18:00")])).toBe("task");
  expect(why(claim, [], claim.until)).toBe("never");
});
