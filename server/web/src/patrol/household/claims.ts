/**
 * Doors that the worker takes for some days, or gives back: asked of the server at once, or as soon as there is a network.
 *
 * Owns the questions that wait and the answers that a worker has not seen yet. What the server has decided comes with the
 * households themselves.
 */
import { Refused } from "../../sync/index";
import { request } from "../../sync/transport";
import type { Phone } from "../phone";
import { cityDay } from "../today/due";

const WAITING = "claims";
const LOST = "claims-lost";

/** `until`: the last day (of the city) on which the doors are theirs; null gives them back. */
export interface Question {
  readonly id: string;
  readonly households: readonly string[];
  readonly until: number | null;
}

/** A door that somebody else has: `until` in ms. */
export interface Lost {
  readonly household: string;
  readonly by: string;
  readonly until: number;
}

interface Door {
  readonly household_id: string;
  readonly status: "yours" | "taken" | "free" | "unknown";
  readonly by: string | null;
  readonly until: string | null;
}

/** Take doors for so many days, today among them; null gives them back. Durable when this resolves. */
export async function askFor(phone: Phone, households: readonly string[], days: number | null): Promise<void> {
  const question: Question = { id: phone.newId(), households, until: days === null ? null : cityDay(Date.now()) + days - 1 };
  await phone.client.store.transaction("rw", [phone.client.store.table("kept")], async () => {
    const asked = new Set(households);
    const others = (await waiting(phone)).map((each) => ({ ...each, households: each.households.filter((id) => !asked.has(id)) }));
    await phone.keep(WAITING, [...others.filter((each) => each.households.length > 0), question]);
    await phone.keep(LOST, (await lost(phone)).filter(({ household }) => !asked.has(household)));
  });
  void sendClaims(phone);
}

/** Return the questions that the server has not answered yet. */
export async function waiting(phone: Phone): Promise<readonly Question[]> {
  return (await phone.kept<readonly Question[]>(WAITING)) ?? [];
}

/** Return the doors that the worker asked for and somebody else had first, until the worker has seen it. */
export async function lost(phone: Phone): Promise<readonly Lost[]> {
  return (await phone.kept<readonly Lost[]>(LOST)) ?? [];
}

export function seen(phone: Phone): Promise<void> {
  return phone.keep(LOST, []);
}

/** Ask the server what waits, in the order in which it was said; what is not answered goes on waiting. */
export async function sendClaims(phone: Phone): Promise<void> {
  await phone.client.alone("claims", async () => {
    for (const question of await waiting(phone)) {
      const doors = await answered(phone, question);
      if (doors === null) return;
      // What others are shown, this phone shows too before the question is forgotten.
      await phone.client.exchange().catch(() => null);
      await phone.client.store.transaction("rw", [phone.client.store.table("kept")], async () => {
        await phone.keep(WAITING, (await waiting(phone)).filter(({ id }) => id !== question.id));
        if (question.until !== null) await phone.keep(LOST, [...(await lost(phone)), ...lostOf(doors)]);
      });
    }
  });
}

/** Return how the doors stand; null without an answer. What the server refuses to hear, or what is over by now, is answered by nothing. */
async function answered(phone: Phone, { households, until }: Question): Promise<readonly Door[] | null> {
  const days = until === null ? null : until - cityDay(Date.now()) + 1;
  if (days !== null && days < 1) return [];
  const path = days === null ? "/v1/doors/claims/return" : "/v1/doors/claims";
  try {
    const body = JSON.stringify({ households, ...(days !== null && { days }) });
    const answer = await request(await phone.client.line(), path, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    return ((await answer.json()) as { doors: Door[] }).doors;
  } catch (error) {
    return error instanceof Refused && error.status === 422 ? [] : null;
  }
}

function lostOf(doors: readonly Door[]): Lost[] {
  return doors.flatMap(({ household_id, status, by, until }) => (status === "taken" ? [{ household: household_id, by: by ?? "", until: Date.parse(until ?? "") }] : []));
}
