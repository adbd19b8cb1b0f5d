/**
 * The map on which grids are picked and lines drawn. Owns the MapLibre instance; knows nothing of drafts, lists or the
 * network beyond the tile addresses it was given.
 */
import { AJAXError, type GeoJSONSource, type LayerSpecification, Map as MapLibre, type MapMouseEvent, type StyleSpecification } from "maplibre-gl";
import type { Areas } from "../api/redraw";
import type { Bounds, Ground } from "../api/types";
import { FONTS, style } from "../ground/style";
import { absolute, type Camera, reducedMotion } from "../ground/view";

export type Point = [lon: number, lat: number];

export interface Hands {
  onArea(code: string): void;
  onPoint(point: Point): void;
}

/** What of a draft is drawn over the ground: its areas, and the ground that changes hands. */
export interface Overlay {
  areas: Areas;
  moved: GeoJSON.FeatureCollection;
}

const NOTHING: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const NO_AREAS: Areas = { type: "FeatureCollection", features: [] };
const OVERLAY = ["draft-fill", "draft-line", "moved-fill", "moved-line", "draft-label"];

export class RedrawMap {
  readonly #map: MapLibre;
  readonly #ready: Promise<void>;
  #drawing = false;

  constructor(container: HTMLElement, ground: Ground, at: Bounds | Camera | null, hands: Hands, label: string) {
    this.#map = new MapLibre({
      container,
      style: drawable(style(absolute(ground.tiles ?? ""), ground.kinds, ground.areas)),
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
    this.#map.on("click", (event) => {
      if (this.#drawing) hands.onPoint([event.lngLat.lng, event.lngLat.lat]);
      else this.#picked(event, hands);
    });
    this.#map.on("error", (event) => {
      if (!(event.error instanceof AJAXError || event.error instanceof TypeError)) console.error(event.error);
    });
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

  /** Whether clicks are points of a line; the line as it is so far. */
  async draw(drawing: boolean, points: readonly Point[]): Promise<void> {
    this.#drawing = drawing;
    await this.#ready;
    this.#map.getCanvas().style.cursor = drawing ? "crosshair" : "";
    this.#map.getContainer().dataset["drawing"] = String(drawing);
    const features: GeoJSON.Feature[] = points.map((at) => feature({ type: "Point", coordinates: at }));
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

  remove(): void {
    this.#map.remove();
  }

  #picked(event: MapMouseEvent, hands: Hands): void {
    const layers = ["draft-fill", "grid-fill"].filter((layer) => this.#map.getLayer(layer));
    const code: unknown = this.#map.queryRenderedFeatures(event.point, { layers })[0]?.properties["code"];
    if (typeof code === "string") hands.onArea(code);
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
      paint: { "circle-radius": 6, "circle-color": "#ffffff", "circle-stroke-color": "#b3261a", "circle-stroke-width": 3 },
    },
  ];
}

function feature(geometry: GeoJSON.Geometry): GeoJSON.Feature {
  return { type: "Feature", properties: {}, geometry };
}

function boundsOf(geometry: GeoJSON.Geometry): Bounds {
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
