/**
 * The map on which grids are picked and lines drawn. Owns the MapLibre instance; knows nothing of drafts, lists or the
 * network beyond the tile addresses it was given.
 */
import { AJAXError, type GeoJSONSource, type LayerSpecification, Map as MapLibre, type PointLike, type StyleSpecification } from "maplibre-gl";
import type { Areas } from "../api/redraw";
import type { Bounds, Ground } from "../api/types";
import { FONTS, style } from "../ground/style";
import { absolute, type Camera, reducedMotion } from "../ground/view";
import { boundsOf, type Point } from "./lines";

export type { Point };

export interface Hands {
  onArea(code: string): void;
  onPoint(point: Point): void;
  /** Nothing could be picked there: it was too small and is shown larger now, or no grid lies there. */
  onMissed(why: "small" | "nothing"): void;
}

/** What of a draft is drawn over the ground: its areas, and the ground that changes hands. */
export interface Overlay {
  areas: Areas;
  moved: GeoJSON.FeatureCollection;
}

const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const NO_AREAS: Areas = { type: "FeatureCollection", features: [] };
/** A grid narrower than this cannot be hit with intent. */
const LEAST_PX = 14;
/** How much nearer a tap on what is too small goes. */
const NEARER = 2.5;
/** From here on all grids are drawn that there are. */
const NAMED_ZOOM = 14;
const ARROW_PX = 8;
const ASK_AGAIN_MS = 1500;
const MOST_ASKED = 8;
const OVERLAY = ["draft-fill", "draft-line", "moved-fill", "moved-line", "draft-label"];

export class RedrawMap {
  readonly #map: MapLibre;
  readonly #ready: Promise<void>;
  readonly #boxes: ReadonlyMap<string, Bounds>;
  readonly #hands: Hands;
  #drawing = false;
  #asked = 0;
  #asking = 0;

