/** What waits for whoever is signed in, as numbers: each asked of the page's own API that tells it, for those who may ask. */
import { read } from "../api/client";
import type { Session } from "../api/types";
import { FINISHED, WAITING } from "../duty/wanted";
import type { Key } from "../i18n";
import type { Waiting, WaitingWork } from "../api/work";
import { mayDispatch, mayDraw, mayHandle, mayRule } from "../page/roles";

/** One number with its words, and the page where it is worked off. `grave`: whether it is bad if there are any. */
export interface Work {
  words: Key;
  to: string;
  grave: boolean;
  count: () => Promise<number>;
}

interface Totals {
  open: number;
  overdue: number;
}

/** What is asked for a person of these roles; those who see no issue of anybody's are asked for none. */
export function workOf(session: Session): Work[] {
  const { everywhere, areas, organisations } = session.charge;
  const work = casesOf(session);
  if (work.length === 0 && (everywhere || areas.length + organisations.length > 0)) {
    let totals: Promise<Totals> | null = null;
    const asked = (): Promise<Totals> => (totals ??= read<Totals>("/v1/map/grids?progress=open"));
    work.push(
      { words: "work.overdue", to: "/map?progress=overdue", grave: true, count: async () => (await asked()).overdue },
      { words: "work.open", to: "/map", grave: false, count: async () => (await asked()).open },
    );
  }
  if (mayRule(session)) {
    work.push(
      { words: "work.disputes", to: "/review?list=disputes", grave: true, count: disputes },
      { words: "work.quarantine", to: "/review?list=quarantine", grave: true, count: quarantine },
      { words: "work.silent", to: "/support?list=workers", grave: false, count: silent },
    );
  }
  if (mayDraw(session)) work.push({ words: "work.drafts", to: "/grids", grave: false, count: drafts });
  return work;
}

/** The cases that wait for them: on duty, and at the desk of their body; by light, what presses most first. */
function casesOf(session: Session): Work[] {
  let asked: Promise<WaitingWork> | null = null;
  const waiting = async (of: keyof WaitingWork): Promise<Waiting> => {
    asked ??= read<WaitingWork>("/v1/work");
    return (await asked)[of] ?? { lights: {}, states: {}, asking: 0 };
  };
  const light = (of: keyof WaitingWork, name: string) => async (): Promise<number> => (await waiting(of)).lights[name] ?? 0;
  const states = (of: keyof WaitingWork, ...names: string[]) => async (): Promise<number> => {
    const told = (await waiting(of)).states;
    return sum(names.map((name) => told[name] ?? 0));
  };
  const work: Work[] = [];
  if (mayHandle(session)) {
    work.push(
      { words: "work.desk.red", to: "/desk?light=red", grave: true, count: light("desk", "red") },
      { words: "work.desk.yellow", to: "/desk?light=yellow", grave: false, count: light("desk", "yellow") },
      { words: "work.desk.sign", to: "/desk?state=dispatched&part=lead", grave: false, count: states("desk", "dispatched") },
      { words: "work.desk.open", to: "/desk", grave: false, count: async () => sum(Object.values((await waiting("desk")).lights)) },
    );
  }
  if (mayDispatch(session)) {
    work.push(
      { words: "work.duty.red", to: "/duty?light=red", grave: true, count: light("duty", "red") },
      { words: "work.duty.yellow", to: "/duty?light=yellow", grave: false, count: light("duty", "yellow") },
      { words: "work.duty.waiting", to: `/duty?state=${WAITING}`, grave: false, count: states("duty", ...WAITING.split(",")) },
      { words: "work.duty.asking", to: "/duty?asks=true", grave: false, count: async () => (await waiting("duty")).asking },
      { words: "work.duty.done", to: `/duty?state=${FINISHED}`, grave: false, count: states("duty", ...FINISHED.split(",")) },
    );
  }
  return work;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

async function disputes(): Promise<number> {
  return sum(Object.values((await read<{ counts: Record<string, number> }>("/v1/review/conflicts?limit=1")).counts));
}

async function quarantine(): Promise<number> {
  const { reasons } = await read<{ reasons: { number: number }[] }>("/v1/review/quarantine?limit=1");
  return sum(reasons.map(({ number }) => number));
}

/** Of workers who have a phone: one who has none cannot be heard of. */
async function silent(): Promise<number> {
  return (await read<{ counts: { enrolled: number } }>("/v1/support/silent-workers?limit=1&phone=enrolled")).counts.enrolled;
}

async function drafts(): Promise<number> {
  const all = await read<{ drafts: { published_edition: number | null }[] }>("/v1/drafts");
  return all.drafts.filter((draft) => draft.published_edition === null).length;
}
