/** How values of the catalogue are read by people, and read back from what they typed. Pure but for the language. */
import type { FormField, Row, Value } from "../api/rulebook";
import { currentLanguage, t, tData } from "../i18n";

export function wordsOf(row: { zh: string; en: string }): string {
  return currentLanguage() === "zh" ? row.zh : row.en;
}

export function nameOf(fields: Row): string {
  return String((currentLanguage() === "zh" ? fields["name_zh"] : fields["name_en"]) ?? "");
}

/** A value by the words of its choice; what is no choice as it is. */
export function named(field: FormField | undefined, value: Value): string {
  const choice = field?.choices.find((each) => each.value === value);
  return choice ? wordsOf(choice) : String(value ?? "");
}

export function limitOf(fields: Row): string {
  const [n, unit] = [fields["limit_value"], fields["limit_unit"]];
  return n === null || n === undefined || unit === null ? "" : t("rules.limit.of", { n: Number(n), unit: tData("rules.unit", String(unit)) });
}

/** What was typed or chosen, as the API takes it: an empty text of a number or choice is none. */
export function valueOf(field: FormField, typed: string): Value {
  if (field.kind === "choice") return field.choices.find((each) => String(each.value) === typed)?.value ?? null;
  if (field.kind === "number") return typed.trim() === "" ? null : Number.isInteger(Number(typed)) ? Number(typed) : typed;
  return typed;
}

/** The bodies that a value names, by their codes. */
export function codesOf(value: unknown): string[] {
  return String(value ?? "").split(",").filter(Boolean);
}

/** A value of a change in few words: lists by their length, bodies by their names. */
export function told(field: FormField | undefined, value: unknown, nameOfBody: (code: string) => string): string {
  if (Array.isArray(value)) return t("catalogue.rows", { n: value.length });
  if (value === null || value === undefined || value === "") return t("catalogue.empty");
  if (field?.name === "default_body" || field?.name === "assisting_bodies") return codesOf(value).map(nameOfBody).join(t("list.comma"));
  return named(field, value as Value);
}

/** The moment that a field of date and time holds, with its zone; none where it is empty. */
export function instant(typed: string): string | null {
  return typed === "" ? null : new Date(typed).toISOString();
}
