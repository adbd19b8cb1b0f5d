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

export interface SilentWorker {
  login: string;
  name: string;
  last_exchange_at: string | null;
  devices: number;
  areas: Named[];
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
