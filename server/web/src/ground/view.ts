/**
 * The map itself, as one object with a few verbs. Owns the MapLibre instance and what is drawn on it;
 * knows nothing of filters, lists or the network beyond the tile addresses it was given.
 */
import {
  AJAXError,
  type GeoJSONSource,
  Map as MapLibre,
  type MapGeoJSONFeature,
  type MapMouseEvent,
  type PaddingOptions,
  type PointLike,
  ScaleControl,
  type VectorTileSource,
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import type { Area, Bounds, Ground, GridCount, IssuePoint } from "../api/types";
import { PIXEL_RATIO, draw, signOf } from "./icons";
import { type Measure, breaks, classOf, shade } from "./shades";
import { PALETTES, type Scheme } from "./palette";
import { AREAS_LAYER, CHOSEN, CHOSEN_AREA, CHOSEN_GRID, ISSUES, NEAREST_ZOOM, onlyArea, sourceOf, style, tilesOf } from "./style";

export { canDraw, drawing } from "./canvas";

setWorkerUrl(workerUrl);

/** Pixels of the map that a panel lies over while something is chosen. */
export interface Covered {
  right?: number;
  bottom?: number;
}

/** What the grids are shaded by: those that hold open issues, and the ids of those in charge that hold none. */
export interface Counts {
  grids: readonly GridCount[];
  quiet: readonly number[];
}

export interface Choices {
  onIssue(id: string): void;
  /** `code`: where the tile tells it; from far away it does not. */
  onGrid(id: number, code: string | null, place: [lon: number, lat: number]): void;
  /** Issues that no zoom tells apart. */
  onSpot(place: [lon: number, lat: number]): void;
  onNothing(): void;
  covered(): Covered;
}

/** Where a map is looked at: kept when the ground under it is another. */
export interface Camera {
  center: [lon: number, lat: number];
  zoom: number;
}

export interface MapWords {
  label: string;
}

const MAX_HOME_ZOOM = 16;
const NARROW_PX = 720;
const WIDE_MAP_PX = 900;
const TOUCH_PX = 8;
const MARGIN_PX = 90;

export class GroundView {
  readonly #map: MapLibre;
  readonly #gridSource: string | null;
  readonly #tiles: string;
  readonly #choices: Choices;
  readonly #scheme: Scheme;
  readonly #styled: Promise<void>;
  #removed = false;
  #shaded = new Map<number, string>();
  #hovered: number | null = null;
  readonly #ready: Promise<void>;
  #missedTiles = false;

  constructor(container: HTMLElement, ground: Ground, home: Bounds | Camera | null, choices: Choices, words: MapWords, scheme: Scheme = "light") {
    this.#scheme = scheme;
    const grid = ground.kinds.find((kind) => kind.is_locating);
    this.#gridSource = grid ? sourceOf(grid.code) : null;
    this.#tiles = absolute(ground.tiles ?? "");
    this.#choices = choices;
    this.#map = new MapLibre({
      container,
      style: style(this.#tiles, ground.kinds, PALETTES[scheme]),
      ...(Array.isArray(home) ? { bounds: home, fitBoundsOptions: fit(container) } : (home ?? {})),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      minZoom: 5,
      maxZoom: NEAREST_ZOOM,
      fadeDuration: reducedMotion() ? 0 : 150,
      locale: { "Map.Title": words.label },
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new ScaleControl({ unit: "metric" }), "bottom-right");
    this.#map.setMissingStyleImageResolver((name) => {
      const picture = draw(name);
      if (picture && !this.#map.hasImage(name)) this.#map.addImage(name, picture, { pixelRatio: PIXEL_RATIO });
    });
    this.#styled = new Promise((resolve) => void this.#map.once("style.load", () => resolve()));
    this.#ready = new Promise((resolve) => void this.#map.once("load", () => resolve()));
    this.#listen();
  }

  /** Resolves when style and first tiles are in; every verb below may be called before. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  get camera(): Camera {
    const { lng, lat } = this.#map.getCenter();
    return { center: [lng, lat], zoom: this.#map.getZoom() };
  }

  relabel(words: MapWords): void {
    this.#map.getCanvas().setAttribute("aria-label", words.label);
  }

  /** Colour the grids by one measure; grids that are not in `counts` are not in charge. */
  async shadeGrids({ grids, quiet }: Counts, measure: Measure): Promise<void> {
    await this.#styled;
    const bounds = breaks(grids.map((grid) => grid[measure]));
    const gone = new Set(this.#shaded.keys());
    const colour = (id: number, count: number): void => {
      gone.delete(id);
      const to = shade(measure, classOf(count, bounds), bounds.length, this.#scheme);
      if (this.#shaded.get(id) !== to) this.#set(id, { shade: to });
      this.#shaded.set(id, to);
    };
    for (const id of quiet) colour(id, 0);
    for (const grid of grids) colour(grid.id, grid[measure]);
    for (const id of gone) {
      this.#shaded.delete(id);
      this.#set(id, { shade: null });
    }
  }

  async showIssues(points: readonly IssuePoint[]): Promise<void> {
    await this.#lay(ISSUES, points.filter((point) => point.geometry !== null).map(asFeature));
  }

  /** Mark one issue, with the circle that its GPS error covers; null marks none. */
  async choose(point: IssuePoint | null, accuracy_m: number | null): Promise<void> {
    const features: GeoJSON.Feature[] = [];
    if (point?.geometry) {
      if (accuracy_m) features.push(disc(point.geometry.coordinates, accuracy_m));
      features.push(asFeature(point));
    }
    await this.#lay(CHOSEN, features);
  }

  /** Mark a place at which many lie. */
  async chooseSpot(place: [number, number]): Promise<void> {
    await this.#lay(CHOSEN, [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: place } }]);
  }

  /** Draw the border of an area above the grids strongly; null none. */
  async chooseArea(area: Area | null): Promise<void> {
    await this.#styled;
    if (area && !this.#removed) this.#map.getSource<VectorTileSource>(CHOSEN_AREA)?.setTiles([tilesOf(this.#tiles, area.kind)]);
    this.#mark(CHOSEN_AREA, area?.id ?? null);
  }

  async chooseGrid(id: number | null): Promise<void> {
    await this.#styled;
    this.#mark(CHOSEN_GRID, id);
  }

  #mark(layer: string, id: number | null): void {
    if (this.#removed || !this.#map.getLayer(layer)) return;
    this.#map.setFilter(layer, onlyArea(id));
    this.#map.setLayoutProperty(layer, "visibility", id === null ? "none" : "visible");
  }

  /** Bring a place into view, near enough to see its grid, clear of `covered` pixels of panels. */
  goTo(place: [number, number], covered: Covered = {}): void {
    const offset: PointLike = [-(covered.right ?? 0) / 2, -(covered.bottom ?? 0) / 2];
    const zoom = Math.max(this.#map.getZoom(), 15);
    this.#map.easeTo({ center: place, zoom, offset, ...(reducedMotion() && { duration: 0 }) });
  }

  /** Bring a box into view as a whole. */
  fit(bounds: Bounds): void {
    this.#map.fitBounds(bounds, { ...fit(this.#map.getContainer()), ...(reducedMotion() && { duration: 0 }) });
  }

  zoomBy(step: 1 | -1): void {
    const options = reducedMotion() ? { duration: 0 } : {};
    if (step > 0) this.#map.zoomIn(options);
    else this.#map.zoomOut(options);
  }

  /** Ask anew for tiles that could not be had while the server was out of reach. */
  async askAgain(): Promise<void> {
    await this.#ready;
    if (!this.#missedTiles) return;
    this.#missedTiles = false;
    for (const source of Object.keys(this.#map.getStyle().sources)) {
      if (this.#map.getSource(source)?.type === "vector") this.#map.refreshTiles(source);
    }
  }

  remove(): void {
    this.#removed = true;
    this.#map.remove();
  }

  #listen(): void {
    this.#map.on("click", (event) => void this.#clicked(event));
    this.#map.on("mousemove", (event) => this.#hover(event));
    this.#map.on("mouseout", () => this.#unhover());
    // A tile that cannot be had is no fault of the page, which says itself that the server is out of reach.
    this.#map.on("error", (event) => {
      if (event.error instanceof AJAXError || event.error instanceof TypeError) this.#missedTiles = true;
      else console.error(event.error);
    });
  }

  async #clicked(event: MapMouseEvent): Promise<void> {
    const cluster = this.#at(event, ["cluster"])[0];
    if (cluster) return this.#open(cluster);
    const issue = this.#at(event, ["chosen-issue", "issue"])[0];
    const grid = this.#grid(event);
    if (issue) this.#choices.onIssue(String(issue.properties["id"]));
    else if (grid !== null) this.#choices.onGrid(grid.id, grid.code, [event.lngLat.lng, event.lngLat.lat]);
    else return this.#choices.onNothing();
    return this.#uncover(event);
  }

  /** Move what was clicked out from under the panel that the click opened. */
  #uncover(event: MapMouseEvent): void {
    const { clientWidth, clientHeight } = this.#map.getContainer();
    const { right = 0, bottom = 0 } = this.#choices.covered();
    const x = Math.max(0, event.point.x - (clientWidth - right - MARGIN_PX));
    const y = Math.max(0, event.point.y - (clientHeight - bottom - MARGIN_PX));
    if (x > 0 || y > 0) this.#map.panBy([x, y], reducedMotion() ? { duration: 0 } : {});
  }

  async #open(cluster: MapGeoJSONFeature): Promise<void> {
    const source = this.#source(ISSUES);
    if (!source) return;
    const zoom = await source.getClusterExpansionZoom(Number(cluster.properties["cluster_id"]));
    const center = (cluster.geometry as GeoJSON.Point).coordinates as [number, number];
    if (zoom > NEAREST_ZOOM) return this.#choices.onSpot(center);
    this.#map.easeTo({ center, zoom: Math.min(zoom + 0.2, NEAREST_ZOOM), ...(reducedMotion() && { duration: 0 }) });
  }

  #hover(event: MapMouseEvent): void {
    const over = this.#at(event, ["cluster", "issue"])[0];
    const grid = this.#grid(event)?.id ?? null;
    this.#map.getCanvas().style.cursor = over || grid !== null ? "pointer" : "";
    if (grid === this.#hovered) return;
    this.#unhover();
    if (grid !== null) this.#set(grid, { hover: true });
    this.#hovered = grid;
  }

  #unhover(): void {
    if (this.#hovered !== null) this.#set(this.#hovered, { hover: false });
    this.#hovered = null;
  }

  /** What is drawn at the pointer; a finger is wider than a point. */
  #at(event: MapMouseEvent, layers: string[]): MapGeoJSONFeature[] {
    if (!this.#map.getLayer("issue")) return [];
    const { x, y } = event.point;
    const box: [PointLike, PointLike] = [
      [x - TOUCH_PX, y - TOUCH_PX],
      [x + TOUCH_PX, y + TOUCH_PX],
    ];
    return this.#map.queryRenderedFeatures(box, { layers });
  }

  #grid(event: MapMouseEvent): { id: number; code: string | null } | null {
    if (!this.#map.getLayer("grid-fill")) return null;
    const found = this.#map.queryRenderedFeatures(event.point, { layers: ["grid-fill"] })[0];
    return typeof found?.id === "number" ? { id: found.id, code: (found.properties["code"] as string | undefined) ?? null } : null;
  }

  #set(id: number, state: Record<string, unknown>): void {
    if (this.#gridSource === null || this.#removed) return;
    this.#map.setFeatureState({ source: this.#gridSource, sourceLayer: AREAS_LAYER, id }, state);
  }

  /** What is laid over the ground waits for the style, not for the tiles; a map that is gone takes nothing. */
  async #lay(name: string, features: GeoJSON.Feature[]): Promise<void> {
    await this.#styled;
    await this.#source(name)?.setData({ type: "FeatureCollection", features });
  }

  #source(name: string): GeoJSONSource | undefined {
    return this.#removed ? undefined : (this.#map.getSource(name) as GeoJSONSource | undefined);
  }
}

