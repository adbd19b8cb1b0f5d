/** The page's address holds filters and choice, so that a link shows a colleague the same view. */
import type { Ground } from "../api/types";
import { type Filters, toAddress } from "./filters";

export type Chosen = { kind: "issue"; id: string } | { kind: "grid"; id: number } | null;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function chosenFromAddress(search: string, ground: Ground): Chosen {
  const query = new URLSearchParams(search);
  const issue = query.get("issue");
  if (issue && UUID.test(issue)) return { kind: "issue", id: issue };
  const grid = ground.areas.find((area) => area.code === query.get("grid"));
  return grid ? { kind: "grid", id: grid.id } : null;
}

export function writeAddress(filters: Filters, chosen: Chosen, ground: Ground): void {
  const query = toAddress(filters);
  if (chosen?.kind === "issue") query.set("issue", chosen.id);
  const grid = chosen?.kind === "grid" ? ground.areas.find((area) => area.id === chosen.id) : undefined;
  if (grid) query.set("grid", grid.code);
  const told = query.toString();
  history.replaceState(null, "", told ? `?${told}` : location.pathname);
}
