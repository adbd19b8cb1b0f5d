/** Generated histories: workers of one city, each with two tabs that crash, connections that break, grids that move. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { SyncClient } from "../index.js";
import { agrees, type Browser, control, EAST, enrolled, issue, survives, visit, WEST, worker } from "./stage.js";

// The same histories each time, unless it is said how many: then others each time.
const ASKED: unknown = import.meta.env.PATROL_CLIENT_HISTORIES;
const EXTENT = ASKED === undefined ? { numRuns: 6, seed: 20_261_121 } : { numRuns: Number(ASKED) };
const AREAS = [["west"], ["east"], ["west", "east"], []] as const;

type Step =
  | { readonly kind: "put"; readonly east: boolean; readonly issue: boolean; readonly bad: boolean }
  | { readonly kind: "patch"; readonly which: number; readonly severity: string; readonly tags: readonly string[] }
  | { readonly kind: "exchange"; readonly last: number }
  | { readonly kind: "both" }
  | { readonly kind: "move"; readonly areas: number }
  | { readonly kind: "settle" }
  | { readonly kind: "skew"; readonly hours: number }
  | { readonly kind: "restore" };

const who = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("put" as const), east: fc.boolean(), issue: fc.boolean(), bad: fc.integer({ min: 0, max: 9 }).map((n) => n === 0) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("patch" as const), which: fc.nat(20), severity: fc.constantFrom("low", "normal", "urgent"), tags: fc.uniqueArray(fc.constantFrom("a", "b", "c")) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("exchange" as const), last: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "both" as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("move" as const), areas: fc.integer({ min: 0, max: 3 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "settle" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("skew" as const), hours: fc.integer({ min: -72, max: 72 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restore" as const }) },
);

interface Phone {
  readonly login: string;
  readonly browser: Browser;
  readonly tab: SyncClient;
}

test("whatever happens to phones, tabs and grids, every phone agrees with the server in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(who, step), { minLength: 10, maxLength: 40 }), async (history) => {
      await control("clear");
      const phones = await Promise.all([0, 1, 2].map(phone));
      await control("dump");
      for (const [number, each] of history) await play(phones[number] as Phone, each);
      for (const { tab } of phones) await tab.exchange();
      // A second round: what one hands in after a restore, the others must hear of.
      for (const { tab } of phones) await agrees(tab);
      for (const { tab } of phones) await agrees(tab);
      for (const { tab } of phones) tab.close();
    }),
    EXTENT,
  );
}, 1_200_000);

async function phone(number: number): Promise<Phone> {
  const login = await worker(...(AREAS[number] ?? []));
  const browser = await enrolled(login);
  return { login, browser, tab: browser.tab() };
}

async function play({ login, browser, tab }: Phone, told: Step): Promise<void> {
  if (told.kind === "put") {
    const location = told.east ? EAST : WEST;
    if (told.issue) await tab.put("issues", issue({ location }));
    else await tab.put("visits", visit({ location, ...(told.bad && { outcome: "shrugged" }) }));
  } else if (told.kind === "patch") {
    const issues = await tab.list("issues");
    const chosen = issues[told.which % Math.max(1, issues.length)];
    if (chosen !== undefined) await tab.patch("issues", chosen.id, { severity: told.severity, tags: told.tags });
  } else if (told.kind === "exchange") await survives(browser, told.last, (each) => each.exchange());
  else if (told.kind === "both") await Promise.all([tab.exchange(), browser.tab().exchange()]);
  else if (told.kind === "move") await control("worker", { login, areas: [...(AREAS[told.areas] ?? [])] });
  else if (told.kind === "settle") await control("settle");
  else if (told.kind === "skew") browser.skew = told.hours * 3_600_000;
  else await control("restore");
  expect((await tab.summary()).enrolled).toBe(true);
}
