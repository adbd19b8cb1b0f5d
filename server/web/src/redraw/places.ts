/** Where the areas of a draft lie: as the draft leaves them, else as the ground in force has them. */
import { read } from "../api/client";
import type { Areas, Done } from "../api/redraw";
import type { Bounds, Ground } from "../api/types";
import { around, boundsOf, type Shape } from "./lines";

export function boxOf(code: string, ground: Ground, areas: Areas): Bounds | null {
  const drawn = areas.features.find(({ properties }) => properties.code === code);
  return drawn ? boundsOf(drawn.geometry) : (ground.areas.find((area) => area.code === code)?.bounds ?? null);
}

/** The outlines of areas as a draft leaves them; those that it has not are missing. */
export async function shapesOf(draft: number, codes: readonly string[], ground: Ground, areas: Areas): Promise<ReadonlyMap<string, Shape>> {
  const box = around(codes.map((code) => boxOf(code, ground, areas)).filter((each) => each !== null));
  if (box === null) return new Map();
  const found = await read<Areas>(`/v1/drafts/${draft}/areas?bbox=${box.join(",")}&limit=5000`).catch(() => null);
  const wanted = new Set(codes);
  return new Map((found?.features ?? []).filter(({ properties }) => wanted.has(properties.code)).map(({ properties, geometry }) => [properties.code, geometry]));
}

/** The codes that a step of a draft speaks of. */
export function codesOf({ parameters }: Done): string[] {
  const told = parameters as { code?: string; codes?: string[]; into?: string; areas?: { code: string }[]; parts?: { code: string }[]; left?: { code: string }; right?: { code: string } };
  const codes = [told.code, ...(told.codes ?? []), told.into, told.left?.code, told.right?.code, ...(told.areas ?? told.parts ?? []).map((area) => area.code)];
  return [...new Set(codes.filter((code): code is string => typeof code === "string"))];
}

/** Where a step was done: along its line, else around its areas; null where none of them is there any more. */
export function placeOf(step: Done, ground: Ground, areas: Areas): Bounds | null {
  const { line } = step.parameters as { line?: GeoJSON.LineString };
  if (line && Array.isArray(line.coordinates) && line.coordinates.length > 0) return boundsOf(line);
  return around(codesOf(step).map((code) => boxOf(code, ground, areas)).filter((box) => box !== null));
}