function asFeature(point: IssuePoint): GeoJSON.Feature<GeoJSON.Point> {
  const { how, ambiguous } = point.properties;
  return {
    type: "Feature",
    geometry: point.geometry as GeoJSON.Point,
    properties: { id: point.id, sign: signOf(point.properties), doubtful: ambiguous || (how !== null && how !== "inside") },
  };
}

/** A circle of so many metres around a lon-lat point, good at the scale of a city. */
function disc([lon, lat]: [number, number], radius_m: number): GeoJSON.Feature<GeoJSON.Polygon> {
  const northward = radius_m / 111_320;
  const eastward = northward / Math.cos((lat * Math.PI) / 180);
  const ring = Array.from({ length: 65 }, (_, step) => {
    const angle = (step * 2 * Math.PI) / 64;
    return [lon + eastward * Math.cos(angle), lat + northward * Math.sin(angle)];
  });
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** Room around the home view: beside the legend where the map is wide, above the sheet on a phone. */
function fit(container: HTMLElement): { padding: PaddingOptions; maxZoom: number } {
  const wide = container.clientWidth > WIDE_MAP_PX;
  const padding =
    window.innerWidth < NARROW_PX
      ? { top: 64, bottom: 276, left: 14, right: 14 }
      : { top: 28, bottom: 28, left: wide ? 256 : 28, right: 28 };
  return { padding, maxZoom: MAX_HOME_ZOOM };
}

export function absolute(path: string): string {
  // MapLibre fetches tiles in a worker, which has no page address to resolve against.
  return `${location.origin}${path}`;
}

export function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
