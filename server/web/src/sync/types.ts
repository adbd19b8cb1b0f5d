/** What devices and server say to each other: the shapes of the device protocol, version 1. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Fields = { readonly [name: string]: Json };

export type Action = "put" | "patch" | "delete";

/** What the author of an operation had seen: a revision, an own operation that is not settled yet, or nothing. */
export type Base = { readonly rev: number } | { readonly op_id: string } | null;

/** One operation, as it is sent: the same each time. `seq` counts 1, 2, 3 ... on each device. */
export interface Operation {
  readonly op_id: string;
  readonly seq: number;
  readonly collection: string;
  readonly id: string;
  readonly action: Action;
  readonly base: Base;
  readonly captured_at: string;
  readonly data: Fields;
}

/** An `application/problem+json` document; `type` is stable, `title` and `detail` are for people. */
export interface Problem {
  readonly type: string;
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
  readonly wipe?: boolean;
  readonly errors?: Json;
}

/** Where the server found a record to lie. */
export interface Grid {
  readonly code: string | null;
  readonly name?: string;
  readonly how?: "inside" | "near" | "outside";
  readonly [more: string]: Json | undefined;
}

/** The answer to one operation of a push. */
export interface Result {
  readonly op_id: string;
  readonly status: "applied" | "pending" | "held" | "quarantined";
  readonly rev?: number | null;
  readonly grid?: Grid | null;
  readonly error?: Problem | null;
  readonly replayed?: boolean;
}

export interface PushAnswer {
  readonly server_time: string;
  readonly results: readonly Result[];
}

/**
 * The `data` of an issue that is private and neither the worker's own nor their task: that there is one in this grid,
 * and nothing of who, what or where. It comes whole when the worker gets a task on it, and masked again when that ends.
 */
export interface MaskedIssue {
  readonly masked: true;
  readonly category?: string;
  readonly severity?: string;
  readonly private?: boolean;
  readonly state?: string;
  readonly deadline?: string;
  readonly closed_at?: string;
}

/** `leave`: the record went out of this device's scope; it was not deleted. `mine`: the device's person wrote it. */
export interface Change {
  readonly collection: string;
  readonly id: string;
  readonly rev: number;
  readonly action: "put" | "delete" | "leave";
  readonly mine?: boolean;
  readonly data?: Fields | (Fields & MaskedIssue);
  readonly grid?: Grid | null;
}

/** What became of an operation after its first answer; `note` is what a person said of it, `error` why it is refused. */
export interface Outcome {
  readonly op_id: string;
  readonly status: "applied" | "merged" | "review" | "quarantined" | "released" | "dismissed";
  readonly rev: number | null;
  readonly fields: Fields;
  readonly note?: string;
  readonly error?: Problem;
}

export interface Scope {
  readonly version: number;
  readonly grids: readonly string[];
  /** Areas below these grids that the worker holds: of such a grid only what lies in them is sent. */
  readonly zones?: readonly string[];
}

/** What a page of a pull says beside its changes; in a stream, the line after every thousand changes. */
export interface PageEnd {
  readonly server_time: string;
  readonly outcomes: readonly Outcome[];
  readonly scope: Scope;
  readonly cursor: string;
  readonly has_more: boolean;
}

export interface Page extends PageEnd {
  readonly changes: readonly Change[];
}

/** Count and MD5 over the lines `id:rev` in ascending id; `grid` is null for a person's own records elsewhere. */
export interface Digest {
  readonly grid: string | null;
  readonly collection: string;
  readonly count: number;
  readonly checksum: string;
}

/** What of this device the server has received, as far as the client needs it. */
export interface DeviceStatus {
  readonly gaps: readonly (readonly [number, number])[];
  readonly highest_seq: number;
  readonly skew_ms: number | null;
}

/** What an app says of its device when it is enrolled. */
export interface Described {
  readonly name: string;
  readonly platform: string;
  readonly app_version: string;
  readonly public_info?: Fields;
}

export interface Enrolled {
  readonly device_id: string;
  readonly token: string;
  readonly worker: { readonly login: string; readonly name: string };
  readonly scope: Scope;
  readonly protocol: { readonly min: number; readonly current: number };
  /** For what is carried to the server as a file; absent from servers that do not take such files. */
  readonly outbox_key?: { readonly id: string; readonly public: string };
  readonly server_time: string;
}
