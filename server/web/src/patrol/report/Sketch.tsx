/**
 * A small map of what lies around a place: borders of own grids and, faint, of others, buildings, reports, the circle of
 * accuracy. The pin stays in the middle: one finger draws the map under it, or a tap brings the place there.
 */
import { useMemo, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { Icon } from "../../page/Icon";
import type { GridArea, Spot } from "../records";
import { METRES_PER_DEGREE, distance, moved } from "./near";

const SIZE = 240;
/** What the width of the map may show, in metres. */
const WIDTHS_M = [60, 120, 240, 480, 960, 1_920] as const;
/** So far (in pixels) a finger may slip and still tap. */
const SLIP_PX = 8;
const ANCHOR_M = 5_000;

interface Props {
  readonly place: Spot;
  /** Whether nobody has said yet that it is here: more is shown then. */
  readonly isGuess: boolean;
  readonly grids: readonly GridArea[];
  readonly around: readonly GridArea[];
  readonly doors: readonly Spot[];
  readonly issues: readonly Spot[];
  /** While a finger draws; null where the hand was lost. */
  readonly onMoving: (place: Spot | null) => void;
  readonly onMove: (place: Spot) => void;
}

interface Grip {
  readonly pointer: number;
  readonly x: number;
  readonly y: number;
  readonly from: Spot;
  isDrawn: boolean;
}

export function Sketch({ place, isGuess, grids, around, doors, issues, onMoving, onMove }: Props) {
  const [width, setWidth] = useState(() => (isGuess ? 4 : 1));
  const width_m = WIDTHS_M[width] ?? 120;
  const scale = SIZE / width_m;
  const grip = useRef<Grip | null>(null);
  /** Paths are written once around an anchor: under a finger only their place changes. */
  const anchor = useRef(place);
  if (distance(anchor.current, place) > ANCHOR_M) anchor.current = place;
  const origin = anchor.current;
  const own = useMemo(() => grids.map((grid) => pathOf(grid, origin)).join(""), [grids, origin]);
  const others = useMemo(() => around.map((grid) => pathOf(grid, origin)).join(""), [around, origin]);
  const [east, north] = offset(place, origin);

  const to = ({ clientX, clientY, currentTarget }: PointerEvent, { x, y, from }: Grip): Spot => {
    const metres = width_m / (currentTarget as SVGElement).getBoundingClientRect().width;
    return moved(from, (x - clientX) * metres, (clientY - y) * metres);
  };
  const down = (event: PointerEvent): void => {
    if (!event.isPrimary || event.button !== 0) return;
    (event.currentTarget as SVGElement).setPointerCapture(event.pointerId);
    grip.current = { pointer: event.pointerId, x: event.clientX, y: event.clientY, from: { lon: place.lon, lat: place.lat }, isDrawn: false };
  };
  const move = (event: PointerEvent): void => {
    const held = grip.current;
    if (held?.pointer !== event.pointerId) return;
    held.isDrawn ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) > SLIP_PX;
    if (held.isDrawn) onMoving(to(event, held));
  };
  const up = (event: PointerEvent): void => {
    const held = grip.current;
    if (held?.pointer !== event.pointerId) return;
    grip.current = null;
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const metres = width_m / box.width;
    if (held.isDrawn) onMove(to(event, held));
    else onMove(moved(held.from, (held.x - box.left - box.width / 2) * metres, (box.top + box.height / 2 - held.y) * metres));
  };
  const lost = (): void => {
    grip.current = null;
    onMoving(null);
  };
  const seen = (spots: readonly Spot[]): [number, number][] =>
    spots.map((spot) => offset(spot, place)).map(([x, y]): [number, number] => [SIZE / 2 + x * scale, SIZE / 2 - y * scale]).filter(([x, y]) => 0 <= x && x <= SIZE && 0 <= y && y <= SIZE);

  return (
    <div class="patrol-sketch-box">
      <svg class="patrol-sketch" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={t("patrol.place.sketch")} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={lost}>
        <g transform={`translate(${SIZE / 2} ${SIZE / 2}) scale(${scale}) translate(${-east} ${north})`}>
          <path class="patrol-sketch-around" d={others} />
          <path class="patrol-sketch-grid" d={own} />
        </g>
        {seen(doors).map(([x, y]) => <rect key={`${x} ${y}`} class="patrol-sketch-door" x={x - 4} y={y - 4} width="8" height="8" />)}
        {seen(issues).map(([x, y]) => <circle key={`${x} ${y}`} class="patrol-sketch-issue" cx={x} cy={y} r="5" />)}
        {place.accuracy_m !== undefined && <circle class="patrol-sketch-circle" cx={SIZE / 2} cy={SIZE / 2} r={place.accuracy_m * scale} />}
        <path class="patrol-sketch-place" d={`M${SIZE / 2} ${SIZE / 2 - 14}v28m-14 -14h28`} />
      </svg>
      <div class="patrol-sketch-buttons">
        <button type="button" aria-label={t("map.zoom.in")} disabled={width === 0} onClick={() => setWidth(width - 1)}><Icon name="plus" size={24} /></button>
        <button type="button" aria-label={t("map.zoom.out")} disabled={width === WIDTHS_M.length - 1} onClick={() => setWidth(width + 1)}><Icon name="minus" size={24} /></button>
      </div>
    </div>
  );
}

/** Return how far (m) a place is to the east and north of another. */
function offset({ lon, lat }: Spot, origin: Spot): [number, number] {
  const narrow = Math.cos((origin.lat * Math.PI) / 180);
  return [(lon - origin.lon) * METRES_PER_DEGREE * narrow, (lat - origin.lat) * METRES_PER_DEGREE];
}

/** The outline of a grid in metres around an anchor, north up. */
function pathOf({ geometry }: GridArea, origin: Spot): string {
  const rings = geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat();
  const corner = ([lon = 0, lat = 0]: GeoJSON.Position): string => {
    const [x, y] = offset({ lon, lat }, origin);
    return `${x.toFixed(1)} ${(-y).toFixed(1)}`;
  };
  return rings.map((ring) => `M${ring.map(corner).join("L")}Z`).join("");
}
