/** Distances of a few hundred metres, and reports that may tell of the same thing. */
import type { GridArea, Household, Issue, Spot } from "../records";
import type { Category } from "./catalogue";

export const METRES_PER_DEGREE = 111_320;
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

export interface NearDoor {
  readonly building: string;
  readonly distance_m: number;
}
const DOOR_M = 60;

/** The building that is nearest to a place, null where none is within sight. */
export function nearestDoor(households: readonly Household[], place: Spot): NearDoor | null {
  let nearest: NearDoor | null = null;
  for (const { building, location } of households) {
    if (location === null || building === "") continue;
    const distance_m = distance(place, location);
    if (distance_m <= (nearest?.distance_m ?? DOOR_M)) nearest = { building, distance_m };
  }
  return nearest;
}

/** One place for each building: its doors share it. */
export function buildingSpots(households: readonly Household[]): Spot[] {
  const spots = new Map<string, Spot>();
  for (const { location } of households) if (location !== null) spots.set(`${location.lon} ${location.lat}`, location);
  return [...spots.values()];
}

/** Where somebody may be who has not said it: at the first door, else in the middle of their first grid; null without any. */
export function somewhere(households: readonly Household[], grids: readonly GridArea[]): Spot | null {
  const door = households.find(({ location }) => location !== null)?.location;
  if (door) return { lon: door.lon, lat: door.lat };
  const rings = grids.map(({ geometry }) => (geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat()));
  const corners = rings[0]?.[0] ?? [];
  if (corners.length === 0) return null;
  const middle = (of: 0 | 1): number => corners.reduce((sum, corner) => sum + (corner[of] ?? 0), 0) / corners.length;
  return { lon: middle(0), lat: middle(1) };
}
