/** The page's address holds filters and choice, so that a link shows a colleague the same view. Pure. */
import { type Filters, toAddress } from "./filters";
import { type LonLat, spotOf, toldSpot } from "./spot";

export type Chosen = { kind: "issue"; id: string } | { kind: "grid"; code: string } | { kind: "spot"; at: LonLat } | null;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const CODE = /^[\w.-]{1,40}$/;

export function chosenFromAddress(search: string): Chosen {
  const query = new URLSearchParams(search);
  const issue = query.get("issue");
  if (issue && UUID.test(issue)) return { kind: "issue", id: issue };
  const grid = query.get("grid");
  if (grid && CODE.test(grid)) return { kind: "grid", code: grid };
  const at = spotOf(query.get("spot"));
  return at && { kind: "spot", at };
}

export function addressOf(filters: Filters, chosen: Chosen): URLSearchParams {
  const query = toAddress(filters);
  if (chosen?.kind === "issue") query.set("issue", chosen.id);
  if (chosen?.kind === "grid") query.set("grid", chosen.code);
  if (chosen?.kind === "spot") query.set("spot", toldSpot(chosen.at));
  return query;
}
