/** What the phone holds, as hooks: asked again whenever it changes, in this tab or another. */
import { liveQuery } from "dexie";
import { createContext } from "preact";
import { useContext, useEffect, useMemo, useState } from "preact/hooks";
import type { Phone } from "../phone";
import { type GridArea, type Household, type Issue, type Task, type Visit, gridOf, householdOf, issueOf, taskOf, visitOf } from "../records";
import type { Pending } from "../phone";

/** Watch what a question answers; undefined until it is known, and `on` says when it is another question. */
export function useLive<T>(question: () => Promise<T>, on: readonly unknown[]): T | undefined {
  const [answer, setAnswer] = useState<T>();
  useEffect(() => {
    const watching = liveQuery(question).subscribe({ next: setAnswer, error: (error: unknown) => console.warn(error) });
    return () => watching.unsubscribe();
  }, on);
  return answer;
}

/** Everything that the screens show, read once for all of them. What is pending stands among the visits already. */
export interface Book {
  readonly households: readonly Household[];
  readonly visits: readonly Visit[];
  readonly tasks: readonly Task[];
  readonly issues: readonly Issue[];
  readonly grids: readonly GridArea[];
  readonly pending: readonly Pending[];
}

/** What every screen has: the phone, what it holds, and the name of its worker. */
export interface Held {
  readonly phone: Phone;
  readonly book: Book;
  readonly worker: string;
}

export const PhoneContext = createContext<Held | null>(null);

export function useBook(phone: Phone): Book | null {
  const ask = <T>(collection: string, read: (seen: Awaited<ReturnType<Phone["client"]["get"]>> & object) => T): T[] | undefined =>
    useLive(async () => (await phone.client.list(collection)).map((seen) => read(seen)), [phone]);
  const households = ask("households", householdOf);
  const visits = ask("visits", visitOf);
  const tasks = ask("tasks", taskOf);
  const issues = ask("issues", issueOf);
  const grids = ask("grids", gridOf);
  const pending = useLive(() => phone.pending.toArray(), [phone]);
  const reported = useLive(() => phone.reported.toCollection().primaryKeys(), [phone]);
  return useMemo(() => {
    if (!households || !visits || !tasks || !issues || !grids || !pending || !reported) return null;
    return {
      households,
      visits: [...visits, ...notYet(pending, visits)],
      tasks: withPending(tasks, pending),
      issues: issues.map(ownOf(reported, grids)),
      grids,
      pending,
    };
  }, [households, visits, tasks, issues, grids, pending, reported]);
}

/** Whose a report is: the server says so, this phone made it, or it lies outside the worker's grids, where only own reports are sent. */
function ownOf(reported: readonly string[], grids: readonly GridArea[]): (issue: Issue) => Issue {
  const [made, codes] = [new Set(reported), new Set(grids.map(({ code }) => code))];
  return (issue) => ({ ...issue, mine: issue.mine || made.has(issue.id) || !codes.has(issue.grid?.code ?? "") });
}

/** What is pending, and not among the records: for a moment two questions may tell of two moments. */
function notYet(pending: readonly Pending[], visits: readonly Visit[]): Visit[] {
  const there = new Set(visits.map(({ id }) => id));
  return pending
    .filter(({ collection, id }) => collection === "visits" && !there.has(id))
    .map(({ id, data }) => visitOf({ collection: "visits", id, rev: 0, data, grid: null, unsettled: 1, masked: false, mine: true }));
}

function withPending(tasks: readonly Task[], pending: readonly Pending[]): readonly Task[] {
  const states = new Map(pending.flatMap((each) => each.with.filter(({ collection }) => collection === "tasks")).map(({ id, data }) => [id, data.state]));
  return tasks.map((task) => (states.has(task.id) ? { ...task, state: states.get(task.id) as Task["state"] } : task));
}

export function usePhone(): Held {
  const context = useContext(PhoneContext);
  if (context === null) throw new Error("no phone is open here");
  return context;
}

/** The time in ms, anew each minute, or as often as is said. */
export function useNow(every_ms = 60_000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}
