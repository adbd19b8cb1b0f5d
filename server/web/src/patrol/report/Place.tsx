/** Where it is: found by the phone, set by hand on a small map or with arrows, or said in words; the grid is named at once. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { GridArea, Household, Spot } from "../records";
import { usePhone } from "../shell/live";
import { useNeighbours } from "../map/neighbours";
import { Locator } from "./locate";
import { buildingSpots, moved, nearestDoor, somewhere } from "./near";
import { isAllowed, usePosition } from "./position";
import { Sketch } from "./Sketch";

interface Props {
  readonly place: Spot | null;
  readonly byHand: boolean;
  readonly onPlace: (place: Spot, byHand: boolean) => void;
}

const STEP_M = 5;
const AT_DOOR_M = 3;
const ARROWS = [
  ["north", "ArrowUp", 0, STEP_M, "M12 19V5m-6 6 6-6 6 6"],
  ["west", "ArrowLeft", -STEP_M, 0, "M19 12H5m6-6-6 6 6 6"],
  ["east", "ArrowRight", STEP_M, 0, "M5 12h14m-6-6 6 6-6 6"],
  ["south", "ArrowDown", 0, -STEP_M, "M12 5v14m-6-6 6 6 6-6"],
] as const;

export function Place({ place, byHand, onPlace }: Props) {
  const { phone, book } = usePhone();
  const [asked, setAsked] = useState(false);
  /** Where the map is drawn to, while a finger holds it. */
  const [moving, setMoving] = useState<Spot | null>(null);
  const around = useNeighbours(phone, book);
  // Own grids first: what the phone knows of the neighbours may be older.
  const locator = useMemo(() => new Locator([...book.grids, ...around]), [book.grids, around]);
  const own = useMemo(() => new Set(book.grids.map(({ code }) => code)), [book.grids]);
  const finding = usePosition(asked, (spot) => onPlace(spot, false));
  useEffect(() => {
    if (place === null) void isAllowed().then((allowed) => allowed && setAsked(true));
  }, []);
  const move = (to: Spot): void => {
    setAsked(false);
    setMoving(null);
    onPlace({ lon: to.lon, lat: to.lat }, true);
  };
  const again = (): void => {
    setAsked(false);
    setTimeout(() => setAsked(true));
  };
  const shown = moving ?? place;
  return (
    <section class="patrol-place" aria-labelledby="place">
      <h2 id="place">{t("patrol.place")}</h2>
      <p role="status" class={shown === null ? "faint" : "patrol-lead"}>{shown === null ? t(asked ? "patrol.place.working" : "patrol.place.why") : gridWords(locator, own, shown)}</p>
      {shown !== null && <p class="faint">{[accuracyWords(locator, shown, byHand || moving !== null), doorWords(book.households, shown)].filter(Boolean).join(t("patrol.place.and"))}</p>}
      {(finding === "denied" || finding === "failed") && <p class="notice" role="alert">{t(`patrol.place.${finding}`)}</p>}
      <button type="button" class="patrol-plain" onClick={again}>{t(place === null ? "patrol.place.find" : "patrol.place.again")}</button>
      <ByHand place={place} shown={shown} around={around} onMoving={setMoving} onMove={move} />
    </section>
  );
}

interface ByHandProps {
  readonly place: Spot | null;
  readonly shown: Spot | null;
  readonly around: readonly GridArea[];
  readonly onMoving: (place: Spot | null) => void;
  readonly onMove: (place: Spot) => void;
}

/** The map and the arrows. Where nothing is known, the map begins somewhere among the worker's doors, which says nothing yet. */
function ByHand({ place, shown, around, onMoving, onMove }: ByHandProps) {
  const { book } = usePhone();
  const [open, setOpen] = useState(false);
  const doors = useMemo(() => buildingSpots(book.households), [book.households]);
  const issues = useMemo(() => book.issues.flatMap(({ location, closed }) => (location === null || closed !== null ? [] : [location])), [book.issues]);
  const guess = useMemo(() => somewhere(book.households, book.grids), [book.households, book.grids]);
  const at = shown ?? guess;
  if (at === null) return null;
  const pressed = (event: KeyboardEvent): void => {
    const arrow = ARROWS.find(([, key]) => key === event.key);
    if (arrow === undefined) return;
    event.preventDefault();
    onMove(moved(at, arrow[2], arrow[3]));
  };
  return (
    <details class="patrol-more" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t(place === null ? "patrol.place.show" : "patrol.place.move")}</summary>
      {open && (
        <>
          <p class="faint">{t("patrol.place.drag")}</p>
          <Sketch place={at} isGuess={place === null} grids={book.grids} around={around} doors={doors} issues={issues} onMoving={onMoving} onMove={onMove} />
          <div class="patrol-arrows" role="group" aria-label={t("patrol.place.arrows")} onKeyDown={pressed}>
            {ARROWS.map(([name, , east_m, north_m, path]) => (
              <button key={name} type="button" class={`patrol-arrow is-${name}`} aria-label={t(`patrol.place.${name}`, { n: STEP_M })} onClick={() => onMove(moved(at, east_m, north_m))}>
                <svg class="icon" width="28" height="28" viewBox="0 0 24 24" aria-hidden="true"><path d={path} /></svg>
              </button>
            ))}
          </div>
        </>
      )}
    </details>
  );
}

function gridWords(locator: Locator, own: ReadonlySet<string>, { lon, lat }: Spot): string {
  const grid = locator.locate(lon, lat);
  if (grid === null) return t("patrol.place.elsewhere");
  return t(own.has(grid.code) ? "patrol.place.grid" : "patrol.place.neighbour", { name: grid.name });
}

function doorWords(households: readonly Household[], place: Spot): string {
  const door = nearestDoor(households, place);
  if (door === null) return "";
  const metres = Math.round(door.distance_m);
  return metres < AT_DOOR_M ? t("patrol.place.at", { name: door.building }) : t("patrol.place.door", { name: door.building, n: metres });
}

function accuracyWords(locator: Locator, { lon, lat, accuracy_m }: Spot, byHand: boolean): string {
  if (byHand || accuracy_m === undefined) return t("patrol.place.byhand");
  const near = locator.toBorder(lon, lat) < accuracy_m;
  return t(near ? "patrol.place.accuracy.border" : "patrol.place.accuracy", { n: Math.ceil(accuracy_m) });
}
