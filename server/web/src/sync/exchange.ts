/**
 * One exchange with the server: push everything, pull everything, ask what a restore made it forget.
 *
 * Owns the order of things and what a refusal means for the device. Each step writes what it learnt before the next
 * begins, so that an exchange may break off anywhere and the next one goes on.
 */

import * as outbox from "./outbox.js";
import { apply, beginAnew } from "./pulling.js";
import type { Position, Standing, Store } from "./store.js";
import { type Line, Refused, Unreachable } from "./transport.js";
import * as transport from "./transport.js";

/** What of the platform an exchange needs. */
export interface Means {
  readonly store: Store;
  readonly line: Line;
  readonly now: () => number;
  readonly newId: () => string;
  readonly page_size: number;
}

export interface Exchanged {
  pushed: number;
  pulled: number;
  resyncs: number;
  sent_again: number;
}

const MOST_RESYNCS = 3;

export async function exchange(means: Means): Promise<Exchanged> {
  const done: Exchanged = { pushed: 0, pulled: 0, resyncs: 0, sent_again: 0 };
  if ((await means.store.standing()).wipe) {
    await wipe(means);
    return done;
  }
  try {
    await handIn(means, done);
    await catchUp(means, done);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    await learn(means, error);
  }
  return done;
}

/** Push, whatever a pull would say: a revoked phone's day is still taken, and so is that of an app too old to pull. */
async function handIn(means: Means, done: Exchanged): Promise<void> {
  try {
    done.pushed += await pushAll(means);
  } catch (error) {
    if (!(error instanceof Refused && error.status === 401)) throw error;
  }
}

async function catchUp(means: Means, done: Exchanged): Promise<void> {
  do {
    await pullAll(means, done);
    await note(means.store, { revoked: false, unknown: false, outdated: false });
  } while (await sendAgainWhatWasForgotten(means, done));
}

async function pushAll(means: Means): Promise<number> {
  let [sent, most] = [0, outbox.MOST_OPERATIONS];
  for (;;) {
    const ops = await outbox.batch(means.store, most);
    const [first] = ops;
    if (first === undefined) return sent;
    try {
      const answer = await transport.push(means.line, means.newId(), iso(means.now()), ops);
      const answered = new Set(answer.results.map((result) => result.op_id));
      if (!ops.every((op) => answered.has(op.op_id))) throw new Unreachable("an answer that leaves operations out");
      await outbox.answered(means.store, answer.results);
      await note(means.store, { skew_ms: Math.round(means.now() - Date.parse(answer.server_time)) });
      sent += ops.length;
    } catch (error) {
      if (!(error instanceof Refused && error.status === 413)) throw error;
      most = Math.ceil(ops.length / 2);
      if (ops.length === 1) await outbox.refused(means.store, first.op_id, error.problem.type, error.message);
    }
  }
}

async function pullAll(means: Means, done: Exchanged): Promise<void> {
  for (let more = true; more; ) {
    const at = await means.store.position();
    try {
      more = at.filling ? await fill(means, at, done) : await pullPage(means, at, done);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 410)) throw error;
      if (done.resyncs >= MOST_RESYNCS) throw new Unreachable("the server asks to begin anew again and again");
      done.resyncs += 1;
      await beginAnew(means.store, at.cursor);
    }
  }
}

async function pullPage(means: Means, at: Position, done: Exchanged): Promise<boolean> {
  const asked = { cursor: at.cursor, answered: await outbox.answeredSoFar(means.store) };
  const page = await transport.pull(means.line, at.cursor, means.page_size);
  if (!(await apply(means.store, asked, page, means.now()))) return true;
  done.pulled += page.changes.length;
  return page.has_more;
}

/** Take a stream of pages until its end, or until another tab was faster; return whether there is more. */
async function fill(means: Means, at: Position, done: Exchanged): Promise<boolean> {
  const answered = await outbox.answeredSoFar(means.store);
  let cursor = at.cursor;
  for await (const page of transport.stream(means.line, cursor)) {
    if (!(await apply(means.store, { cursor, answered }, page, means.now()))) return true;
    done.pulled += page.changes.length;
    cursor = page.cursor;
    if (!page.has_more) return false;
  }
  if (cursor === at.cursor) throw new Unreachable("a stream without a page");
  return true;
}

/** After a resync, put back into the outbox what the server does not name as received; return whether there was any. */
async function sendAgainWhatWasForgotten(means: Means, done: Exchanged): Promise<boolean> {
  if (!(await means.store.position()).asks) return false;
  const status = await transport.status(means.line);
  const count = await means.store.atomically(async () => {
    await means.store.note("position", { ...(await means.store.position()), asks: false });
    return outbox.requeue(means.store, status);
  });
  done.sent_again += count;
  if (count > 0) done.pushed += await pushAll(means);
  return count > 0;
}

/** Note what a refusal says of the device; throw it again where it says nothing of that. */
async function learn(means: Means, error: Refused): Promise<void> {
  if (error.status === 426) await note(means.store, { outdated: true });
  else if (error.status === 401 && error.code === "token-unknown") await note(means.store, { unknown: true });
  else if (error.status === 401) {
    await note(means.store, { revoked: true });
    if (error.problem.wipe === true) await wipe(means);
  } else throw error;
}

/** Forget everything, as ordered, then say so, then forget how to speak to the server. */
async function wipe(means: Means): Promise<void> {
  const { store } = means;
  await store.atomically(async () => {
    await store.outbox.clear();
    await store.records.clear();
    await store.singles.bulkDelete(["position", "seq", "outbox_key"]);
    await note(store, { revoked: true, wipe: true });
  });
  try {
    await transport.wiped(means.line);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  await store.singles.bulkDelete(["device", "standing"]);
}

async function note(store: Store, changes: Partial<Standing>): Promise<void> {
  await store.transaction("rw", store.singles, async () => {
    await store.note("standing", { ...(await store.standing()), ...changes });
  });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
