/** What the calendar's part of the API says. */
export type DayKind = "holiday" | "workday";
export type Status = "announced" | "provisional";

export interface Day {
  date: string;
  kind: DayKind;
  name: string;
}

export interface YearInShort {
  year: number;
  status: Status;
  free: number;
  worked: number;
}

export interface Years {
  area: string | null;
  years: YearInShort[];
}

/** The hours of a week from a day on; by weekday, "1" Monday to "7" Sunday. */
export interface Hours {
  from: string;
  week: Record<string, string[]>;
}

export interface Year {
  year: number;
  area: string | null;
  edition: number;
  own_edition: number;
  status: Status;
  days: Day[];
  hours: Hours[];
  note_zh: string | null;
  note_en: string | null;
}

export interface Move {
  issue_id: string;
  was_due_at: string;
  due_at: string;
}

export interface Entered {
  edition: number | null;
  dry_run: boolean;
  moved: number;
  moves: Move[];
}

export interface Edition {
  number: number;
  area: string | null;
  year: number | null;
  valid_from: string | null;
  status: Status | null;
  withdrawn: boolean;
  source: string;
  entered_at: string;
  entered_by: string | null;
  entered_by_way: string;
}

/** One line at fault of a file of days. */
export interface LineFault {
  line: number;
  value: string;
  zh: string;
  en: string;
}
