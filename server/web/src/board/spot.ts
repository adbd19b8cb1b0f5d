/** Issues that lie at one spot: too near one another for any zoom to tell apart. Pure. */
import type { IssuePoint } from "../api/types";

export type LonLat = [lon: number, lat: number];

/** As far apart as two signs on the nearest zoom that still cover one another. */
const SPOT_M = 15;
const M_PER_DEGREE = 111_320;

/** Those of `points` that lie at the place, in their order. */
export function atSpot(points: readonly IssuePoint[], [lon, lat]: LonLat): readonly IssuePoint[] {
  const eastward = M_PER_DEGREE * Math.cos((lat * Math.PI) / 180);
  return points.filter(({ geometry }) => {
    if (geometry === null) return false;
    const [x, y] = geometry.coordinates;
    return Math.hypot((x - lon) * eastward, (y - lat) * M_PER_DEGREE) <= SPOT_M;
  });
}

/** A spot as the address tells it, to a decimetre; null where it tells none. */
export function spotOf(told: string | null): LonLat | null {
  if (told === null || !/^-?\d{1,3}(\.\d{1,9})?,-?\d{1,2}(\.\d{1,9})?$/.test(told)) return null;
  const [lon, lat] = told.split(",").map(Number) as LonLat;
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? [lon, lat] : null;
}

export function toldSpot([lon, lat]: LonLat): string {
  return `${lon.toFixed(6)},${lat.toFixed(6)}`;
}
