/** A small drawing of what lies around a place: borders of the grids, other reports, the circle of accuracy. A tap moves the place. */
import { t } from "../../i18n";
import type { GridArea, Issue, Spot } from "../records";
import { moved } from "./near";

const SIZE = 240;
const METRES = 120;
const METRES_PER_DEGREE = 111_320;

interface Props {
  readonly place: Spot;
  readonly grids: readonly GridArea[];
  readonly issues: readonly Issue[];
  readonly onMove: (place: Spot) => void;
}

export function Sketch({ place, grids, issues, onMove }: Props) {
  const narrow = Math.cos((place.lat * Math.PI) / 180);
  const scale = SIZE / METRES;
  const at = ([lon = 0, lat = 0]: readonly number[]): [number, number] => [
    SIZE / 2 + (lon - place.lon) * METRES_PER_DEGREE * narrow * scale,
    SIZE / 2 - (lat - place.lat) * METRES_PER_DEGREE * scale,
  ];
  const outline = (rings: readonly (readonly GeoJSON.Position[])[]): string =>
    rings.map((ring) => `M${ring.map((corner) => at(corner).map((each) => each.toFixed(1)).join(" ")).join("L")}Z`).join("");
  const paths = grids.map(({ code, geometry }) => [code, outline(geometry.type === "Polygon" ? geometry.coordinates : geometry.coordinates.flat())] as const);
  const tapped = (event: MouseEvent): void => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    onMove(moved(place, (x - 0.5) * METRES, (0.5 - y) * METRES));
  };
  const around = issues.filter(({ location }) => location !== null && at([location.lon, location.lat]).every((each) => each >= 0 && each <= SIZE));
  return (
    <svg class="patrol-sketch" viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={t("patrol.place.sketch")} onClick={tapped}>
      {paths.map(([code, path]) => <path key={code} class="patrol-sketch-grid" d={path} />)}
      {around.map(({ id, location }) => {
        const [x, y] = at([location?.lon ?? 0, location?.lat ?? 0]);
        return <circle key={id} class="patrol-sketch-issue" cx={x} cy={y} r="5" />;
      })}
      {place.accuracy_m !== undefined && <circle class="patrol-sketch-circle" cx={SIZE / 2} cy={SIZE / 2} r={place.accuracy_m * scale} />}
      <path class="patrol-sketch-place" d={`M${SIZE / 2} ${SIZE / 2 - 14}v28m-14 -14h28`} />
    </svg>
  );
}
