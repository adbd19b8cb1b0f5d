/** Lines made by typing and by keys: places read from text, moved by steps, and lines to begin with. Pure. */
import type { Bounds } from "../api/types";

export type Point = [lon: number, lat: number];
export type Shape = GeoJSON.Polygon | GeoJSON.MultiPolygon;

const METRES_A_DEGREE = 111_320;
const DIGITS = 6;
/** Where a line through the middle would cross an area more than once, others beside it are looked at. */
const TRIED = [0.5, 0.45, 0.55, 0.4, 0.6, 0.35, 0.65, 0.3, 0.7, 0.25, 0.75];
const BEYOND = 0.08;
const MOST_POINTS = 12;

/** A place as somebody typed it: longitude, latitude, with a comma, a full-width one or a blank between them. */
export function readPoint(text: string): Point | null {
  const found = /^\s*\(?\s*([+-]?\d+(?:\.\d+)?)\s*°?\s*E?\s*(?:[,，、;；\s])\s*([+-]?\d+(?:\.\d+)?)\s*°?\s*N?\s*\)?\s*$/i.exec(text);
  if (!found) return null;
  const [lon, lat] = [Number(found[1]), Number(found[2])];
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? [lon, lat] : null;
}

export function written([lon, lat]: Point): string {
  return `${lon.toFixed(DIGITS)}, ${lat.toFixed(DIGITS)}`;
}

/** A place so many metres further east and north. */
export function moved([lon, lat]: Point, east_m: number, north_m: number): Point {
  const eastward = east_m / (METRES_A_DEGREE * Math.max(0.01, Math.cos((lat * Math.PI) / 180)));
  return [lon + eastward, lat + north_m / METRES_A_DEGREE];
}

/** A straight line across an area, level or upright, near its middle and, where that can be, through it only once. */
export function across(shape: Shape, way: "level" | "upright"): [Point, Point] {
  const [west, south, east, north] = boundsOf(shape);
  const along = way === "level" ? 1 : 0;
  const [from, to] = way === "level" ? [south, north] : [west, east];
  const at = TRIED.map((part) => from + part * (to - from));
  const chosen = at.find((value) => crossings(shape, along, value) === 2) ?? (at[0] as number);
  if (way === "level") {
    const beyond = (east - west) * BEYOND;
    return [[west - beyond, chosen], [east + beyond, chosen]];
  }
  const beyond = (north - south) * BEYOND;
  return [[chosen, south - beyond], [chosen, north + beyond]];
}

/** How often the borders of an area cross the line on which one coordinate has a value. */
function crossings(shape: Shape, axis: 0 | 1, value: number): number {
  let count = 0;
  for (const ring of ringsOf(shape)) {
    for (let number = 1; number < ring.length; number++) {
      const [before, after] = [(ring[number - 1] as Point)[axis], (ring[number] as Point)[axis]];
      if (before > value !== after > value) count++;
    }
  }
  return count;
}

/** The border that two areas share, its longest part from end to end, in few enough points to be moved one by one. */
export function sharedBorder(one: Shape, other: Shape): Point[] {
  const theirs = new Set(ringsOf(other).flatMap((ring) => ring.map(keyOf)));
  let longest: Point[] = [];
  for (const ring of ringsOf(one)) {
    for (const run of runs(ring.slice(0, -1), (point) => theirs.has(keyOf(point)))) if (run.length > longest.length) longest = run;
  }
  return longest.length < 2 ? [] : fewer(longest);
}

/** The runs around a ring of the points that are held. */
function runs(ring: readonly Point[], held: (point: Point) => boolean): Point[][] {
  const start = ring.findIndex((point) => !held(point));
  if (start < 0) return ring.length > 1 ? [[...ring, ring[0] as Point]] : [];
  const found: Point[][] = [[]];
  for (let step = 0; step < ring.length; step++) {
    const point = ring[(start + step) % ring.length] as Point;
    if (held(point)) found.at(-1)?.push(point);
    else if (found.at(-1)?.length) found.push([]);
  }
  return found.filter((run) => run.length > 1);
}

/** The points that say most about a line (Douglas and Peucker), its ends among them. */
function fewer(line: readonly Point[]): Point[] {
  const kept = new Set([0, line.length - 1]);
  while (kept.size < Math.min(MOST_POINTS, line.length)) {
    let [farthest, place] = [0, -1];
    const order = [...kept].sort((a, b) => a - b);
    for (let number = 1; number < order.length; number++) {
      const [first, last] = [order[number - 1] as number, order[number] as number];
      for (let each = first + 1; each < last; each++) {
        const off = offset(line[each] as Point, line[first] as Point, line[last] as Point);
        if (off > farthest) [farthest, place] = [off, each];
      }
    }
    if (place < 0) break;
    kept.add(place);
  }
  return [...kept].sort((a, b) => a - b).map((each) => line[each] as Point);
}

function offset([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}

function ringsOf(shape: Shape): Point[][] {
  return (shape.type === "Polygon" ? [shape.coordinates] : shape.coordinates).flat() as Point[][];
}

function keyOf([lon, lat]: Point): string {
  return `${Math.round(lon * 1e8)} ${Math.round(lat * 1e8)}`;
}

/** The box around a geometry. */
export function boundsOf(geometry: GeoJSON.Geometry): Bounds {
  const bounds: Bounds = [180, 90, -180, -90];
  const take = (each: unknown): void => {
    if (!Array.isArray(each)) return;
    const [lon, lat] = each as unknown[];
    if (typeof lon !== "number" || typeof lat !== "number") return each.forEach(take);
    [bounds[0], bounds[1]] = [Math.min(bounds[0], lon), Math.min(bounds[1], lat)];
    [bounds[2], bounds[3]] = [Math.max(bounds[2], lon), Math.max(bounds[3], lat)];
  };
  take("coordinates" in geometry ? geometry.coordinates : geometry.geometries.map((each) => "coordinates" in each && each.coordinates));
  return bounds;
}

/** The box around boxes; null around none. */
export function around(boxes: readonly Bounds[]): Bounds | null {
  if (boxes.length === 0) return null;
  const [west, south, east, north] = [0, 1, 2, 3].map((side) => boxes.map((box) => box[side] as number)) as [number[], number[], number[], number[]];
  return [least(west), least(south), most(east), most(north)];
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b));
}
