/**
 * The map style: grids, borders, labels and issues. Pure data; no outside tiles, sprites or glyphs.
 *
 * No `glyphs` URL is set on purpose: MapLibre then draws every letter from the fonts of the machine
 * (since 5.11), in the order that `text-font` names them.
 */
import type {
  ExpressionSpecification,
  FilterSpecification,
  LayerSpecification,
  StyleSpecification,
  VectorSourceSpecification,
} from "maplibre-gl";
import type { AreaKind } from "../api/types";
import { type Names, nameBands, type Scale, scaleOf } from "./scales";
import { PALETTES, type Palette } from "./palette";

export const FONTS = ["Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];
const BOLD = FONTS.map((font) => (font === "sans-serif" ? font : `${font} Bold`));

export const ISSUES = "issues";
export const CHOSEN = "chosen";
/**
 * What is chosen of the ground has a source of its own over the same tiles, asked for once something is chosen: were it a
 * width of every border, each corner of thousands of grids would be drawn a second time for the one that is.
 */
export const CHOSEN_GRID = "chosen-grid";
export const CHOSEN_AREA = "chosen-area";
export const AREAS_LAYER = "areas";
export const LABELS_LAYER = "labels";
/** Beyond this zoom the tiles are stretched: borders are exact to well under a metre there. */
const TILES_TO_ZOOM = 16;
/** As near as the map is looked at. */
export const NEAREST_ZOOM = 19;
/** From here on grids are called by their names, and what lies above them no longer. */
const GRIDS_NAMED = 13;

export const sourceOf = (kind: string): string => `ground-${kind}`;

/** `tiles` is the template the server gave, with {kind} still in it; `kinds` say how large their areas are. */
export function style(tiles: string, kinds: readonly AreaKind[], palette: Palette = PALETTES.light): StyleSpecification {
  const locating = kinds.find((kind) => kind.is_locating);
  const above = kinds.filter((kind) => locating && kind.rank < locating.rank).sort((a, b) => b.rank - a.rank);
  const below = kinds.filter((kind) => locating && kind.rank > locating.rank);
  const scales = above.map((kind) => scaleOf(kind));
  const shown = [...(locating ? [locating] : []), ...above, ...below];
  return {
    version: 8,
    sources: {
      ...Object.fromEntries(shown.map((kind) => [sourceOf(kind.code), vector(tiles, kind.code)])),
      ...(locating ? { [CHOSEN_GRID]: vector(tiles, locating.code), [CHOSEN_AREA]: vector(tiles, locating.code) } : {}),
      [ISSUES]: issuesSource(),
      [CHOSEN]: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": palette.ground } },
      ...(locating ? gridLayers(scaleOf(locating), palette) : []),
      ...below.map((kind) => partLayer(kind.code, palette)),
      ...scales.map((scale, height) => borderLayer(scale, height, palette)),
      ...(locating ? [chosenLayer(CHOSEN_AREA, 6, palette), chosenLayer(CHOSEN_GRID, 4, palette)] : []),
      ...nameBands(scales, GRIDS_NAMED).map((names) => aboveLabels(names, palette)),
      ...(locating ? gridLabels(locating.code, palette) : []),
      ...issueLayers(palette),
    ],
  };
}

function vector(tiles: string, kind: string): VectorSourceSpecification {
  return { type: "vector", tiles: [tilesOf(tiles, kind)], maxzoom: TILES_TO_ZOOM };
}

/** The address of the tiles of one kind. */
export function tilesOf(tiles: string, kind: string): string {
  return tiles.replace("{kind}", encodeURIComponent(kind));
}

/** The one area of an id; of none, nothing. */
export function onlyArea(id: number | null): FilterSpecification {
  return ["==", ["id"], id ?? -1];
}

function issuesSource(): StyleSpecification["sources"][string] {
  const count = (light: string): [string, ExpressionSpecification] => [
    "+",
    ["case", ["==", ["get", "sign"], light], 1, 0],
  ];
  return {
    type: "geojson",
    data: { type: "FeatureCollection", features: [] },
    cluster: true,
    clusterRadius: 42,
    // Beyond the nearest zoom, too: what lies at one spot stays a number, and is told as a list.
    maxzoom: NEAREST_ZOOM + 1,
    clusterMaxZoom: NEAREST_ZOOM,
    clusterProperties: { red: count("red"), yellow: count("yellow"), green: count("green") },
  };
}

/** Nothing where a kind is hinted at, full from where it is drawn. */
function fadingIn({ hinted, drawn }: Scale): ExpressionSpecification | number {
  return hinted < drawn ? ["interpolate", ["linear"], ["zoom"], hinted, 0, drawn, 1] : 1;
}

function gridLayers(scale: Scale, palette: Palette): LayerSpecification[] {
  const common = { source: sourceOf(scale.kind.code), "source-layer": AREAS_LAYER } as const;
  return [
    {
      id: "grid-fill",
      type: "fill",
      ...common,
      paint: {
        "fill-color": ["to-color", ["coalesce", ["feature-state", "shade"], palette.notInCharge], palette.notInCharge],
        "fill-opacity": ["case", ["boolean", ["feature-state", "hover"], false], 0.78, 1],
        "fill-antialias": false,
      },
    },
    {
      id: "grid-line",
      type: "line",
      ...common,
      // Before it is hinted at the shades tell the grids: borders a few pixels apart are a blot, and most of what is drawn.
      minzoom: scale.hinted,
      // No round joins: at a pixel's width nobody sees them, and each is several triangles more.
      paint: {
        "line-color": palette.line,
        "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.3, 14, 0.9, 17, 1.4],
        "line-opacity": fadingIn(scale),
      },
    },
  ];
}

function partLayer(kind: string, palette: Palette): LayerSpecification {
  return {
    id: `part-${kind}`,
    type: "line",
    source: sourceOf(kind),
    "source-layer": AREAS_LAYER,
    minzoom: 14,
    paint: { "line-color": palette.line, "line-width": 0.7, "line-dasharray": [2, 2], "line-opacity": 0.7 },
  };
}

function borderLayer(scale: Scale, height: number, palette: Palette): LayerSpecification {
  const heavier = 1 + 0.35 * height;
  return {
    id: `border-${scale.kind.code}`,
    type: "line",
    source: sourceOf(scale.kind.code),
    "source-layer": AREAS_LAYER,
    // Before it is hinted at nothing of it is to be seen: its tiles are then not asked for either.
    minzoom: scale.hinted,
    paint: {
      "line-color": palette.border,
      "line-width": ["interpolate", ["linear"], ["zoom"], 9, 0.7 * heavier, 13, 1.7 * heavier, 17, 2.6 * heavier],
      "line-opacity": fadingIn(scale),
    },
  };
}

/** The border of what is chosen; hidden, so that nothing is asked for, until something is. */
function chosenLayer(source: string, width_px: number, palette: Palette): LayerSpecification {
  return {
    id: source,
    type: "line",
    source,
    "source-layer": AREAS_LAYER,
    filter: onlyArea(null),
    layout: { "line-join": "round", visibility: "none" },
    paint: { "line-color": palette.chosen, "line-width": width_px },
  };
}

function halo({ halo: colour }: Palette): { "text-halo-color": string; "text-halo-width": number } {
  return { "text-halo-color": colour, "text-halo-width": 1.6 };
}

function gridLabels(kind: string, palette: Palette): LayerSpecification[] {
  return [
    {
      id: "grid-label",
      type: "symbol",
      source: sourceOf(kind),
      "source-layer": LABELS_LAYER,
      minzoom: GRIDS_NAMED,
      layout: {
        "text-font": FONTS,
        "text-field": ["format", ["get", "name"], {}, "\n", {}, ["get", "code"], { "font-scale": 0.74 }],
        "text-size": ["interpolate", ["linear"], ["zoom"], 13, 11, 16, 15],
        "text-line-height": 1.25,
        "text-max-width": 12,
        "text-padding": 3,
        // Step aside for clusters, which say where the work is.
        "text-variable-anchor": ["center", "top", "bottom"],
        "text-radial-offset": 1,
        "text-justify": "center",
      },
      paint: { "text-color": palette.label, ...halo(palette) },
    },
  ];
}

function aboveLabels({ kind, from, to }: Names, palette: Palette): LayerSpecification {
  return {
    id: `above-label-${kind.code}`,
    type: "symbol",
    source: sourceOf(kind.code),
    "source-layer": LABELS_LAYER,
    minzoom: from,
    maxzoom: to,
    layout: {
      "text-font": BOLD,
      "text-field": ["get", "name"],
      "text-size": ["interpolate", ["linear"], ["zoom"], 9, 11, 13, 15],
      "text-letter-spacing": 0.06,
      "text-padding": 2,
      "text-variable-anchor": ["center", "top", "bottom"],
      "text-radial-offset": 1.2,
      "text-justify": "center",
    },
    paint: { "text-color": palette.above, ...halo(palette) },
  };
}

function issueLayers(palette: Palette): LayerSpecification[] {
  const clustered: FilterSpecification = ["has", "point_count"];
  return [
    {
      id: "chosen-accuracy",
      type: "fill",
      source: CHOSEN,
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": palette.chosen, "fill-opacity": 0.12, "fill-outline-color": palette.chosen },
    },
    {
      id: "issue",
      type: "symbol",
      source: ISSUES,
      filter: ["!", clustered],
      layout: {
        "icon-image": ["concat", "sign-", ["get", "sign"], ["case", ["get", "doubtful"], "-doubtful", ""]],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
        "symbol-sort-key": ["match", ["get", "sign"], "red", 4, "yellow", 3, "green", 2, "none", 1, 0],
      },
    },
    {
      id: "cluster",
      type: "symbol",
      source: ISSUES,
      filter: clustered,
      layout: {
        "icon-image": ringExpression(),
        "icon-allow-overlap": true,
        "icon-padding": 0,
        "text-font": BOLD,
        "text-field": ["to-string", ["get", "point_count_abbreviated"]],
        "text-size": 13,
        "text-allow-overlap": true,
        "text-ignore-placement": true,
      },
      paint: { "text-color": "#1d2a33" },
    },
    {
      id: "chosen-ring",
      type: "circle",
      source: CHOSEN,
      filter: ["==", ["geometry-type"], "Point"],
      paint: {
        "circle-radius": 15,
        "circle-color": "rgba(255,255,255,0.96)",
        "circle-stroke-color": palette.chosen,
        "circle-stroke-width": 3,
      },
    },
    {
      id: "chosen-issue",
      type: "symbol",
      source: CHOSEN,
      filter: ["has", "sign"],
      layout: {
        "icon-image": ["concat", "sign-", ["get", "sign"], ["case", ["get", "doubtful"], "-doubtful", ""]],
        "icon-allow-overlap": true,
        "icon-ignore-placement": true,
      },
    },
  ];
}

/** The expression that mirrors `ringName`: sizes and shares in eighths. */
function ringExpression(): ExpressionSpecification {
  const eighths = (light: string): ExpressionSpecification => [
    "to-string",
    [
      "case",
      ["==", ["get", light], 0],
      0,
      ["max", 1, ["round", ["*", 8, ["/", ["get", light], ["get", "point_count"]]]]],
    ],
  ];
  const size: ExpressionSpecification = ["step", ["get", "point_count"], "30", 10, "36", 100, "44", 1000, "52"];
  return ["concat", "ring-", size, "-", eighths("red"), "-", eighths("yellow"), "-", eighths("green")];
}
