/**
 * Point to grid on the phone itself, by the rule of the server (`geo/locate/locator.py`): the same point, the same grid.
 *
 * Degrees become integers of 1e-8 degree, ties to even. A point is in a polygon if the number of its edges (a, b), over
 * all rings, each directed so that ay < by, for which
 *
 *     ay <= Y and Y < by and (bx - ax) * (Y - ay) <= (by - ay) * (X - ax)
 *
 * is odd. The products may have more than 53 bits: where floating point does not decide them, big integers do.
 */
import type { GridArea } from "../records";

export const UNITS_PER_DEGREE = 1e8;
/** Twice the relative error of a difference of two products, rounded up. */
const DOUBT = 2 ** -50;
const METRES_PER_UNIT = 111_320 / UNITS_PER_DEGREE;

/** Edges as ax, ay, bx, by, one after the other, with ay < by; level ones are left out. Borders: all of them. */
interface Area {
  readonly grid: GridArea;
  readonly edges: Float64Array;
  readonly borders: Float64Array;
  readonly box: readonly [west: number, south: number, east: number, north: number];
}

export class Locator {
  readonly #areas: readonly Area[];

  constructor(grids: readonly GridArea[]) {
    this.#areas = grids.map(areaOf);
  }

  /** Return the grid of a point in degrees, null outside all of them. */
  locate(lon: number, lat: number): GridArea | null {
    return this.#areaAt(lon, lat)?.grid ?? null;
  }

  /** Return how far (m) a point is from the border of its grid; infinite where it is in none. */
  toBorder(lon: number, lat: number): number {
    const area = this.#areaAt(lon, lat);
    return area === null ? Infinity : distanceTo(area.borders, units(lon), units(lat), Math.cos((lat * Math.PI) / 180));
  }

  #areaAt(lon: number, lat: number): Area | null {
    const [x, y] = [units(lon), units(lat)];
    return this.#areas.find(({ box: [west, south, east, north], edges }) => west <= x && x <= east && south <= y && y <= north && isIn(edges, x, y)) ?? null;
  }
}

/** Return degrees in units of 1e-8 degree, the even of two that are equally near. */
export function units(degrees: number): number {
  const scaled = degrees * UNITS_PER_DEGREE;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}

function isIn(edges: Float64Array, x: number, y: number): boolean {
  let odd = false;
  for (let n = 0; n < edges.length; n += 4) {
    const [ax, ay, bx, by] = [edges[n] as number, edges[n + 1] as number, edges[n + 2] as number, edges[n + 3] as number];
    if (ay <= y && y < by && isNotLess((by - ay), (x - ax), (bx - ax), (y - ay))) odd = !odd;
  }
  return odd;
}

/** Whether a * b >= c * d, exactly, for integers. */
function isNotLess(a: number, b: number, c: number, d: number): boolean {
  const [one, other] = [a * b, c * d];
  if (Math.abs(one - other) > DOUBT * (Math.abs(one) + Math.abs(other))) return one > other;
  return BigInt(a) * BigInt(b) >= BigInt(c) * BigInt(d);
}

function areaOf(grid: GridArea): Area {
  const polygons = grid.geometry.type === "Polygon" ? [grid.geometry.coordinates] : grid.geometry.coordinates;
  const edges: number[] = [];
  const borders: number[] = [];
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of polygons.flat()) {
    for (let n = 1; n < ring.length; n += 1) {
      const [ax, ay] = corner(ring[n - 1]);
      const [bx, by] = corner(ring[n]);
      [west, south, east, north] = [Math.min(west, ax), Math.min(south, ay), Math.max(east, ax), Math.max(north, ay)];
      borders.push(ax, ay, bx, by);
      if (ay < by) edges.push(ax, ay, bx, by);
      else if (by < ay) edges.push(bx, by, ax, ay);
    }
  }
  return { grid, edges: new Float64Array(edges), borders: new Float64Array(borders), box: [west, south, east, north] };
}

function corner(position: GeoJSON.Position | undefined): [number, number] {
  return [units(position?.[0] ?? NaN), units(position?.[1] ?? NaN)];
}

/** Distance (m) of a point to the nearest of some edges, in a plane that holds near it. `narrow`: cosine of the latitude. */
function distanceTo(edges: Float64Array, x: number, y: number, narrow: number): number {
  let least = Infinity;
  for (let n = 0; n < edges.length; n += 4) {
    const [ax, ay] = [((edges[n] as number) - x) * narrow, (edges[n + 1] as number) - y];
    const [dx, dy] = [((edges[n + 2] as number) - x) * narrow - ax, (edges[n + 3] as number) - y - ay];
    const part = Math.min(1, Math.max(0, -(ax * dx + ay * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, Math.hypot(ax + part * dx, ay + part * dy));
  }
  return least * METRES_PER_UNIT;
}
