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
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Bounds, Ground, GridCount, IssuePoint } from "../api/types";
import { PIXEL_RATIO, draw, signOf } from "./icons";
import { type Measure, breaks, classOf, shade } from "./shades";
import { AREAS_LAYER, CHOSEN, ISSUES, sourceOf, style } from "./style";

setWorkerUrl(workerUrl);

/** Pixels of the map that a panel lies over while something is chosen. */
export interface Covered {
  right?: number;
  bottom?: number;
}

export interface Choices {
  onIssue(id: string): void;
  onGrid(id: number): void;
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
  readonly #choices: Choices;
  #shaded = new Set<number>();
  #hovered: number | null = null;
  #chosenGrid: number | null = null;
  #ready: Promise<void>;
  #missedTiles = false;

  constructor(container: HTMLElement, ground: Ground, home: Bounds | Camera | null, choices: Choices, words: MapWords) {
    const grid = ground.kinds.find((kind) => kind.is_locating);
    this.#gridSource = grid ? sourceOf(grid.code) : null;
    this.#choices = choices;
    this.#map = new MapLibre({
      container,
      style: style(absolute(ground.tiles ?? ""), ground.kinds, ground.areas),
      ...(Array.isArray(home) ? { bounds: home, fitBoundsOptions: fit(container) } : (home ?? {})),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      minZoom: 5,
      maxZoom: 19,
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
  async shadeGrids(counts: readonly GridCount[], measure: Measure): Promise<void> {
    await this.#ready;
    if (this.#gridSource === null) return;
    const bounds = breaks(counts.map((grid) => grid[measure]));
    const gone = new Set(this.#shaded);
    for (const grid of counts) {
      gone.delete(grid.id);
      this.#shaded.add(grid.id);
      this.#set(grid.id, { shade: shade(measure, classOf(grid[measure], bounds), bounds.length) });
    }
    for (const id of gone) {
      this.#shaded.delete(id);
      this.#set(id, { shade: null });
    }
  }

  async showIssues(points: readonly IssuePoint[]): Promise<void> {
    await this.#ready;
    const features = points.filter((point) => point.geometry !== null).map(asFeature);
    await this.#source(ISSUES).setData({ type: "FeatureCollection", features });
  }

  /** Mark one issue, with the circle that its GPS error covers; null marks none. */
  async choose(point: IssuePoint | null, accuracy_m: number | null): Promise<void> {
    await this.#ready;
    const features: GeoJSON.Feature[] = [];
    if (point?.geometry) {
      if (accuracy_m) features.push(disc(point.geometry.coordinates, accuracy_m));
      features.push(asFeature(point));
    }
    await this.#source(CHOSEN).setData({ type: "FeatureCollection", features });
  }

  async chooseGrid(id: number | null): Promise<void> {
    await this.#ready;
    if (this.#chosenGrid !== null) this.#set(this.#chosenGrid, { chosen: false });
    this.#chosenGrid = id;
    if (id !== null) this.#set(id, { chosen: true });
  }

  /** Bring a place into view, near enough to see its grid, clear of `covered` pixels of panels. */
  goTo(place: [number, number], covered: Covered = {}): void {
    const offset: PointLike = [-(covered.right ?? 0) / 2, -(covered.bottom ?? 0) / 2];
    const zoom = Math.max(this.#map.getZoom(), 15);
    this.#map.easeTo({ center: place, zoom, offset, ...(reducedMotion() && { duration: 0 }) });
  }

  goHome(bounds: Bounds): void {
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
    else if (grid !== null) this.#choices.onGrid(grid);
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
    const zoom = await source.getClusterExpansionZoom(Number(cluster.properties["cluster_id"]));
    const center = (cluster.geometry as GeoJSON.Point).coordinates as [number, number];
    this.#map.easeTo({ center, zoom: Math.min(zoom + 0.2, 19), ...(reducedMotion() && { duration: 0 }) });
  }

  #hover(event: MapMouseEvent): void {
    const over = this.#at(event, ["cluster", "issue"])[0];
    const grid = this.#grid(event);
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

  #grid(event: MapMouseEvent): number | null {
    if (!this.#map.getLayer("grid-fill")) return null;
    const found = this.#map.queryRenderedFeatures(event.point, { layers: ["grid-fill"] })[0];
    return typeof found?.id === "number" ? found.id : null;
  }

  #set(id: number, state: Record<string, unknown>): void {
    if (this.#gridSource === null) return;
    this.#map.setFeatureState({ source: this.#gridSource, sourceLayer: AREAS_LAYER, id }, state);
  }

  #source(name: string): GeoJSONSource {
    return this.#map.getSource(name) as GeoJSONSource;
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
      ? { top: 64, bottom: 236, left: 14, right: 14 }
      : { top: 28, bottom: 28, left: wide ? 256 : 28, right: 28 };
  return { padding, maxZoom: MAX_HOME_ZOOM };
}

export function absolute(path: string): string {
  // MapLibre fetches tiles in a worker, which has no page address to resolve against.
  return `${location.origin}${path}`;
}

/** What a map is drawn from, as one text: where it is the same, what else is known of the ground draws nothing anew. */
export function drawing({ tiles, kinds }: Ground): string {
  return `${tiles} ${kinds.map((kind) => kind.code).join(" ")}`;
}

export function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Whether this browser can draw a map at all. */
export function canDraw(): boolean {
  return document.createElement("canvas").getContext("webgl2") !== null;
}
