/** A position as a phone sent it, read from the text of a form and written back. Pure. */
import { type Point, readPoint, written } from "../redraw/lines";

export const DATUMS = ["wgs84", "cgcs2000", "gcj02", "bd09"] as const;
export type Datum = (typeof DATUMS)[number];

/** `lon` and `lat` are null where what was sent is no place; `rest` is kept as it came. */
export interface Position {
  point: Point | null;
  /** The two numbers, where both are numbers though they are no place: a phone may have swapped them. */
  sent: Point | null;
  accuracy_m: number | null;
  datum: Datum;
  rest: Record<string, unknown>;
}

export function readPosition(text: string): Position {
  const nothing: Position = { point: null, sent: null, accuracy_m: null, datum: "wgs84", rest: {} };
  let sent: unknown;
  try {
    sent = JSON.parse(text);
  } catch {
    return { ...nothing, point: readPoint(text) };
  }
  if (typeof sent !== "object" || sent === null || Array.isArray(sent)) return nothing;
  const { lon, lat, accuracy_m, datum, ...rest } = sent as Record<string, unknown>;
  const point = readPoint(`${lon}, ${lat}`);
  return {
    point,
    sent: typeof lon === "number" && typeof lat === "number" ? [lon, lat] : point,
    accuracy_m: typeof accuracy_m === "number" && accuracy_m >= 0 ? accuracy_m : null,
    datum: DATUMS.find((each) => each === datum) ?? "wgs84",
    rest,
  };
}

/** The text of a form for a position; empty where there is none. */
export function writePosition({ point, accuracy_m, datum, rest }: Position): string {
  if (point === null) return "";
  const [lon, lat] = point;
  return JSON.stringify({ ...rest, lon, lat, ...(accuracy_m !== null && { accuracy_m }), datum });
}

/** Picked on the map, which is in WGS-84: where exactly a phone stood is no longer what it says. */
export function pickedAt(position: Position, [lon, lat]: Point): Position {
  return { ...position, point: [round(lon), round(lat)], datum: "wgs84" };
}

/** Longitude and latitude, where a phone took one for the other. */
export function swapped({ sent }: Position): Point | null {
  return sent === null ? null : readPoint(`${sent[1]}, ${sent[0]}`);
}

function round(degrees: number): number {
  return Number(degrees.toFixed(7));
}

export { written };
