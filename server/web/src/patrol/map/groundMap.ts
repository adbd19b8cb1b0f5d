/**
 * The map of the patrol app: own grids, doors and reports from what the phone holds. Owns the MapLibre instance.
 *
 * Nothing is asked of any host: no tiles, no sprites, and no glyphs, so that letters come from the fonts of the phone.
 * Due doors are squares, others rings, reports diamonds: never by colour alone.
 */
import { type GeoJSONSource, Map as MapLibre, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { PALETTES, type Scheme } from "../../ground/palette";
import { FONTS } from "../../ground/style";
import type { GridArea, Spot } from "../records";
import type { Book } from "../shell/live";
import { dueOf } from "../today/due";

setWorkerUrl(workerUrl);

export interface Chosen {
  onHousehold(id: string): void;
  onIssue(id: string): void;
}

const FINGER_PX = 22;
const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const COLOURS = { light: { due: "#8c1d13", door: "#0f4c5c", issue: "#7a5600", here: "#0a66c2" }, dark: { due: "#ff9c92", door: "#83c8d8", issue: "#f0c25a", here: "#7db8f5" } } as const;

export class GroundMap {
  readonly ready: Promise<void>;
  readonly #map: MapLibre;
  #shown = false;

  constructor(box: HTMLElement, scheme: Scheme, label: string, chosen: Chosen) {
    this.#map = new MapLibre({
      container: box,
      style: style(scheme),
      center: [114.3, 25.7],
      zoom: 14,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      locale: { "Map.Title": label },
    });
    this.#map.touchZoomRotate.disableRotation();
    this.ready = new Promise((resolve) => this.#map.once("load", () => resolve()));
    this.#map.on("click", ({ point: { x, y } }) => {
      const around: [[number, number], [number, number]] = [[x - FINGER_PX, y - FINGER_PX], [x + FINGER_PX, y + FINGER_PX]];
      const found = this.#map.queryRenderedFeatures(around, { layers: ["issues", "doors"] })[0];
      const id = found?.properties.id as string | undefined;
      if (id !== undefined) (found?.layer.id === "issues" ? chosen.onIssue : chosen.onHousehold)(id);
    });
  }

  /** `around`: the grids next to the worker's own, drawn faint. */
  async show(book: Book, around: readonly GridArea[]): Promise<void> {
    await this.ready;
    this.#set("grids", book.grids.map(areaOf));
    this.#set("around", around.map(areaOf));
    this.#set("doors", doorsOf(book));
    this.#set("issues", book.issues.flatMap(({ id, location, closed }) => (location === null || closed !== null ? [] : [pointOf(location, { id })])));
    if (!this.#shown && book.grids.length > 0) this.fit(book.grids);
    this.#shown = true;
  }

  showHere(spot: Spot): void {
    this.#set("here", [pointOf(spot, {})]);
    this.#map.jumpTo({ center: [spot.lon, spot.lat], zoom: Math.max(this.#map.getZoom(), 16) });
  }

  fit(grids: readonly GridArea[]): void {
    const corners = grids.flatMap(({ geometry }) => (geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat()).flat());
    const [lons, lats] = [corners.map(([lon = 0]) => lon), corners.map(([, lat = 0]) => lat)];
    if (corners.length > 0) this.#map.fitBounds([least(lons), least(lats), most(lons), most(lats)], { padding: 24, animate: false });
  }

  zoomBy(steps: number): void {
    this.#map.jumpTo({ zoom: this.#map.getZoom() + steps });
  }

  remove(): void {
    this.#map.remove();
  }

  #set(source: string, features: GeoJSON.Feature[]): void {
    void this.#map.getSource<GeoJSONSource>(source)?.setData({ type: "FeatureCollection", features });
  }
}

const least = (values: readonly number[]): number => values.reduce((one, other) => Math.min(one, other), Infinity);
const most = (values: readonly number[]): number => values.reduce((one, other) => Math.max(one, other), -Infinity);

