/** The language of the pages: Chinese unless the person chose English, remembered in this browser. */
import { useEffect, useState } from "preact/hooks";
import { en } from "./en";
import { patrolEn } from "./patrol.en";
import { patrolZh } from "./patrol.zh";
import { zh } from "./zh";

export type Key = keyof typeof zh | keyof typeof patrolZh;
export type Language = "zh" | "en";
export type Params = Record<string, string | number>;

const CATALOGUES: Record<Language, Record<Key, string>> = { zh: { ...zh, ...patrolZh }, en: { ...en, ...patrolEn } };
/** English says one day and two days: `{n} {n|day|days}`. */
const PLURAL = /\{(\w+)\|([^|}]*)\|([^|}]*)\}/g;
const STORED_AS = "patrol.language";
const listeners = new Set<() => void>();

let language: Language = stored();

function stored(): Language {
  try {
    return localStorage.getItem(STORED_AS) === "en" ? "en" : "zh";
  } catch {
    return "zh"; // storage may be forbidden: the page still has a language
  }
}

export function currentLanguage(): Language {
  return language;
}

export function chooseLanguage(chosen: Language): void {
  language = chosen;
  try {
    localStorage.setItem(STORED_AS, chosen);
  } catch {
    // Not remembered, but in force until the page is left.
  }
  markDocument();
  for (const listener of listeners) listener();
}

let title: Key | null = null;

/** Tell browser and screen reader the language of the page, and its title in it: `page`, where it has a name. */
export function markDocument(page: Key | null = title): void {
  title = page;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = page === null ? t("app.name") : `${t(page)} · ${t("app.name")}`;
}

/** Draw the component anew when the language changes. */
export function useLanguage(): Language {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = (): void => redraw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return language;
}

/** A text with what stands in its holes. */
export function filled(text: string, params: Params): string {
  return text
    .replace(PLURAL, (_, name: string, one: string, many: string) => (String(params[name]) === "1" ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(params[name] ?? whole));
}

export function t(key: Key, params: Params = {}): string {
  return filled(CATALOGUES[language][key], params);
}

/** The text of a key made from data (a state, a field); data the catalogue does not know is shown as it is. */
export function tData(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return key in CATALOGUES[language] ? t(key as Key) : value;
}

/** Several things in a row, with the commas of the language. */
export function listed(things: readonly (string | number)[]): string {
  return things.join(t("list.comma"));
}

/** What says something, and what it says. */
export function says(name: string, words: string): string {
  return t("list.says", { name, words });
}

/** A name with what is told beside it: a login, a code, a number. */
export function beside(name: string, more: string | number): string {
  return t("list.beside", { name, more });
}

/** Pick the name in the present language from a row that carries both. */
export function pick(row: { name_zh: string; name_en: string }): string {
  return language === "en" && row.name_en ? row.name_en : row.name_zh;
}
