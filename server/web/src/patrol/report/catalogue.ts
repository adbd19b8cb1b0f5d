/** The catalogue of what can be reported: fetched when there is a network, kept for when there is none. */
import { useEffect, useMemo } from "preact/hooks";
import { currentLanguage } from "../../i18n";
import type { Phone } from "../phone";
import type { Issue } from "../records";
import { useLive } from "../shell/live";

export interface Category {
  readonly code: string;
  readonly parent: string | null;
  readonly zh: string;
  readonly en: string;
  readonly private: boolean;
  readonly photo_rule: "none" | "report" | "after" | "both";
  readonly file_when: { readonly zh: string; readonly en: string };
  readonly duplicate: { readonly radius_m: number } | null;
}

const KEPT = "catalogue";
const HABITS = 6;

/** The categories that are known to the phone; empty until they were fetched once. */
export function useCatalogue(phone: Phone): readonly Category[] {
  const kept = useLive(() => phone.kept<readonly Category[]>(KEPT), [phone]);
  useEffect(() => void refreshCatalogue(phone), [phone]);
  return useMemo(() => kept ?? [], [kept]);
}

export async function refreshCatalogue(phone: Phone): Promise<void> {
  try {
    const answer = await fetch("/v1/categories");
    if (answer.ok) await phone.keep(KEPT, ((await answer.json()) as { categories: Category[] }).categories);
  } catch {
    // No network: what was kept holds.
  }
}

export function nameOf(category: Pick<Category, "zh" | "en">): string {
  return currentLanguage() === "en" && category.en ? category.en : category.zh;
}

/** The categories that this worker reports most, the most frequent first. */
export function habits(issues: readonly Issue[], categories: readonly Category[]): Category[] {
  const counts = new Map<string, number>();
  for (const { category, mine } of issues) if (mine) counts.set(category, (counts.get(category) ?? 0) + 1);
  return categories
    .filter(({ code }) => counts.has(code))
    .sort((one, other) => (counts.get(other.code) ?? 0) - (counts.get(one.code) ?? 0))
    .slice(0, HABITS);
}

/** Categories of the second level whose name, pinyin initials or code hold what was typed. */
export function found(categories: readonly Category[], typed: string): Category[] {
  const words = typed.trim().toLowerCase();
  if (words === "") return [];
  const holds = ({ code, zh, en }: Category): boolean => [zh, en.toLowerCase(), initials(zh), code].some((each) => each.includes(words));
  return categories.filter((category) => category.parent !== null && holds(category));
}

const COLLATED = new Intl.Collator("zh-CN-u-co-pinyin");
/** The first character of each initial in the order of pinyin; no syllable begins with i, u or v. */
const FIRSTS = [..."阿八嚓哒妸发旮哈讥咔垃妈拏噢妑七呥扨它穵夕丫帀"];
const LETTERS = [..."abcdefghjklmnopqrstwxyz"];

/** Return the pinyin initials of Chinese words: 路灯 is ld. Other letters stay, in lower case. */
export function initials(words: string): string {
  return [...words].map((each) => (/[\u4e00-\u9fff]/.test(each) ? initialOf(each) : each.toLowerCase())).join("");
}

function initialOf(character: string): string {
  const after = FIRSTS.findIndex((first) => COLLATED.compare(character, first) < 0);
  return LETTERS[(after === -1 ? FIRSTS.length : after) - 1] ?? "";
}
