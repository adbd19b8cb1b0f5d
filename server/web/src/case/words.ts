/** Words of a case that come from the server in both languages, or that are made from its facts. */
import type { BodyName, CaseEntry, Instead, Worded } from "../api/cases";
import { currentLanguage, t, tData } from "../i18n";
import { moment } from "../time";
import { calledIn } from "./fields";

export function worded({ zh, en }: Worded): string {
  return currentLanguage() === "en" && en ? en.charAt(0).toUpperCase() + en.slice(1) : zh;
}

export function nameOf(body: BodyName | string | null): string {
  if (body === null || typeof body === "string") return body ?? "";
  return worded({ zh: body.name, en: body.name_en });
}

/** Who took a step, and the body that it concerns; nobody where a rule or the clock did. */
export function actorOf({ by, source }: Pick<CaseEntry, "by" | "source">): string {
  const who = by?.name ?? tData("case.source", source);
  return [who, by?.body ? nameOf(by.body) : ""].filter(Boolean).join(" · ");
}

/** Why a step of a phone was not taken: what happened instead, or what spoke against it. */
export function whyUntaken({ type, ...told }: Instead): string {
  switch (type.replace("/problems/", "")) {
    case "case-step-illegal": return illegal(told);
    case "case-step-refused": return t("untaken.who", { who: (told.who ?? []).map(worded).join(t("list.comma")) });
    case "case-step-invalid": return t(INVALID.find((each) => each === `untaken.${told.reason}`) ?? "untaken.invalid", { field: tData("step.field", told.field ?? "") });
    case "unknown-case": return t("untaken.unknown-case");
    case "case-step-id-reused": return t("untaken.reused");
    default: return t("untaken.other");
  }
}

const INVALID = ["untaken.missing", "untaken.photo-rule", "untaken.photo-unknown", "untaken.photo-elsewhere", "untaken.not-taken", "untaken.choice", "untaken.unknown"] as const;

function illegal({ guard_words, happened, state, overtaken }: Omit<Instead, "type">): string {
  const last = happened?.at(-1);
  const said = [
    guard_words ? worded(guard_words) : "",
    overtaken && last ? t("untaken.overtaken", { step: tData("step", last.step) }) : "",
    !guard_words && !overtaken ? t("untaken.state", { state: tData("state", state ?? "") }) : "",
  ];
  return said.filter(Boolean).join(t("list.and"));
}

type Given = Readonly<Record<string, unknown>>;

/** The name of a body by its code. */
type NameOfBody = (code: string) => string;

/** What was given with a step, in lines; photos and places apart. `bodies`: names by code. */
export function givenLines(step: string, given: Given, nameOfBody: NameOfBody, now: Date): [name: string, words: string][] {
  const lines = Object.entries(given).map(([name, value]): [string, string] => [name === "answer" ? t("issue.answer") : tData("step.field", calledIn(step, name)), sayGiven(name, value, nameOfBody, now)]);
  return lines.filter(([, words]) => words !== "");
}

function sayGiven(name: string, value: unknown, nameOfBody: NameOfBody, now: Date): string {
  if (value === null || value === undefined || NOT_SAID.has(name)) return "";
  if (name === "until") return moment(String(value), now);
  if (name === "body") return nameOfBody(String(value));
  if (name === "bodies") {
    const { lead, assisting } = value as { lead: string | null; assisting?: string[] };
    return [lead, ...(assisting ?? [])].flatMap((code) => (code ? [nameOfBody(code)] : [])).join(t("list.comma"));
  }
  if (name === "limit") {
    const limit = value as { value: number; unit: string };
    return tData("limit", limit.unit).replace("{n}", String(limit.value));
  }
  if (name === "overdue") {
    const { stage, area } = value as { stage: string; area: string | null };
    return [tData("stage", stage), area].filter(Boolean).join(" → ");
  }
  if (typeof value === "string") return choiceWords(name, value);
  return typeof value === "number" ? String(value) : "";
}

const NOT_SAID = new Set(["photos", "location", "of", "rule", "source", "since", "place"]);

function choiceWords(name: string, value: string): string {
  return tData(`step.${name}`, value);
}
