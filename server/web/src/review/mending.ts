/** A quarantined operation as a form, and back: every field is text until it is sent. Pure. */
import type { Doc, Fault, Field, Kept, Value } from "../api/support";

export interface Form {
  collection: string;
  id: string;
  action: string;
  /** In the city's time, as a browser's date field takes it; empty: as it was. */
  capturedAt: string;
  texts: Record<string, string>;
}

/** What an operation that could not be decoded says of itself, if it is JSON at all. */
function readRaw(raw: string | null): Partial<Record<"collection" | "id" | "action" | "data", Value>> {
  if (raw === null) return {};
  try {
    const bytes = Uint8Array.from(atob(raw), (each) => each.charCodeAt(0));
    const told = JSON.parse(new TextDecoder().decode(bytes)) as unknown;
    return typeof told === "object" && told !== null ? told : {};
  } catch {
    return {};
  }
}

export function rawText(raw: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(raw), (each) => each.charCodeAt(0)));
}

const isDoc = (value: Value): value is Doc => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: Value): string => (typeof value === "string" ? value : "");

export function opened(kept: Kept, fields: readonly Field[]): Form {
  const raw = readRaw(kept.raw);
  const data = kept.data ?? (isDoc(raw.data) ? raw.data : {});
  const kinds = new Map(fields.map((field) => [field.name, field.kind]));
  return {
    collection: kept.collection || text(raw.collection),
    id: kept.record_id ?? text(raw.id),
    action: ["put", "patch", "delete"].includes(kept.action) ? kept.action : text(raw.action),
    capturedAt: "",
    texts: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, toText(kinds.get(name), value)])),
  };
}

function toText(kind: Field["kind"] | undefined, value: Value): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  if (kind === "list" && Array.isArray(value) && value.every((each) => typeof each === "string")) return value.join("\n");
  return JSON.stringify(value);
}

/** Text back to what is sent; text that is not of its kind goes as it is, and the server says what is wrong with it. */
function toValue(kind: Field["kind"] | undefined, words: string): Value {
  const trimmed = words.trim();
  if (kind === "list" && !trimmed.startsWith("[")) return trimmed.split("\n").map((each) => each.trim()).filter(Boolean);
  if (kind === undefined || kind === "text" || kind === "id" || kind === "time") return words;
  try {
    return JSON.parse(trimmed) as Value;
  } catch {
    return words;
  }
}

const CITY_OFFSET_MS = 8 * 3_600_000;

/** A time that was sent, as a browser's field of date and time takes it, in the city's time; null where it is none. */
export function cityTime(words: string): string | null {
  const at = /(?:Z|[+-]\d\d:?\d\d)$/i.test(words.trim()) ? Date.parse(words) : Number.NaN;
  return Number.isNaN(at) ? null : new Date(at + CITY_OFFSET_MS).toISOString().slice(0, 16);
}

export function fromCityTime(local: string): string {
  return local === "" ? "" : `${local.length === 16 ? `${local}:00` : local}+08:00`;
}

/** The body of a release. A field left empty is not sent. */
export function mended(form: Form, fields: readonly Field[], note: string): Doc {
  const kinds = new Map(fields.map((field) => [field.name, field.kind]));
  const filled = Object.entries(form.texts).filter(([, words]) => words.trim() !== "");
  const body: Doc = { note, data: Object.fromEntries(filled.map(([name, words]) => [name, toValue(kinds.get(name), words)])) };
  if (form.collection) body.collection = form.collection;
  if (form.id.trim()) body.id = form.id.trim();
  if (form.action) body.action = form.action;
  if (form.capturedAt) body.captured_at = fromCityTime(form.capturedAt);
  return body;
}

/** The fields to show: what was sent, what must be there, what is at fault; in the order of the schema, strangers last. */
export function listed(form: Form, fields: readonly Field[], faults: readonly Fault[], added: readonly string[]): Field[] {
  const atFault = new Set(faults.map((each) => topOf(each.field)));
  const whole = form.action === "put";
  const known = fields.filter((field) => field.name in form.texts || (whole && field.required) || atFault.has(field.name) || added.includes(field.name));
  const names = new Set(fields.map((field) => field.name));
  const strange = Object.keys(form.texts).filter((name) => !names.has(name));
  return [...known, ...strange.map((name): Field => ({ name, kind: "text", choices: null, required: false }))];
}

/** `data.location.lat` is about `location`; what is about the operation itself keeps its name. */
export function topOf(path: string): string {
  return path.replace(/^data\.?/, "").split(/[.[]/)[0] ?? "";
}
