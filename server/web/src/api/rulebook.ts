/** What the API says of the catalogue and of routing rules. */
export type Value = string | number | boolean | null;
export type Row = Record<string, Value>;

export interface FormChoice {
  value: Value;
  zh: string;
  en: string;
}

/** One field as it is asked for. */
export interface FormField {
  name: string;
  zh: string;
  en: string;
  kind: "text" | "number" | "choice";
  choices: FormChoice[];
}

export interface CategoryWhole {
  code: string;
  fields: Row;
  conditions: Row[];
  bans: Row[];
  planned_from: string | null;
}

export interface CatalogueWhole {
  edition: number;
  at: string;
  categories: CategoryWhole[];
  forms: { fields: FormField[]; conditions: FormField[]; bans: FormField[] };
}

export interface FieldChange {
  field: string;
  zh: string;
  en: string;
  before: unknown;
  after: unknown;
}

export interface CategoryChange {
  code: string;
  kind: string;
  fields: FieldChange[];
}

export interface CatalogueFault {
  part: string;
  sheet: string;
  row: number;
  field: string;
  column: string;
  zh: string;
  en: string;
  value: string | number | null;
}

export interface CatalogueReport {
  dry_run: boolean;
  from: string;
  rows: number;
  changes: CategoryChange[];
  faults: CatalogueFault[];
  retired: { open_cases: number; rules: string[] };
  made_public: { categories: string[]; cases: number };
}

export interface CategoryVersion {
  from: string | null;
  until: string | null;
  fields: Row;
  entered_at: string;
  entered_by: string | null;
}

export interface Limit {
  value: number;
  unit: string;
}

export interface RuleDraft {
  label: string;
  category: string | null;
  area: string | null;
  severity: string | null;
  hours: string;
  source: string | null;
  lead_body: string;
  assisting: string[];
  limit: Limit | null;
  tier: string | null;
}

export interface Rule extends RuleDraft {
  id: number;
  area_name: string | null;
  applies: boolean;
  area_standing: string | null;
  category_retired: boolean;
  bodies_missing: number;
  successors: { code: string; name: string }[];
}

export interface NamedBody {
  code: string;
  zh: string;
  en: string;
}

export interface RuleTrial {
  since: string;
  looked: number;
  cut_off: boolean;
  applies: number;
  elsewhere: number;
  other_limit: number;
  moves: { was: NamedBody; would_be: NamedBody; count: number }[];
  examples: { id: string; category: string; grid: string | null; received_at: string; was: NamedBody; would_be: NamedBody; description: string | null }[];
}
