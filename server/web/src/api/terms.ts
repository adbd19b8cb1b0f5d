/** Shapes of the API of limits of stages. Times are RFC 3339 strings. */
import type { Worded } from "./cases";

export interface StageLimit {
  value: number;
  unit: string;
}

export interface Term extends Worded {
  stage: string;
  /** Null: the stage has no limit. */
  limit: StageLimit | null;
  /** Whether the city has set it; otherwise it is the default. */
  is_own: boolean;
  /** Whether it says until when something may be done; nobody is late who does not. */
  window: boolean;
}

export interface Terms {
  edition: number;
  terms: Term[];
}

export interface TermsMove {
  issue_id: string;
  stage: string;
  was_due_at: string | null;
  due_at: string | null;
}

export interface TermsEntered {
  /** Null where it was a look. */
  edition: number | null;
  moved: number;
  moves: TermsMove[];
}

export interface TermsEdition {
  number: number;
  stage: string;
  limit: StageLimit | null;
  entered_at: string;
  entered_by: string | null;
  source: string;
  moved: number;
}
