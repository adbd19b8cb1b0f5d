/** Shapes of the API of editions and drafts, as the page of the ground reads them. */
import type { Named, Problem } from "./types";

export interface Edition {
  number: number;
  name: string;
  note: string;
  by: string;
  by_name?: string;
  published_at: string;
  begins: string | null;
  ends: string | null;
}

export interface Move {
  edition: number;
  stage: string;
  grids: number;
  looked_at: number;
  moved: number;
  reassigned: number;
}

export interface Plan {
  id: number;
  name: string;
  at: string;
  by: string;
  by_name?: string;
  state: string;
}

/** The set time of a draft: it waits, or was refused or withdrawn. */
export interface Planned {
  plan: number;
  at: string;
  state: string;
}

export interface Draft {
  id: number;
  name: string;
  base_edition: number;
  superseded: boolean;
  author: string;
  author_name?: string;
  created_at: string;
  version: number;
  published_edition: number | null;
  planned: Planned | null;
  operations: number;
  done?: Done[];
}

export interface Done {
  position: number;
  kind: string;
  parameters: Record<string, unknown>;
  undone: boolean;
  author: string;
  made_at: string;
}

export interface DraftArea {
  code: string;
  name: string;
  parent: string | null;
  changed: boolean;
}

export type Areas = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, DraftArea>;

export interface Changes {
  kind: string;
  before: string[];
  after: string[];
  gone: string[];
  moved: GeoJSON.FeatureCollection;
  lineage: { source: string; target: string; how: string }[];
}

export interface FindingFacts {
  code: string;
  severity: "error" | "warning" | "note";
  areas: string[];
  text: Record<"zh" | "en", string> | string;
}

export type Findings = GeoJSON.FeatureCollection<GeoJSON.Geometry, FindingFacts> & { open: boolean };

/** What a GIS program signs in with; `secret` is told when it is made, and never again. */
export interface AppPassword {
  id: number;
  name: string;
  created_at: string;
  last_used_at: string | null;
  secret?: string;
}

/** A boundary file on its way in. */
export interface BoundaryImport {
  id: string;
  file: string;
  dry_run: boolean;
  state: "receiving" | "waiting" | "working" | "done" | "refused";
  counts: { read?: number; mended?: number; checked?: number; stored?: number };
  outcome: ImportOutcome | null;
  problem: (Partial<Problem> & { area?: string; lon?: number; lat?: number }) | null;
  report?: (GeoJSON.FeatureCollection<GeoJSON.Geometry | null, ImportFault> & { total: number }) | null;
}

export interface ImportOutcome {
  areas: number;
  crs: string;
  added: number;
  changed: number;
  unchanged: number;
  retired: number;
  draft?: number | null;
}

export interface ImportFault {
  severity: "error" | "warning" | "note";
  /** How bad it is for the file; what the gate finds beside it has none. */
  level?: "refused" | "warning" | "mended" | "note";
  refused?: boolean;
  areas: string[];
  text: Record<"zh" | "en", string>;
}

export interface Load {
  households: number;
  open_issues: number;
  due_visits: number;
}

/** What moves from one grid to another; null: to or from no grid. */
export interface Pair extends Load {
  from: Named | null;
  to: Named | null;
  area_m2: number;
  workers: number;
  devices: number;
}

/** Whom and what a redraw concerns beside records. */
export interface Concerned {
  /** `ends`: its area is no more, so that it decides nothing then. */
  rules: { id: number; label: string; area: string; body: string; ends: boolean }[];
  /** People whose charge ends with an area; `left_with_none`: they hold nothing else. */
  assignments: { login: string; name: string; role: string; area: string; left_with_none: boolean }[];
  /** Editions that wait, and will be refused: they were drawn over the one in force. */
  plans: { id: number; name: string; at: string; by: string }[];
  bodies: { code: string; name: string; has_endpoint: boolean }[];
}

export interface Impact {
  concerned: Concerned;
  pairs: Pair[];
  /** How many pairs there are besides, of too little ground to be told and without any record. */
  slivers: number;
  workers: { login: string; name: string; before: Load; after: Load }[];
}
