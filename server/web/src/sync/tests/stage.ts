/** The real server, the control of its city, and tabs that can be made to crash at any of their steps. */

import type { DBCore, Middleware } from "dexie";
import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { expect } from "vitest";
import { type Locks, type Options, SyncClient } from "../index.js";
import type { Held } from "../store.js";
import * as transport from "../transport.js";
import type { Change, Fields } from "../types.js";

interface Told {
  readonly run: string;
  readonly url: string;
  readonly control: string;
  readonly west: readonly [number, number];
  readonly east: readonly [number, number];
  readonly grids: { readonly west: string; readonly east: string };
}

export const told = JSON.parse(import.meta.env.PATROL_CLIENT_TEST as string) as Told;
export const WEST = { lon: told.west[0], lat: told.west[1] };
export const EAST = { lon: told.east[0], lat: told.east[1] };

/** Carry out a command of tests/interop/client/control.py. */
export async function control<T = unknown>(command: string, what: Fields = {}): Promise<T> {
  const answer = await fetch(`${told.control}/${command}`, { method: "POST", body: JSON.stringify(what) });
  expect(answer.status, command).toBe(200);
  return (await answer.json()) as T;
}

export class Crashed extends Error {}

/** Counts the steps of a tab, and ends it at one of them: what it does from then on never happens. */
export class Fate {
  steps = 0;

  constructor(readonly last = Number.POSITIVE_INFINITY) {}

  get over(): boolean {
    return this.steps >= this.last;
  }

  step(): void {
    if (this.over) throw new Crashed();
    this.steps += 1;
    if (this.over) throw new Crashed();
  }
}

/** Locks that keep nobody out: tabs that exchange at the same time must be right too. */
const everybodyAtOnce: Locks = { request: (_name, _options, work) => work({}) };

/** A phone's browser: what its tabs share. */
export class Browser {
  readonly storage = { indexedDB: new IDBFactory(), IDBKeyRange };
  /** One for each browser: what is watched is known by the name of its database alone. */
  readonly name = crypto.randomUUID();
  /** How far its clock is ahead, in ms. */
  skew = 0;

  tab(fate = new Fate(), options: Partial<Options> = {}): SyncClient {
    const client = new SyncClient({
      url: told.url,
      storage: this.storage,
      name: this.name,
      locks: everybodyAtOnce,
      clock: () => Date.now() + this.skew,
      fetch: doomed(fate),
      ...options,
    });
    client.store.use(mortal(fate));
    return client;
  }
}

/** A tab may die before a request leaves, and after the server has carried it out. */
function doomed(fate: Fate): typeof fetch {
  return async (...asked) => {
    fate.step();
    const answer = await fetch(...asked);
    fate.step();
    return answer;
  };
}

/** And before each statement of a transaction, which then never commits. */
export function mortal(fate: Fate): Middleware<DBCore> {
  return {
    stack: "dbcore",
    name: "mortal",
    create: (core) => ({
      ...core,
      table: (name) => {
        const table = core.table(name);
        return {
          ...table,
          mutate: async (request) => {
            fate.step();
            return table.mutate(request);
          },
        };
      },
    }),
  };
}

/** Let a tab do something and die at a step of it; return whether it got to the end before. */
export async function survives(browser: Browser, last: number, work: (tab: SyncClient) => Promise<unknown>): Promise<boolean> {
  const fate = new Fate(last);
  const tab = browser.tab(fate);
  try {
    await work(tab);
    return !fate.over;
  } catch (error) {
    if (!fate.over) throw error;
    return false;
  } finally {
    tab.close();
  }
}

const described = { name: "tab", platform: "test", app_version: "1.0.0" };
let workers = 0;

/** A new worker of these areas. */
export async function worker(...areas: ("west" | "east")[]): Promise<string> {
  workers += 1;
  const login = `${told.run}-${workers}`;
  await control("worker", { login, areas });
  return login;
}