/** One point for each building, with how many doors are due there: doors of a building share its place. */
function doorsOf({ households, visits, tasks }: Book): GeoJSON.Feature[] {
  const now = Date.now();
  const visitsOf = new Map<string, Book["visits"][number][]>();
  for (const visit of visits) if (visit.household !== null) visitsOf.set(visit.household, [...(visitsOf.get(visit.household) ?? []), visit]);
  const buildings = new Map<string, { spot: Spot; id: string; due: number }>();
  for (const household of households) {
    if (household.location === null) continue;
    const { due } = dueOf(household, visitsOf.get(household.id) ?? [], tasks.filter((task) => task.household === household.id), now);
    const key = `${household.building} ${household.location.lon} ${household.location.lat}`;
    const building = buildings.get(key) ?? { spot: household.location, id: household.id, due: 0 };
    if (due && building.due === 0) building.id = household.id;
    building.due += Number(due);
    buildings.set(key, building);
  }
  return [...buildings].map(([key, { spot, id, due }]) => pointOf(spot, { id, due, name: key.split(" ")[0] ?? "" }));
}

function areaOf({ geometry, name }: GridArea): GeoJSON.Feature {
  return { type: "Feature", geometry, properties: { name } };
}

function pointOf({ lon, lat }: Spot, properties: GeoJSON.GeoJsonProperties): GeoJSON.Feature {
  return { type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties };
}

function style(scheme: Scheme): import("maplibre-gl").StyleSpecification {
  const palette = PALETTES[scheme];
  const colours = COLOURS[scheme];
  const halo = { "text-halo-color": palette.halo, "text-halo-width": 2 };
  const source = { type: "geojson", data: EMPTY } as const;
  return {
    version: 8,
    sources: { grids: source, around: source, doors: source, issues: source, here: source },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": palette.ground } },
      { id: "around-line", type: "line", source: "around", paint: { "line-color": palette.border, "line-width": 1.5, "line-opacity": 0.5, "line-dasharray": [4, 3] } },
      { id: "around-name", type: "symbol", source: "around", minzoom: 13, maxzoom: 16, layout: { "text-font": FONTS, "text-field": ["get", "name"], "text-size": 18 }, paint: { "text-color": palette.label, "text-opacity": 0.75, ...halo } },
      { id: "grid-fill", type: "fill", source: "grids", paint: { "fill-color": palette.notInCharge, "fill-opacity": 0.6 } },
      { id: "grid-line", type: "line", source: "grids", paint: { "line-color": palette.border, "line-width": 3 } },
      { id: "grid-name", type: "symbol", source: "grids", maxzoom: 16, layout: { "text-font": FONTS, "text-field": ["get", "name"], "text-size": 18 }, paint: { "text-color": palette.label, ...halo } },
      {
        id: "doors",
        type: "symbol",
        source: "doors",
        layout: { "text-font": FONTS, "text-field": ["case", [">", ["get", "due"], 0], ["concat", "■ ", ["to-string", ["get", "due"]]], "○"], "text-size": 22, "text-allow-overlap": true },
        paint: { "text-color": ["case", [">", ["get", "due"], 0], colours.due, colours.door], ...halo },
      },
      { id: "door-name", type: "symbol", source: "doors", minzoom: 16, layout: { "text-font": FONTS, "text-field": ["get", "name"], "text-size": 18, "text-offset": [0, 1.3], "text-optional": true }, paint: { "text-color": palette.label, ...halo } },
      { id: "issues", type: "symbol", source: "issues", layout: { "text-font": FONTS, "text-field": "◆", "text-size": 24, "text-allow-overlap": true }, paint: { "text-color": colours.issue, ...halo } },
      { id: "here", type: "circle", source: "here", paint: { "circle-radius": 10, "circle-color": colours.here, "circle-stroke-color": palette.halo, "circle-stroke-width": 4 } },
    ],
  };
}
