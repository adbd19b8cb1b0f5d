/** How values of the protocol's fields are shown to people: codes with their names, places as numbers, the rest as it is. */
import type { ComponentChildren } from "preact";
import type { Doc, Value } from "../api/support";
import type { Category } from "../api/types";
import { listed, pick, t, tData } from "../i18n";
import { moment } from "../time";

type Categories = ReadonlyMap<string, Category>;

/** Of what kind of record a value is, and how bodies are called, where that is known. */
export interface Told {
  collection?: string;
  body?: (code: string) => string;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;
/** Values of cases and of the steps that are taken with them, by the texts that name them elsewhere. */
const OF_A_CASE: Partial<Record<string, string>> = { state: "state", step: "step", result: "step.result", reason: "step.reason" };
/** Of no use to anybody who reads. */
const UNTOLD = new Set(["step_id"]);

export function shown(field: string, value: Value, categories: Categories, { collection = "", body }: Told = {}): string {
  if (value === null || value === undefined || value === "") return t("staff.empty");
  if (field === "category" && typeof value === "string") {
    const category = categories.get(value);
    return category ? `${value} ${pick(category)}` : value;
  }
  if (typeof value === "string" && field === "body" && body) return body(value);
  if (typeof value === "string" && INSTANT.test(value)) return moment(value, new Date());
  if (typeof value === "string") return tData(((collection === "cases" || collection === "steps") && OF_A_CASE[field]) || `choice.${field}`, value);
  if (typeof value === "boolean") return t(value ? "staff.yes" : "staff.no");
  if (field === "location") return place(value as Doc);
  if (Array.isArray(value)) return value.every((each) => typeof each === "string") ? listed(value) || t("staff.empty") : JSON.stringify(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function place(at: Doc): string {
  if (typeof at.lon !== "number" || typeof at.lat !== "number") return JSON.stringify(at);
  const accuracy = typeof at.accuracy_m === "number" ? ` ±${Math.round(at.accuracy_m)} m` : "";
  return `${at.lon.toFixed(6)}, ${at.lat.toFixed(6)}${accuracy}${typeof at.datum === "string" ? ` ${at.datum}` : ""}`;
}

export function fieldName(name: string): string {
  return tData("field", name);
}

/** What an operation does to what; one that could not be decoded says neither. */
export function deed(operation: { collection: string; action: string }): string {
  const { collection, action } = operation;
  const done = collection === "cases" ? tData("step", action) : tData("action", action);
  const told = [collection && tData("collection", collection), action && (done === action ? tData("history", action) : done)];
  return told.filter(Boolean).join(" · ") || t("action.unknown");
}

/** The fields of a document with their values, one a line. */
export function Values({ doc, categories, note, ...told }: Told & { doc: Doc; categories: Categories; note?: (field: string) => ComponentChildren }) {
  const names = Object.keys(doc).filter((name) => !UNTOLD.has(name));
  if (names.length === 0) return null;
  return (
    <dl class="values">
      {names.map((name) => (
        <div key={name}>
          <dt>{fieldName(name)}</dt>
          <dd>
            {shown(name, doc[name], categories, told)} {note?.(name)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What a record is about, in a line: so that nobody decides over a number. */
export function gist(doc: Doc | null, categories: Categories): string {
  if (doc === null) return "";
  const told = [doc.category && shown("category", doc.category, categories), doc.outcome && shown("outcome", doc.outcome, categories)];
  told.push(...[doc.building, doc.unit, doc.room, doc.address_text, doc.description, doc.note].map((each) => (typeof each === "string" ? each : "")));
  return told.filter(Boolean).join(" · ");
}
