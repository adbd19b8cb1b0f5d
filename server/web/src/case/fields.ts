/** What a step asks for, from what the server says of it: which controls, what is missing, what is sent. Pure. */
import type { CaseLife, Choice, Possible } from "../api/cases";

/** What was filled in so far, by field: texts as typed, otherwise as it is sent. */
export type Draft = Readonly<Record<string, unknown>>;

export interface Asked {
  name: string;
  /** What its words are found by: the same field may mean another thing in another step. */
  called: string;
  kind: Kind;
  required: boolean;
  choices: readonly Choice[];
  /** Bodies: whether at least one must assist. */
  assisted: boolean;
}

export type Kind = "words" | "choice" | "answers" | "score" | "photos" | "time" | "date" | "limit" | "bodies" | "case" | "body" | "place";

const KINDS: Readonly<Record<string, Kind>> = {
  note: "words", answer: "words", photos: "photos", until: "time", at: "time", review_on: "date", limit: "limit", bodies: "bodies",
  body: "body", of: "case", result: "answers", score: "score", location: "place",
};
/** At most so many answers are shown beside one another; of more, one is picked from a list. */
const FEW = 4;
/** In the order in which a person thinks: what, why, in which words, until when, with which photos. */
const ORDER = ["result", "of", "bodies", "body", "score", "reason", "answer", "limit", "until", "review_on", "photos", "location", "note"];
/** Known to the page, or of phones alone. */
const NOT_ASKED = new Set(["at", "state", "id", "step", "location"]);

/** Steps whose limit is time added to what there is. */
const EXTENDING = new Set(["ask_extension", "grant_extension"]);

export function calledIn(step: string, name: string): string {
  return name === "limit" && EXTENDING.has(step) ? "extension" : name;
}

/** What a form begins with: the body that leads calls others to its side. */
export function begun({ step }: Possible, { body }: Pick<CaseLife, "body">): Draft {
  return step === "whistle" && body ? { bodies: { lead: body.code, assisting: [] } } : {};
}

/** The controls of a step, in the order in which they are asked; some choices need more. */
export function asked({ step, needs: always, may, choices, needs_when }: Possible, draft: Draft): Asked[] {
  const chosen = (needs_when ?? []).filter(({ field, values }) => values.includes(draft[field] as string));
  const needs = [...new Set([...always, ...chosen.flatMap((each) => each.needs)])];
  const names = [...needs, ...may.filter((name) => !needs.includes(name))].filter((name) => !NOT_ASKED.has(name) || needs.includes(name));
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return names.sort((a, b) => place(a) - place(b)).map((name) => ({
    name, called: calledIn(step, name), kind: kindOf(name, choices?.[name] ?? []), required: needs.includes(name), choices: choices?.[name] ?? [],
    assisted: step === "whistle",
  }));
}

function kindOf(name: string, choices: readonly Choice[]): Kind {
  const known = KINDS[name];
  if (known && known !== "words") return known;
  if (known === "words" || choices.length === 0) return "words";
  return choices.length <= FEW ? "answers" : "choice";
}

/** The fields that must be filled in and are not. */
export function missing(fields: readonly Asked[], draft: Draft): string[] {
  return fields.filter((field) => field.required && !filled(field, draft[field.name])).map(({ name }) => name);
}

export function filled({ kind, assisted }: Pick<Asked, "kind" | "assisted">, value: unknown): boolean {
  if (kind === "photos") return Array.isArray(value) && value.length > 0;
  if (kind === "bodies") {
    const { lead, assisting } = (value ?? {}) as { lead?: string | null; assisting?: readonly string[] };
    return Boolean(lead) && (!assisted || Boolean(assisting?.length));
  }
  if (kind === "limit") return typeof value === "object" && value !== null && Number((value as { value?: unknown }).value) > 0;
  return typeof value === "string" ? value.trim() !== "" : value !== undefined && value !== null;
}

/** What is sent of it: nothing of what was left empty. */
export function sent(fields: readonly Asked[], draft: Draft): Record<string, unknown> {
  const told: Record<string, unknown> = {};
  for (const field of fields) {
    const value = draft[field.name];
    if (!filled(field, value)) continue;
    told[field.name] = typeof value === "string" ? value.trim() : value;
  }
  return told;
}

/** Keys of steps at the duty page. What a letter stands for is told beside its button. */
export const STEP_KEYS: Readonly<Record<string, string>> = {
  accept: "a", verify: "v", file: "f", dispatch: "d", refuse: "r", merge: "m", unmerge: "n", settle: "t", whistle: "w", suspend: "s",
  resume: "u", grant_extension: "g", refuse_extension: "b", check: "c", rework: "k", close: "e", escalate: "p", void: "x", reopen: "o", score: "q", receive: "y", return: "l",
};

export function stepOfKey(key: string, possible: readonly Possible[]): Possible | null {
  return possible.find(({ step }) => STEP_KEYS[step] === key.toLowerCase()) ?? null;
}
