/** What the phone holds, in the shapes that the screens go by. Owns reading; a record that lacks something is read without it. */
import type { Fields, Grid, Json, Seen } from "../sync/index";

export type Tier = "general" | "key" | "high";
export type Outcome = "met" | "no_answer" | "refused" | "moved" | "vacant" | "appointment";

export interface Spot {
  readonly lon: number;
  readonly lat: number;
  readonly accuracy_m?: number;
}

export interface Household {
  readonly id: string;
  readonly building: string;
  readonly unit: string;
  readonly room: string;
  readonly location: Spot | null;
  readonly tier: Tier;
  readonly suggestion: Tier | null;
  readonly contact: string | null;
  readonly needs: readonly string[];
  readonly residents: number | null;
  readonly why: string | null;
  readonly claim: Claim | null;
}

/** Who goes to a door until when (ms), so that nobody else knocks. */
export interface Claim {
  readonly by: string;
  readonly until: number;
  readonly mine: boolean;
}

/** `at`: when it was, in ms; null where nobody knows. */
export interface Visit {
  readonly id: string;
  readonly household: string | null;
  readonly address: string | null;
  readonly outcome: Outcome;
  readonly at: number | null;
  readonly note: string | null;
  readonly needs: readonly string[];
  readonly photos: readonly string[];
  readonly memos: readonly string[];
  readonly appointment: string | null;
  readonly mine: boolean;
  readonly unsettled: number;
}

export interface CaseOfTask {
  readonly number?: string;
  readonly category?: string;
  readonly state?: string;
  readonly description?: string;
  readonly address_text?: string;
  readonly location?: Spot;
}

export interface Task {
  readonly id: string;
  readonly kind: "visit" | "check" | "verify" | "order";
  readonly title: string;
  readonly state: "open" | "started" | "done" | "declined";
  readonly due: number | null;
  readonly household: string | null;
  readonly issue: string | null;
  readonly case: CaseOfTask | null;
  readonly note: string | null;
}

export interface Issue {
  readonly id: string;
  readonly category: string;
  readonly description: string;
  readonly address: string;
  readonly location: Spot | null;
  readonly severity: string;
  readonly photos: readonly string[];
  readonly state: string;
  readonly number: string | null;
  readonly body: string | null;
  readonly deadline: string | null;
  readonly answer: string | null;
  readonly closed: string | null;
  readonly merged: Fields | null;
  readonly mine: boolean;
  readonly masked: boolean;
  readonly grid: Grid | null;
  readonly unsettled: number;
}

export interface GridArea {
  readonly code: string;
  readonly name: string;
  readonly geometry: GeoJSON.Polygon | GeoJSON.MultiPolygon;
}

export function householdOf({ id, data }: Seen): Household {
  const extra = fields(data.extra);
  return {
    id,
    building: text(data.building) ?? "",
    unit: text(data.unit) ?? "",
    room: text(data.room) ?? "",
    location: spot(data.location),
    tier: oneOf(data.risk_tier, ["general", "key", "high"]) ?? "general",
    suggestion: oneOf(data.risk_tier_suggestion, ["general", "key", "high"]),
    contact: text(data.contact_preference),
    needs: texts(data.needs),
    residents: typeof extra.residents === "number" ? extra.residents : null,
    why: text(extra.risk_reason),
    claim: claimOf(data.claimed),
  };
}

function claimOf(value: Json | undefined): Claim | null {
  const { by, until, mine } = fields(value);
  const ends = Date.parse(text(until) ?? "");
  return Number.isNaN(ends) ? null : { by: text(by) ?? "", until: ends, mine: mine === true };
}

export function visitOf({ id, data, unsettled, mine }: Seen): Visit {
  const began = text(data.started_at);
  return {
    id,
    household: text(data.household_id),
    address: text(data.address_text),
    outcome: oneOf(data.outcome, ["met", "no_answer", "refused", "moved", "vacant", "appointment"]) ?? "no_answer",
    at: began === null ? madeAt(id) : Date.parse(began),
    note: text(data.note),
    needs: texts(data.needs),
    photos: texts(data.photos),
    memos: texts(data.memos),
    appointment: text(fields(data.extra).appointment_at),
    mine,
    unsettled,
  };
}

export function taskOf({ id, data }: Seen): Task {
  const due = text(data.due_at);
  return {
    id,
    kind: oneOf(data.kind, ["visit", "check", "verify", "order"]) ?? "order",
    title: text(data.title) ?? "",
    state: oneOf(data.state, ["open", "started", "done", "declined"]) ?? "open",
    due: due === null ? null : Date.parse(due),
    household: text(data.household_id),
    issue: text(data.issue_id),
    case: data.case === undefined || data.case === null ? null : (data.case as unknown as CaseOfTask),
    note: text(data.note),
  };
}

/** `mine` is what the server says: of what it sent before it said so, the phone's own list says more. */
export function issueOf({ id, data, grid, unsettled, masked, mine }: Seen): Issue {
  return {
    id,
    category: text(data.category) ?? "",
    description: text(data.description) ?? "",
    address: text(data.address_text) ?? "",
    location: spot(data.location),
    severity: text(data.severity) ?? "normal",
    photos: texts(data.photos),
    state: text(data.state) ?? "reported",
    number: text(data.number),
    body: text(data.body),
    deadline: text(data.deadline),
    answer: text(data.public_answer),
    closed: text(data.closed_at),
    merged: data.merged === undefined || data.merged === null ? null : fields(data.merged),
    mine,
    masked,
    grid,
    unsettled,
  };
}

export function gridOf({ data }: Seen): GridArea {
  return { code: text(data.code) ?? "", name: text(data.name) ?? "", geometry: data.geometry as unknown as GridArea["geometry"] };
}

/** Return when a UUID of version 7 was made, in ms; null for other versions. */
export function madeAt(id: string): number | null {
  return id[14] === "7" ? parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

function fields(value: Json | undefined): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function spot(value: Json | undefined): Spot | null {
  const { lon, lat, accuracy_m } = fields(value);
  if (typeof lon !== "number" || typeof lat !== "number") return null;
  return { lon, lat, ...(typeof accuracy_m === "number" && { accuracy_m }) };
}

function oneOf<T extends string>(value: Json | undefined, known: readonly T[]): T | null {
  return known.find((each) => each === value) ?? null;
}
