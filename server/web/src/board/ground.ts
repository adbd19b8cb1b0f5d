/** What the board asks of the ground and of the issues, without drawing: where home is, what comes first. Pure. */
import type { Area, Bounds, Ground, IssuePoint } from "../api/types";
import type { Filters } from "./filters";

/** The box around everything in charge, of the finest kind down to the grids; of everything, where nothing is. */
export function homeOf(ground: Ground): Bounds | null {
  const mine = ground.areas.filter((area) => area.in_charge);
  return around(finest(mine.length > 0 ? mine : ground.areas, ground)) ?? around(ground.areas);
}

/** Areas of one kind; where not all are told, of one that is told whole: the outline of a county says little of its grids. */
function finest(areas: readonly Area[], { kinds, areas: told, total }: Ground): readonly Area[] {
  const grids = kinds.find((kind) => kind.is_locating)?.rank ?? Infinity;
  const there = kinds.filter(({ code }) => areas.some(({ kind }) => kind === code)).sort((one, other) => other.rank - one.rank);
  const isCutOff = total !== undefined && total > told.length && there.length > 1;
  const kind = there.slice(isCutOff ? 1 : 0).find(({ rank }) => rank <= grids);
  return areas.filter((area) => area.kind === kind?.code);
}

/** The box around areas; null around none. */
export function around(areas: readonly Pick<Area, "bounds">[]): Bounds | null {
  const boxes = areas.map((area) => area.bounds);
  if (boxes.length === 0) return null;
  return [
    Math.min(...boxes.map((box) => box[0])),
    Math.min(...boxes.map((box) => box[1])),
    Math.max(...boxes.map((box) => box[2])),
    Math.max(...boxes.map((box) => box[3])),
  ];
}

/** Nearest deadline first (what has none comes after, closed last), or newest first. */
export function inOrder(points: readonly IssuePoint[], sort: Filters["sort"]): readonly IssuePoint[] {
  const key = sort === "due" ? dueKey : newKey;
  return [...points].sort((a, b) => key(a) - key(b) || (a.id < b.id ? -1 : 1));
}

function dueKey({ properties }: IssuePoint): number {
  if (properties.closed_at !== null) return Number.MAX_VALUE;
  return properties.light_due_at === null ? Number.MAX_SAFE_INTEGER : Date.parse(properties.light_due_at);
}

function newKey({ properties }: IssuePoint): number {
  return -Date.parse(properties.captured_at);
}
