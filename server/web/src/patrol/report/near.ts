/** Distances of a few hundred metres, and reports that may tell of the same thing. */
import type { Issue, Spot } from "../records";
import type { Category } from "./catalogue";

const METRES_PER_DEGREE = 111_320;
const RADIUS_M = 30;
const CLOSED = new Set(["refused", "merged", "settled", "closed", "void"]);

/** Return the distance (m) of two places, in a plane that holds near them. */
export function distance(one: Spot, other: Spot): number {
  const narrow = Math.cos((one.lat * Math.PI) / 180);
  return Math.hypot((one.lon - other.lon) * narrow, one.lat - other.lat) * METRES_PER_DEGREE;
}

/** Return a place so many metres to the east and north. */
export function moved({ lon, lat, ...rest }: Spot, east_m: number, north_m: number): Spot {
  const narrow = Math.cos((lat * Math.PI) / 180);
  return { ...rest, lon: lon + east_m / METRES_PER_DEGREE / narrow, lat: lat + north_m / METRES_PER_DEGREE };
}

export interface Similar {
  readonly issue: Issue;
  readonly distance_m: number;
}

/** Open reports of the same category within its radius, the nearest first. */
export function similar(issues: readonly Issue[], category: Category, place: Spot): Similar[] {
  const radius_m = category.duplicate?.radius_m ?? RADIUS_M;
  return issues
    .filter((issue) => issue.category === category.code && issue.location !== null && !CLOSED.has(issue.state))
    .map((issue) => ({ issue, distance_m: distance(place, issue.location as Spot) }))
    .filter(({ distance_m }) => distance_m <= radius_m)
    .sort((one, other) => one.distance_m - other.distance_m);
}
