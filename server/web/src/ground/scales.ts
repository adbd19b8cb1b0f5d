/**
 * From which zoom on areas of a kind are worth drawing: a city has nine counties and 5,800 grids, and borders closer than
 * a few pixels are a blot. Pure.
 */
import type { AreaKind } from "../api/types";

/** How wide an area must be on the screen, in pixels, to be hinted at, to be drawn in full, to be called by its name. */
export const HINTED_PX = 8;
export const DRAWN_PX = 28;
export const NAMED_PX = 90;
const TILE_PX = 512;

export interface Scale {
  kind: AreaKind;
  hinted: number;
  drawn: number;
  named: number;
}

/** The zooms at which a kind is hinted at, drawn and named; all 0, so always, where it has no areas. */
export function scaleOf(kind: AreaKind): Scale {
  const zoom = (px: number, width: number): number => (width ? Math.max(0, Math.log2((px * 360) / (TILE_PX * width))) : 0);
  // Small areas lie where most people live: their borders blot first. For names there is room beside.
  const { small, middle } = kind.width_deg ?? { small: 0, middle: 0 };
  return { kind, hinted: zoom(HINTED_PX, small), drawn: zoom(DRAWN_PX, small), named: zoom(NAMED_PX, middle) };
}

export interface Names {
  kind: AreaKind;
  from: number;
  to: number;
}

/** Between which zooms each kind is called by its names, of kinds from the finest up: one kind at a time, until `last`. */
export function nameBands(scales: readonly Scale[], last: number): Names[] {
  const bands: Names[] = [];
  let to = last;
  scales.forEach(({ kind, named }, height) => {
    const from = height === scales.length - 1 ? 0 : Math.min(named, to);
    if (from < to) bands.push({ kind, from, to });
    to = from;
  });
  return bands;
}
