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
import type { Area, AreaKind } from "../api/types";
import { type Names, nameBands, type Scale, scaleOf } from "./scales";
import { NOT_IN_CHARGE } from "./shades";

export const FONTS = ["Noto Sans CJK SC", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "sans-serif"];
const BOLD = FONTS.map((font) => (font === "sans-serif" ? font : `${font} Bold`));

export const ISSUES = "issues";
export const CHOSEN = "chosen";
export const AREAS_LAYER = "areas";
export const LABELS_LAYER = "labels";
/** Beyond this zoom the tiles are stretched: borders are exact to well under a metre there. */
const TILES_TO_ZOOM = 16;
/** From here on grids are called by their names, and what lies above them no longer. */
const GRIDS_NAMED = 13;

export const sourceOf = (kind: string): string => `ground-${kind}`;

/** `tiles` is the template the server gave, with {kind} still in it; `areas` say how large each kind is. */
export function style(tiles: string, kinds: readonly AreaKind[], areas: readonly Area[]): StyleSpecification {
  const locating = kinds.find((kind) => kind.is_locating);
  const above = kinds.filter((kind) => locating && kind.rank < locating.rank).sort((a, b) => b.rank - a.rank);
  const below = kinds.filter((kind) => locating && kind.rank > locating.rank);
  const scales = above.map((kind) => scaleOf(kind, areas));
  const shown = [...(locating ? [locating] : []), ...above, ...below];
  return {
    version: 8,
    sources: {
      ...Object.fromEntries(shown.map((kind) => [sourceOf(kind.code), vector(tiles, kind.code)])),
      [ISSUES]: issuesSource(),
      [CHOSEN]: { type: "geojson", data: { type: "FeatureCollection", features: [] } },
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#eceeea" } },
      ...(locating ? gridLayers(scaleOf(locating, areas)) : []),
      ...below.map((kind) => partLayer(kind.code)),
      ...scales.map(borderLayer),
      ...(locating ? chosenGridLayers(locating.code) : []),
      ...nameBands(scales, GRIDS_NAMED).map(aboveLabels),
      ...(locating ? gridLabels(locating.code) : []),
      ...issueLayers(),
    ],
  };
}

function vector(tiles: string, kind: string): VectorSourceSpecification {
  return { type: "vector", tiles: [tiles.replace("{kind}", encodeURIComponent(kind))], maxzoom: TILES_TO_ZOOM };
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
    clusterMaxZoom: 16,
    clusterProperties: { red: count("red"), yellow: count("yellow"), green: count("green") },
  };
}

/** Faint from where a kind is hinted at, full from where it is drawn. */
function fadingIn({ hinted, drawn }: Scale, faintest: number): ExpressionSpecification | number {
  return hinted < drawn ? ["interpolate", ["linear"], ["zoom"], hinted, faintest, drawn, 1] : 1;
}

function gridLayers(scale: Scale): LayerSpecification[] {
  const common = { source: sourceOf(scale.kind.code), "source-layer": AREAS_LAYER } as const;
  return [
    {
      id: "grid-fill",
      type: "fill",
      ...common,
      paint: {
        "fill-color": ["to-color", ["coalesce", ["feature-state", "shade"], NOT_IN_CHARGE], NOT_IN_CHARGE],
        "fill-opacity": ["case", ["boolean", ["feature-state", "hover"], false], 0.78, 1],
        "fill-antialias": false,
      },
    },
    {
      id: "grid-line",
      type: "line",
      ...common,
      layout: { "line-join": "round" },
      paint: {
        "line-color": "#7b8b92",
        "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.3, 14, 0.9, 17, 1.4],
        "line-opacity": fadingIn(scale, 0.25),
      },
    },
  ];
}

function partLayer(kind: string): LayerSpecification {
  return {
    id: `part-${kind}`,
    type: "line",
    source: sourceOf(kind),
    "source-layer": AREAS_LAYER,
    minzoom: 14,
    paint: { "line-color": "#7b8b92", "line-width": 0.7, "line-dasharray": [2, 2], "line-opacity": 0.7 },
  };
}

function borderLayer(scale: Scale, height: number): LayerSpecification {
  const heavier = 1 + 0.35 * height;
  return {
    id: `border-${scale.kind.code}`,
    type: "line",
    source: sourceOf(scale.kind.code),
    "source-layer": AREAS_LAYER,
    layout: { "line-join": "round" },
    paint: {
      "line-color": "#2f4451",
      "line-width": ["interpolate", ["linear"], ["zoom"], 9, 0.7 * heavier, 13, 1.7 * heavier, 17, 2.6 * heavier],
      "line-opacity": fadingIn(scale, 0),
    },
  };
}

function chosenGridLayers(kind: string): LayerSpecification[] {
  const chosen: ExpressionSpecification = ["boolean", ["feature-state", "chosen"], false];
  return [
    {
      id: "grid-chosen",
      type: "line",
      source: sourceOf(kind),
      "source-layer": AREAS_LAYER,
      layout: { "line-join": "round" },
      paint: { "line-color": "#0b3a47", "line-width": ["case", chosen, 4, 0] },
    },
  ];
}

const HALO = { "text-halo-color": "rgba(255,255,255,0.92)", "text-halo-width": 1.6 } as const;

function gridLabels(kind: string): LayerSpecification[] {
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
      paint: { "text-color": "#1d2a33", ...HALO },
    },
  ];
}

function aboveLabels({ kind, from, to }: Names): LayerSpecification {
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
    paint: { "text-color": "#0b3a47", ...HALO },
  };
}

function issueLayers(): LayerSpecification[] {
  const clustered: FilterSpecification = ["has", "point_count"];
  return [
    {
      id: "chosen-accuracy",
      type: "fill",
      source: CHOSEN,
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": "#0b3a47", "fill-opacity": 0.12, "fill-outline-color": "#0b3a47" },
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
        "circle-stroke-color": "#0b3a47",
        "circle-stroke-width": 3,
      },
    },
    {
      id: "chosen-issue",
      type: "symbol",
      source: CHOSEN,
      filter: ["==", ["geometry-type"], "Point"],
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
