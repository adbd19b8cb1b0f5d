/** Shapes of the API of accounts. Times are RFC 3339 strings. */

export const ROLES = [
  "grid_worker", "grid_head", "building_head", "unit_head", "supervisor", "dispatcher", "handler", "checker", "gis", "auditor", "admin",
] as const;
export type Role = (typeof ROLES)[number];

export interface HeldRole {
  role: Role;
  /** The code of an area; of a handler's, of the body. */
  area: string;
  name: string | null;
  since: string | null;
  until: string | null;
}

export interface Account {
  login: string;
  name: string;
  active: boolean;
  blocked_since: string | null;
  /** Whether it has a password. */
  signs_in: boolean;
  sessions: number;
  app_passwords: number;
  devices: number;
  last_seen_at: string | null;
  roles: HeldRole[];
}

export interface Accounts {
  people: Account[];
  after: string | null;
}

/** Told once, by whoever made it. */
export interface PasswordGiven {
  login: string;
  password: string;
}

export interface AccountEvent {
  id: number;
  what: string;
  at: string;
  /** Null for what was done on the command line. */
  by: string | null;
  source: string;
  detail: Record<string, unknown>;
}
