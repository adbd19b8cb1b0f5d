/**
 * What the server knows before a report is sent: open cases that may be the same, and whether it is reported there at all.
 *
 * Asked when there is a network, a moment after what it goes by has changed; without an answer the phone shows what it
 * holds itself. Nothing of it is kept.
 */
import { useEffect, useState } from "preact/hooks";
import { request } from "../../sync/transport";
import type { Phone } from "../phone";
import type { ReportDraft } from "./draft";
import type { Similar } from "./near";

const PAUSE_MS = 700;

export interface Candidate {
  readonly id: string;
  readonly state: string;
  readonly description: string | null;
  readonly address: string | null;
  readonly distance_m: number;
}

/** That a category is not reported in an area (everywhere: null), or at some hours, and what to do instead. */
export interface Ban {
  readonly area: string | null;
  readonly hours: string | null;
  readonly zh: string;
  readonly en: string;
}

export interface Likely {
  readonly candidates: readonly Candidate[];
  readonly not_reported: readonly Ban[];
}

/** What is shown of a case near by, whether the phone holds it or the server told of it. */
export interface Near {
  readonly id: string;
  readonly distance_m: number;
  readonly state: string;
  readonly words: string;
}

const NOTHING: Likely = { candidates: [], not_reported: [] };

/** Return what the server says of a draft as it stands; nothing until it answers. */
export function useLikely(phone: Phone, { category, place, description }: Pick<ReportDraft, "category" | "place" | "description">): Likely {
  const [told, setTold] = useState<{ readonly of: string; readonly likely: Likely } | null>(null);
  const where = place === null || category === null ? "" : JSON.stringify({ category, location: { lon: place.lon, lat: place.lat, datum: "wgs84" } });
  useEffect(() => {
    if (where === "") return undefined;
    const leaving = new AbortController();
    const timer = setTimeout(() => {
      void ask(phone, where, description, leaving.signal).then((likely) => {
        if (likely !== null && !leaving.signal.aborted) setTold({ of: where, likely });
      });
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [phone, where, description]);
  return told?.of === where ? told.likely : NOTHING;
}

async function ask(phone: Phone, where: string, description: string, signal: AbortSignal): Promise<Likely | null> {
  try {
    const body = JSON.stringify({ ...(JSON.parse(where) as object), description });
    const answer = await request(await phone.client.line(), "/v1/cases/duplicates", { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
    return (await answer.json()) as Likely;
  } catch {
    return null; // no network, or a device that is not answered: the phone's own list holds
  }
}

/** Lay what the server told beside what the phone holds, the nearest first; what both know is shown once, and not the report itself. */
export function nearBy(held: readonly Similar[], told: readonly Candidate[], itself: string): Near[] {
  const own: Near[] = held.map(({ issue: { id, state, masked, description, address }, distance_m }) => ({ id, distance_m, state, words: masked ? "" : description || address }));
  const shown = new Set([itself, ...own.map(({ id }) => id)]);
  const others = told
    .filter(({ id }) => !shown.has(id))
    .map(({ id, distance_m, state, description, address }) => ({ id, distance_m, state, words: description || address || "" }));
  return [...own, ...others].sort((one, other) => one.distance_m - other.distance_m);
}
