/** Shapes of the API of cases: how one stands, what happened to it, what may be done now and by whom. Times are RFC 3339 strings. */
import type { Light, Named } from "./types";

/** A word of the server's, in both languages. */
export interface Worded {
  zh: string;
  en: string;
}

export interface Choice extends Worded {
  value: string | number;
}

/** What the caller may do now: the fields that it needs, those that it takes, and what can be chosen in them. */
export interface Possible extends Worded {
  step: string;
  needs: string[];
  may: string[];
  /** What one of its choices needs besides. */
  needs_when?: { field: string; values: (string | number)[]; needs: string[] }[];
  choices?: Record<string, Choice[]>;
  /** Whether it undoes what stands: the state that was seen must be sent with it. */
  seen?: boolean;
}

/** A body with its names. */
export interface BodyName extends Named {
  name_en: string;
}

export interface CaseEntry extends Worded {
  id?: string;
  step: string;
  state: string;
  at: string;
  taken_at: string;
  offline: boolean;
  by: { name: string | null; body: BodyName | null } | null;
  source: string;
  given: Record<string, unknown>;
}

export interface CaseClock extends Worded {
  stage: string;
  body: BodyName | string | null;
  since: string;
  due_at: string | null;
  ended_at: string | null;
  paused: unknown[];
  state: "running" | "paused" | "ended";
  light: Light;
  light_due_at: string | null;
  light_stage: string | null;
  in_time: boolean | null;
  offline: boolean;
  /** Years that are counted by a calendar not announced yet. */
  provisional: number[];
}

/** A case that may be of the same matter as another. */
export interface Likely {
  id: string;
  category_zh: string;
  category_en: string;
  state: string;
  description: string | null;
  address: string | null;
  captured_at: string;
  distance_m: number;
  likeness: number | null;
  reasons: (Worded & { code: string })[];
  photos: string[];
  dismissed: boolean;
}

/** A photo of a case that was handed in before, or elsewhere. */
export interface ReusedPhoto {
  photo: string;
  other: string | null;
  same_file: boolean;
  at: string;
  earlier: boolean;
  same_case: boolean;
  case: { id: string; category_zh: string; category_en: string; description: string | null } | null;
}

/** What speaks against a step, as the server tells it: by the type of the problem. */
export interface Instead {
  type: string;
  why?: string;
  state?: string;
  overtaken?: boolean;
  guard?: string | null;
  guard_words?: Worded | null;
  happened?: { step: string; state: string; at: string }[];
  possible?: { step: string; who: Worded[] }[];
  who?: Worded[];
  field?: string;
  reason?: string;
}

/** A step that a phone sent and that was not taken: kept, with why. */
export interface UntakenStep extends Worded {
  id: string;
  step: string;
  at: string;
  by: string | null;
  outcome: "overtaken" | "refused";
  instead: Instead;
  given: Record<string, unknown>;
}

/** How a case stands and what may be done; what it is about, `/v1/issues/{id}` tells. */
export interface CaseLife {
  id: string;
  number: string | null;
  state: string;
  light: Light;
  light_due_at: string | null;
  light_stage: string | null;
  due_at: string | null;
  masked: boolean;
  location: { lon: number; lat: number } | null;
  body: BodyName | null;
  assisting: BodyName[];
  timeline: CaseEntry[];
  /** How the case stands that this one was merged into, with its answer. */
  merged: { id: string; number?: string; state: string; public_answer?: string } | null;
  clocks: CaseClock[];
  untaken: UntakenStep[];
  possible: Possible[];
}

/** One row of the duty page or of a desk. */
export interface CaseRow {
  id: string;
  number: string | null;
  state: string;
  category: string;
  category_zh: string;
  category_en: string;
  description: string | null;
  address: string | null;
  grid: string | null;
  grid_name: string | null;
  light: Light;
  light_due_at: string | null;
  light_stage: string | null;
  due_at: string | null;
  body: string | null;
  body_en: string | null;
  /** A body asks for more time, and nobody has decided. */
  asks: boolean;
  severity: "low" | "normal" | "urgent";
  private: boolean;
  masked: boolean;
  reported_at: string;
  duplicates: number;
}
