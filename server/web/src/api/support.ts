/** Shapes of the APIs of support and review. Times are RFC 3339 strings; values of fields are as the phone sent them. */
import type { Named } from "./types";

export type Value = unknown;
export type Doc = Record<string, Value>;

export interface Fault {
  field: string;
  message: string;
}

export interface Told {
  type: string;
  title: string;
  errors?: Fault[];
}

export interface Page {
  after: number;
  has_more: boolean;
}

export const CONCERNS = ["silent", "gaps", "skewed", "old_app", "quarantined", "waiting", "revoked", "left"] as const;
export type Concern = (typeof CONCERNS)[number];

export interface Device {
  device_id: string;
  login: string;
  worker: string;
  name: string;
  platform: string;
  app_version: string;
  enrolled_at: string;
  /** Who made its code, and with what: on the staff pages or the command line; unknown of older devices. */
  enrolled_with: "staff" | "command" | "unknown" | null;
  enrolled_by: string | null;
  enrolled_by_name: string | null;
  last_exchange_at: string | null;
  pulled_at: string | null;
  skew_ms: number | null;
  revoked_at: string | null;
  /** Since when its worker is no longer active; the device counts as revoked from then on. */
  left_at: string | null;
  wipe_ordered_at: string | null;
  wiped_at: string | null;
  highest_seq: number | null;
  gaps: [from: number, to: number][];
  reused_seqs: number;
  pending: number;
  held: number;
  quarantined: number;
  review: number;
  silent: boolean;
  skewed: boolean;
  old_app: boolean;
  behind: number | null;
  areas: Named[];
}

export interface Devices {
  devices: Device[];
  counts: Record<Concern | "all", number>;
}

export interface Waiting {
  id: number;
  op_id: string;
  seq: number | null;
  collection: string;
  record_id: string | null;
  action: string;
  status: string;
  problem: Told | null;
  captured_at: string | null;
  corrected_at: string | null;
  received_at: string;
}

export interface DeviceInFull extends Page {
  device: Device;
  operations: Waiting[];
}

/** What a job failed on; `item` is in words of its queue. */
export interface SetAsideItem {
  queue: string;
  item: string;
  since: string;
  last_at: string;
  attempts: number;
  next_attempt_at: string;
  reason: string;
}

export interface SilentWorker {
  login: string;
  name: string;
  last_exchange_at: string | null;
  devices: number;
  phone: "enrolled" | "stopped" | "never";
  areas: Named[];
}

export interface SilentWorkers {
  workers: SilentWorker[];
  counts: Record<"all" | SilentWorker["phone"], number>;
  after: string | null;
}

/** A visit in no grid: it names an address and no place, or a place outside all grids. */
export interface Adrift {
  id: string;
  rev: number;
  captured_at: string | null;
  received_at: string;
  data: Doc;
  author: string | null;
  author_name: string | null;
}

export interface VisitsAdrift {
  visits: Adrift[];
  count: number;
}

/** Who made an enrolment code for whom; `areas` are those over which its maker might. */
export interface Enrolment {
  id: number;
  login: string;
  worker: string;
  made_with: string;
  made_by: string | null;
  made_by_name: string | null;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  device_id: string | null;
  areas: Named[];
}

export interface Enrolments {
  enrolments: Enrolment[];
  before: number | null;
}

export interface Past extends Waiting {
  base_rev: number | null;
  base_op: string | null;
  rev: number | null;
  first_status: string | null;
  settled_at: string | null;
  data: Doc | null;
  changes: Doc | null;
  provenance: Record<string, string> | null;
  ruling: string | null;
  ruling_note: string | null;
  ruled_at: string | null;
  ruled_by: string | null;
  device_id: string | null;
  device: string | null;
  author: string | null;
  author_name: string | null;
}

export interface Side {
  value: Value;
  deletes?: boolean;
  author: string | null;
  captured_at: string | null;
}

export interface Dispute {
  id: number;
  collection: string;
  record_id: string;
  kind: "field" | "delete";
  field: string;
  standing: Side;
  offered: Side;
  base: { value: Value } | null;
  created_at: string;
  offered_at: string;
  base_rev: number | null;
  standing_name: string | null;
  offered_name: string | null;
  grid: Named | null;
  doc: Doc | null;
}

export interface Disputes extends Page {
  conflicts: Dispute[];
  counts: Record<string, number>;
}

export interface Kept {
  id: number;
  op_id: string;
  seq: number | null;
  collection: string;
  record_id: string | null;
  action: string;
  data: Doc | null;
  raw: string | null;
  captured_at: string | null;
  corrected_at: string | null;
  received_at: string;
  problem: Told;
  login: string;
  name: string;
  device_id: string | null;
  /** Where its author worked when it was captured. */
  areas: Named[];
}

export interface Quarantine extends Page {
  operations: Kept[];
  reasons: { code: string; title: string; number: number }[];
}

export interface Field {
  name: string;
  kind: "text" | "number" | "flag" | "id" | "time" | "place" | "list" | "object";
  choices: string[] | null;
  required: boolean;
}

export type Fields = Record<string, Field[]>;

/** What became of the file of a phone; `taken`, `waiting` and `quarantined`: of its operations. */
export interface HandedIn {
  device_id: string;
  login: string;
  worker: string;
  app_version: string;
  exported_at: string;
  taken: number;
  waiting: number;
  quarantined: number;
  operations: { repeated: number };
  photos: { taken: number; refused: { id: string; title: string }[] };
}
