/** Shapes of the staff API, as the pages read them. Times are RFC 3339 strings, coordinates lon-lat in EPSG:4326. */

export type Light = "green" | "yellow" | "red" | "none";

export interface Named {
  code: string;
  name: string;
}

export interface Session {
  person: { login: string; name: string };
  roles: string[];
  charge: { everywhere: boolean; areas: Named[]; organisations: Named[] };
  csrf: string;
  expires_at: string;
}

export interface AreaKind {
  code: string;
  name_zh: string;
  name_en: string;
  rank: number;
  is_locating: boolean;
  /** How wide its areas are, as if they were squares: the quarter-smallest, and the middle one. */
  width_deg?: { small: number; middle: number } | null;
}

export type Bounds = [west: number, south: number, east: number, north: number];

export interface Area {
  id: number;
  code: string;
  name: string;
  kind: string;
  parent: string | null;
  bounds: Bounds;
  in_charge: boolean;
  /** The names of what it lies in, from the whole city down; of areas that were asked for. */
  path?: string[];
}

export interface Ground {
  edition: { number: number; name: string } | null;
  tiles: string | null;
  kinds: AreaKind[];
  areas: Area[];
  /** How many there are, where not all are told. */
  total?: number;
}

export interface Category {
  code: string;
  parent: string | null;
  name_zh: string;
  name_en: string;
}

export type How = "inside" | "near" | "outside";

export interface IssueBrief {
  id: string;
  category: string;
  state: string;
  severity: "low" | "normal" | "urgent";
  light: Light;
  light_due_at: string | null;
  light_stage: string | null;
  summary: string | null;
  address: string | null;
  grid: string | null;
  body: string | null;
  how: How | null;
  ambiguous: boolean;
  private: boolean;
  masked: boolean;
  approximate: boolean;
  captured_at: string;
  due_at: string | null;
  closed_at: string | null;
}

export interface IssuePoint {
  type: "Feature";
  id: string;
  geometry: { type: "Point"; coordinates: [number, number] } | null;
  properties: IssueBrief;
}

export interface IssuePoints {
  type: "FeatureCollection";
  features: IssuePoint[];
  total: number;
  truncated: boolean;
  /** By code, of the grids that the issues told lie in. */
  grid_names: Record<string, string>;
}

export interface Worker {
  login: string;
  name: string;
}

export interface Enrolment {
  code: string;
  url: string;
  expires_at: string;
  qr_svg: string;
}

export interface GridCount {
  id: number;
  code: string;
  name: string;
  open: number;
  overdue: number;
  green: number;
  yellow: number;
  waiting: number;
}

/** One grid, as its panel shows it. */
export interface GridInFull extends GridCount {
  workers: Worker[];
}

export interface GridCounts {
  /** Those that hold open issues. */
  grids: GridCount[];
  /** The ids of those in charge that hold none. */
  quiet: number[];
  outside: { open: number; overdue: number } | null;
  open: number;
  overdue: number;
}

export interface Reason {
  code: string;
  zh: string;
  en: string;
}

export interface Routing {
  body: { id: number; code: string; name: string } | null;
  assisting?: { id: number; code: string; name: string }[];
  rule?: { id: number; label: string } | null;
  deadline?: string | null;
  limit?: { value: number; unit: string } | null;
  decided_at?: string | null;
  reasons?: Reason[];
  edition?: number | null;
  margin_m?: number | null;
  neighbour?: Named | null;
}

export interface HistoryEntry {
  at: string;
  received_at: string;
  by: string | null;
  from: "device" | "server";
  action: string;
  status: string;
  rev: number | null;
  fields: string[];
  state: string | null;
  body: string | null;
  problem: { zh: string; en: string } | null;
  moved: { from: string; to: string; calendar_edition: number; why: string } | null;
}

/** `preview` says whether a small picture of it can be had; absent while the photo itself is awaited. */
export interface Photo {
  id: string;
  awaited: boolean;
  preview?: "awaited" | "ready" | "none";
  refused?: string;
}

export interface IssueInFull extends Omit<IssueBrief, "grid" | "body" | "summary" | "category"> {
  rev: number;
  category: { code: string; name_zh: string; name_en: string; parent_zh: string | null; parent_en: string | null };
  description: string | null;
  location: { lon: number; lat: number; accuracy_m: number | null; datum: string | null } | null;
  distance_m: number | null;
  path: { code: string; name: string; kind: string }[];
  grid: Named | null;
  grid_at_capture: (Named & { edition: number | null }) | null;
  candidates: Named[];
  workers: string[];
  photos: Photo[];
  /** Voice memos, told as photos are. */
  memos: Photo[];
  tags: string[];
  reporter: string | null;
  received_at: string;
  changed_at: string;
  awaiting_routing: boolean;
  /** Why it could not be routed yet (null where it is masked), and when that is tried again. */
  routing_failure: { reason: string | null; since: string; attempts: number; next_attempt_at: string } | null;
  body: Named | null;
  assisting: Named[];
  routing: Routing | null;
  public_answer: string | null;
  closing_reason: string | null;
  history: HistoryEntry[];
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  zh?: string;
  en?: string;
}
