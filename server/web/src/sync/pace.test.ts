import { expect, test } from "vitest";
import { backoff, Rest } from "./pace.js";

const never = new AbortController().signal;
const HOUR_MS = 3_600_000;

test("waiting doubles with every failure, between half and all of it, up to five minutes", () => {
  expect([1, 2, 3, 20].map((failures) => backoff(failures, 1))).toEqual([1_000, 2_000, 4_000, 300_000]);
  expect(backoff(3, 0)).toBe(2_000);
});

test("a rest ends when it is woken, when its signal aborts, and at once where somebody knocked before it", async () => {
  const rest = new Rest();
  const resting = rest.of(HOUR_MS, never);
  rest.wake();
  await resting;
  rest.wake();
  await rest.of(HOUR_MS, never);
  const ending = new AbortController();
  const last = rest.of(HOUR_MS, ending.signal);
  ending.abort();
  await last;
});

test("a knock is good for one rest", async () => {
  const rest = new Rest();
  rest.wake();
  await rest.of(HOUR_MS, never);
  let rested = false;
  void rest.of(20, never).then(() => (rested = true));
  await Promise.resolve();
  expect(rested).toBe(false);
});