/** A browser with a device of the worker's. */
export async function enrolled(login: string): Promise<Browser> {
  const browser = new Browser();
  const tab = browser.tab();
  const { code } = await control<{ code: string }>("code", { login });
  await tab.enrol(code, described);
  tab.close();
  return browser;
}

export async function deviceOf(tab: SyncClient): Promise<string> {
  return (await tab.store.single("device"))?.device_id ?? "";
}

/** What a device would hold that began with nothing, by plain pages. */
async function anew(tab: SyncClient): Promise<Map<string, Change>> {
  const token = (await tab.store.single("device"))?.token ?? null;
  const line = { url: told.url, fetch, token, language: "en", timeout_ms: 10_000 };
  const found = new Map<string, Change>();
  for (let cursor: string | null = null, more = true; more; ) {
    const page = await transport.pull(line, cursor, 2000);
    for (const change of page.changes) {
      if (change.action === "put") found.set(`${change.collection}/${change.id}`, change);
      else found.delete(`${change.collection}/${change.id}`);
    }
    [cursor, more] = [page.cursor, page.has_more];
  }
  return found;
}

/**
 * With everything handed in and settled: the tab holds what the server holds, to the last field, and the server has
 * each of its operations once.
 */
export async function agrees(tab: SyncClient): Promise<void> {
  await control("settle");
  await tab.exchange();
  const theirs = [...(await anew(tab))].map(([key, { rev, data, grid }]) => [key, rev, data, grid ?? null] as const);
  const mine = (await tab.store.records.toArray()).map(line);
  expect(mine.sort(byKey)).toEqual(theirs.sort(byKey));
  expect(await tab.verify()).toBe(0);
  const entries = await tab.store.outbox.toArray();
  expect(entries.filter(({ state }) => state === "waiting" || state === "pending")).toEqual([]);
  const numbers = entries.map(({ seq }) => seq);
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  const log = await control<{ count: number; status: Record<string, string> }>("log", { device: await deviceOf(tab) });
  expect(log.count).toBe(entries.length);
  for (const entry of entries) expect([entry.op_id, log.status[entry.op_id]]).toEqual([entry.op_id, entry.state]);
  // Nothing lies over a record that is settled, and nothing is seen that the server does not show.
  for (const collection of ["visits", "issues"]) {
    const held = await tab.store.records.where("collection").equals(collection).toArray();
    expect((await tab.list(collection)).map(({ id, data }) => [id, data])).toEqual(held.map(({ id, data }) => [id, data]));
  }
}

function line({ collection, id, rev, data, place }: Held): readonly unknown[] {
  return [`${collection}/${id}`, rev, data, place];
}

function byKey(one: readonly unknown[], other: readonly unknown[]): number {
  return String(one[0]) < String(other[0]) ? -1 : 1;
}

export function visit(more: Fields = {}): Fields {
  return { outcome: "met", location: WEST, ...more };
}

export function issue(more: Fields = {}): Fields {
  return { category: "0301", location: WEST, severity: "low", ...more };
}

/** Push many visits at once. The database of these tests is slow with many rows, so they do not go through a client. */
export async function fillWithVisits(tab: SyncClient, count: number): Promise<void> {
  const token = (await tab.store.single("device"))?.token ?? null;
  const line = { url: told.url, fetch, token, language: "en", timeout_ms: 30_000 };
  const captured_at = new Date().toISOString();
  const ops = Array.from({ length: count }, (_, index) => {
    const [op_id, id] = [crypto.randomUUID(), crypto.randomUUID()];
    const rest = { collection: "visits", action: "put", base: null, captured_at } as const;
    return { op_id, seq: index + 1, id, data: visit({ address_text: `${index + 1}` }), ...rest };
  });
  for (let start = 0; start < count; start += 1000) {
    await transport.push(line, crypto.randomUUID(), captured_at, ops.slice(start, start + 1000));
  }
}

// The smallest JPEG that decoders agree on: one grey pixel.
export const JPEG = Uint8Array.from(
  atob(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AVN//2Q==",
  ),
  (letter) => letter.charCodeAt(0),
);