  constructor(container: HTMLElement, ground: Ground, at: Bounds | Camera | null, hands: Hands, label: string) {
    this.#hands = hands;
    this.#boxes = new Map(ground.areas.map((area) => [area.code, area.bounds]));
    this.#map = new MapLibre({
      container,
      style: drawable(style(absolute(ground.tiles ?? ""), ground.kinds)),
      ...(Array.isArray(at) ? { bounds: at, fitBoundsOptions: { padding: 28, maxZoom: 16 } } : (at ?? {})),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxZoom: 20,
      fadeDuration: 0,
      locale: { "Map.Title": label },
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.doubleClickZoom.disable();
    this.#ready = new Promise((resolve) => void this.#map.once("load", () => resolve()));
    this.#map.on("click", (event) => this.#acted(event.point, event.lngLat));
    this.#map.getCanvas().addEventListener("keydown", (event) => this.#keyed(event));
    this.#map.on("error", (event) => {
      if (event.error instanceof AJAXError || event.error instanceof TypeError) this.#askAgain();
      else console.error(event.error);
    });
    this.#map.on("dataloading", () => this.#drawn(false));
    this.#map.on("idle", () => this.#drawn(true));
  }

  get ready(): Promise<void> {
    return this.#ready;
  }

  get camera(): Camera {
    const { lng, lat } = this.#map.getCenter();
    return { center: [lng, lat], zoom: this.#map.getZoom() };
  }

  /** Lay what a draft changes over the ground; null lays nothing. */
  async lay(overlay: Overlay | null, visible: boolean): Promise<void> {
    await this.#ready;
    const areas = overlay?.areas ?? NO_AREAS;
    await this.#source("draft").setData(areas);
    await this.#source("moved").setData(overlay?.moved ?? NOTHING);
    for (const layer of OVERLAY) this.#map.setLayoutProperty(layer, "visibility", visible ? "visible" : "none");
    const covered = visible ? areas.features.map(({ properties }) => properties.code) : [];
    this.#map.setFilter("grid-label", ["!", ["in", ["get", "code"], ["literal", covered]]]);
  }

  async pick(codes: readonly string[]): Promise<void> {
    await this.#ready;
    for (const layer of ["base-picked", "draft-picked"]) {
      this.#map.setFilter(layer, ["in", ["get", "code"], ["literal", [...codes]]]);
    }
  }

  /** Whether clicks are points of a line; the line as it is so far, and which of its points is moved now. */
  async draw(drawing: boolean, points: readonly Point[], active: number | null = null): Promise<void> {
    this.#drawing = drawing;
    await this.#ready;
    this.#map.getCanvas().style.cursor = drawing ? "crosshair" : "";
    this.#map.getContainer().dataset["drawing"] = String(drawing);
    const features: GeoJSON.Feature[] = points.map((at, place) => ({ ...feature({ type: "Point", coordinates: at }), properties: { active: place === active } }));
    if (points.length > 1) features.push(feature({ type: "LineString", coordinates: [...points] }));
    await this.#source("pen").setData({ type: "FeatureCollection", features });
  }

  /** Show a place, as where something is wrong. */
  async show(geometry: GeoJSON.Geometry | null): Promise<void> {
    await this.#ready;
    await this.#source("fault").setData({ type: "FeatureCollection", features: geometry ? [feature(geometry)] : [] });
    if (geometry) this.goTo(boundsOf(geometry));
  }

  goTo(bounds: Bounds): void {
    this.#map.fitBounds(bounds, { padding: 60, maxZoom: 18, ...(reducedMotion() && { duration: 0 }) });
  }

  zoomBy(step: 1 | -1): void {
    this.#map.zoomTo(this.#map.getZoom() + step, reducedMotion() ? { duration: 0 } : {});
  }

  /** How far one arrow key moves a point, in metres: a few pixels. */
  get arrow_m(): number {
    const { lng, lat } = this.#map.getCenter();
    const at = this.#map.project([lng, lat]);
    const beside = this.#map.unproject([at.x + ARROW_PX, at.y]);
    return Math.abs(beside.lng - lng) * 111_320 * Math.cos((lat * Math.PI) / 180);
  }

  remove(): void {
    window.clearTimeout(this.#asking);
    this.#map.remove();
  }

  /** The middle of the map is where keys act: arrows move it, Enter is a click there. */
  #keyed(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const middle = this.#map.getCenter();
    this.#acted(this.#map.project(middle), middle);
  }

  #acted(at: PointLike & { x: number; y: number }, place: { lng: number; lat: number }): void {
    if (this.#drawing) return this.#hands.onPoint([place.lng, place.lat]);
    const layers = ["draft-fill", "grid-fill"].filter((layer) => this.#map.getLayer(layer));
    const code: unknown = this.#map.queryRenderedFeatures(at, { layers })[0]?.properties["code"];
    if (typeof code === "string" && !this.#isSmall(code)) return this.#hands.onArea(code);
    if (typeof code !== "string" && this.#map.getZoom() >= NAMED_ZOOM) return this.#hands.onMissed("nothing");
    const zoom = Math.min(18, this.#map.getZoom() + NEARER);
    this.#map.easeTo({ center: place, zoom, ...(reducedMotion() && { duration: 0 }) });
    return this.#hands.onMissed("small");
  }

  #isSmall(code: string): boolean {
    const box = this.#boxes.get(code);
    if (!box) return false;
    const [left, right] = [this.#map.project([box[0], box[3]]), this.#map.project([box[2], box[1]])];
    return right.x - left.x < LEAST_PX && right.y - left.y < LEAST_PX;
  }

  /** Whether all that is to be seen is drawn; while it is not, the page says so. */
  #drawn(whole: boolean): void {
    if (whole) this.#asked = 0;
    this.#map.getContainer().dataset["drawn"] = String(whole);
  }

  /** Tiles that could not be had, as while another edition comes into force, are asked for again. */
  #askAgain(): void {
    if (this.#asked >= MOST_ASKED || this.#asking !== 0) return;
    this.#asked += 1;
    this.#asking = window.setTimeout(() => {
      this.#asking = 0;
      for (const source of Object.keys(this.#map.getStyle().sources)) {
        if (this.#map.getSource(source)?.type === "vector") this.#map.refreshTiles(source);
      }
    }, ASK_AGAIN_MS);
  }

  #source(name: string): GeoJSONSource {
    return this.#map.getSource(name) as GeoJSONSource;
  }
}

/** The style of the ground, pale, with what is drawn over it. */
function drawable(ground: StyleSpecification): StyleSpecification {
  const fill = ground.layers.find((layer) => layer.id === "grid-fill");
  const base = fill && "source" in fill ? fill.source : "";
  const names = ground.layers.findIndex((layer) => layer.type === "symbol");
  const layers = ground.layers.map((layer) =>
    layer.id === "grid-fill" ? ({ ...layer, paint: { "fill-color": "#fbfcfa" } } as LayerSpecification) : layer,
  );
  const source = { type: "geojson", data: NOTHING } as const;
  return {
    ...ground,
    sources: { ...ground.sources, draft: source, moved: source, pen: source, fault: source },
    layers: [...layers.slice(0, names), ...over(base), ...layers.slice(names), draftLabels(), ...pen()],
  };
}

function over(base: string): LayerSpecification[] {
  const round = { "line-join": "round", "line-cap": "round" } as const;
  const picked = { "line-color": "#0b3a47", "line-width": 4 } as const;
  const none: ["in", string, string] = ["in", "code", ""];
  return [
    { id: "draft-fill", type: "fill", source: "draft", paint: { "fill-color": "#fdf3d7" } },
    { id: "moved-fill", type: "fill", source: "moved", paint: { "fill-color": "#4a90d9", "fill-opacity": 0.5 } },
    { id: "moved-line", type: "line", source: "moved", layout: round, paint: { "line-color": "#2f6fb0", "line-width": 1, "line-dasharray": [3, 2] } },
    { id: "draft-line", type: "line", source: "draft", layout: round, paint: { "line-color": "#a15c00", "line-width": 2 } },
    { id: "base-picked", type: "line", source: base, "source-layer": "areas", layout: round, filter: none, paint: picked },
    { id: "draft-picked", type: "line", source: "draft", layout: round, filter: none, paint: picked },
    { id: "fault-fill", type: "fill", source: "fault", paint: { "fill-color": "#b3261a", "fill-opacity": 0.35 } },
    {
      id: "fault-point",
      type: "circle",
      source: "fault",
      filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-radius": 9, "circle-color": "rgba(179,38,26,0.25)", "circle-stroke-color": "#b3261a", "circle-stroke-width": 3 },
    },
    { id: "fault-line", type: "line", source: "fault", layout: round, paint: { "line-color": "#b3261a", "line-width": 3 } },
  ];
}

function draftLabels(): LayerSpecification {
  return {
    id: "draft-label",
    type: "symbol",
    source: "draft",
    layout: {
      "text-font": FONTS,
      "text-field": ["format", ["get", "name"], {}, "\n", {}, ["get", "code"], { "font-scale": 0.74 }],
      "text-size": 14,
      "text-max-width": 12,
    },
    paint: { "text-color": "#5a3400", "text-halo-color": "rgba(255,255,255,0.95)", "text-halo-width": 1.6 },
  };
}

function pen(): LayerSpecification[] {
  return [
    { id: "pen-line", type: "line", source: "pen", layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": "#b3261a", "line-width": 3 } },
    {
      id: "pen-point",
      type: "circle",
      source: "pen",
      filter: ["==", ["geometry-type"], "Point"],
      paint: {
        "circle-radius": ["case", ["get", "active"], 10, 6],
        "circle-color": ["case", ["get", "active"], "#b3261a", "#ffffff"],
        "circle-stroke-color": ["case", ["get", "active"], "#ffffff", "#b3261a"],
        "circle-stroke-width": 3,
      },
    },
  ];
}

function feature(geometry: GeoJSON.Geometry): GeoJSON.Feature {
  return { type: "Feature", properties: {}, geometry };
}
