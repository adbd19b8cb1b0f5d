/** What the supervisor asked to see: as a value, as the page's address, and as the API's query. Pure. */
import { cityDate } from "../time";

export const PROGRESS = ["open", "overdue", "closed", "all"] as const;
export const PERIODS = ["any", "today", "week", "month", "custom"] as const;
export const SORTS = ["due", "new"] as const;

export const OUTSIDE = "outside";
export const DOUBTFUL = "doubtful";

/** Former to later: the order in which a case goes through them. */
export const STATES = [
  "reported",
  "accepted",
  "verified",
  "filed",
  "dispatched",
  "received",
  "in_progress",
  "extended",
  "suspended",
  "returned",
  "done",
  "checked",
  "reworked",
  "closed",
  "settled",
  "merged",
  "refused",
  "void",
] as const;

export interface Filters {
  progress: (typeof PROGRESS)[number];
  states: readonly string[];
  categories: readonly string[];
  period: (typeof PERIODS)[number];
  from: string;
  to: string;
  /** "" for everything in charge, OUTSIDE, DOUBTFUL, or the code of an area. */
  place: string;
  search: string;
  sort: (typeof SORTS)[number];
}

export const NO_FILTERS: Filters = {
  progress: "open",
  states: [],
  categories: [],
  period: "any",
  from: "",
  to: "",
  place: "",
  search: "",
  sort: "due",
};

export function datesWrong(filters: Filters): boolean {
  return filters.period === "custom" && filters.from !== "" && filters.to !== "" && filters.from > filters.to;
}

/** How many filters narrow the view, leaving aside progress, which is always shown. */
export function narrowing(filters: Filters): number {
  const { states, categories, period, place, search } = filters;
  return [states.length > 0, categories.length > 0, period !== "any", place !== "", search.trim() !== ""].filter(Boolean)
    .length;
}

/** The query of the map's API; dates are days of the city, both ends included. */
export function apiQuery(filters: Filters, now: Date): string {
  const query = new URLSearchParams();
  const { from, to } = period(filters, now);
  query.set("progress", filters.progress);
  if (filters.states.length > 0) query.set("state", filters.states.join(","));
  if (filters.categories.length > 0) query.set("category", filters.categories.join(","));
  if (from) query.set("from", from);
  if (to) query.set("to", to);
  if (filters.place === OUTSIDE || filters.place === DOUBTFUL) query.set("place", filters.place);
  else if (filters.place) query.set("area", filters.place);
  if (filters.search.trim()) query.set("q", filters.search.trim());
  return query.toString();
}

function period(filters: Filters, now: Date): { from: string; to: string } {
  switch (filters.period) {
    case "today":
      return { from: cityDate(now), to: "" };
    case "week":
      return { from: cityDate(now, 6), to: "" };
    case "month":
      return { from: cityDate(now, 29), to: "" };
    case "custom":
      return { from: filters.from, to: filters.to };
    default:
      return { from: "", to: "" };
  }
}

/** The code of the area that is filtered by; null where it is none, or no area. */
export function areaOf({ place }: Filters): string | null {
  return place === "" || place === OUTSIDE || place === DOUBTFUL ? null : place;
}

/** The filters as the page's address carries them: only what differs from nothing. */
export function toAddress(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    const told = Array.isArray(value) ? value.join(",") : String(value);
    const silent = NO_FILTERS[name as keyof Filters];
    if (told !== (Array.isArray(silent) ? silent.join(",") : String(silent))) query.set(name, told);
  }
  return query;
}

/** Read an address; what it says wrongly is passed over. */
export function fromAddress(query: URLSearchParams): Filters {
  const list = (name: string): string[] => (query.get(name) ?? "").split(",").filter(Boolean);
  const day = (name: string): string => (/^\d{4}-\d{2}-\d{2}$/.test(query.get(name) ?? "") ? (query.get(name) ?? "") : "");
  return {
    progress: oneOf(PROGRESS, query.get("progress"), NO_FILTERS.progress),
    states: list("states").filter((state) => (STATES as readonly string[]).includes(state)),
    categories: list("categories").filter((code) => /^\d{2}(\d{2})?$/.test(code)),
    period: oneOf(PERIODS, query.get("period"), NO_FILTERS.period),
    from: day("from"),
    to: day("to"),
    place: query.get("place") ?? "",
    search: query.get("search") ?? "",
    sort: oneOf(SORTS, query.get("sort"), NO_FILTERS.sort),
  };
}

function oneOf<T extends string>(known: readonly T[], value: string | null, otherwise: T): T {
  return known.find((one) => one === value) ?? otherwise;
}

/** Choose or release a first-level category: its second levels are then implied, not listed. */
export function toggleCategory(chosen: readonly string[], code: string, siblings: readonly string[]): string[] {
  const parent = code.slice(0, 2);
  const others = chosen.filter((one) => one.slice(0, 2) !== parent);
  const own = chosen.filter((one) => one.slice(0, 2) === parent);
  if (code.length === 2) return own.includes(parent) ? others : [...others, parent];
  const listed = new Set(own.includes(parent) ? siblings : own);
  if (!listed.delete(code)) listed.add(code);
  if (siblings.length > 0 && siblings.every((one) => listed.has(one))) return [...others, parent];
  return [...others, ...listed];
}
