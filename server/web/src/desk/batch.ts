/** Steps for many cases at once: which of them, what became of each. Pure but for the sending. */
import { post } from "../api/client";
import { newId } from "../case/photos";

/** What a body may do with many cases at once: steps that ask for nothing. Where a case stands says which. */
const BATCH: Readonly<Record<string, readonly string[]>> = { receive: ["dispatched"], start: ["received"] };
export const BATCH_STEPS = ["receive", "start"] as const;
export type BatchStep = (typeof BATCH_STEPS)[number];
const MOST = 200;

export interface Item {
  id: string;
  state: string;
  part: string;
}

/** Those of the chosen cases for which a step is possible. */
export function fitting(step: BatchStep, items: readonly Item[]): Item[] {
  return items.filter(({ state, part }) => part === "lead" && BATCH[step]?.includes(state));
}

export interface Result {
  issue_id: string;
  status: "taken" | "illegal" | "refused";
  state: string | null;
  error?: { title?: string; detail?: string } | string;
}

/** Take a step in each case; one that is not possible any more stops none. */
export async function takeAll(step: BatchStep, items: readonly Item[]): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += MOST) {
    const part = items.slice(from, from + MOST).map(({ id, state }) => ({ issue_id: id, id: newId(), step, state }));
    results.push(...(await post<{ results: Result[] }>("/v1/cases/steps", { steps: part })).results);
  }
  return results;
}
