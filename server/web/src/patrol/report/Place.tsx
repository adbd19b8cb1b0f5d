/** Where it is: found by the phone, moved by hand with arrows or by a tap on the sketch, or said in words; the grid is named at once. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Spot } from "../records";
import { usePhone } from "../shell/live";
import { Locator } from "./locate";
import { moved } from "./near";
import { isAllowed, usePosition } from "./position";
import { Sketch } from "./Sketch";

interface Props {
  readonly place: Spot | null;
  readonly byHand: boolean;
  readonly onPlace: (place: Spot, byHand: boolean) => void;
}

const STEP_M = 5;
const ARROWS = [
  ["north", 0, STEP_M, "M12 19V5m-6 6 6-6 6 6"],
  ["west", -STEP_M, 0, "M19 12H5m6-6-6 6 6 6"],
  ["east", STEP_M, 0, "M5 12h14m-6-6 6 6-6 6"],
  ["south", 0, -STEP_M, "M12 5v14m-6-6 6 6 6-6"],
] as const;

export function Place({ place, byHand, onPlace }: Props) {
  const { book } = usePhone();
  const [asked, setAsked] = useState(false);
  const locator = useMemo(() => new Locator(book.grids), [book.grids]);
  const finding = usePosition(asked, (spot) => onPlace(spot, false));
  useEffect(() => {
    if (place === null) void isAllowed().then((allowed) => allowed && setAsked(true));
  }, []);
  const move = (to: Spot): void => {
    setAsked(false);
    onPlace({ lon: to.lon, lat: to.lat }, true);
  };
  const again = (): void => {
    setAsked(false);
    setTimeout(() => setAsked(true));
  };
  return (
    <section class="patrol-place" aria-labelledby="place">
      <h2 id="place">{t("patrol.place")}</h2>
      <p role="status" class={place === null ? "faint" : "patrol-lead"}>{place === null ? t(asked ? "patrol.place.working" : "patrol.place.why") : gridWords(locator, place)}</p>
      {place !== null && <p class="faint">{accuracyWords(locator, place, byHand)}</p>}
      {(finding === "denied" || finding === "failed") && <p class="notice" role="alert">{t(`patrol.place.${finding}`)}</p>}
      <button type="button" class="patrol-plain" onClick={again}>{t(place === null ? "patrol.place.find" : "patrol.place.again")}</button>
      {place !== null && (
        <details class="patrol-more">
          <summary>{t("patrol.place.move")}</summary>
          <Sketch place={place} grids={book.grids} issues={book.issues} onMove={move} />
          <div class="patrol-arrows" role="group" aria-label={t("patrol.place.arrows")}>
            {ARROWS.map(([name, east_m, north_m, path]) => (
              <button key={name} type="button" class={`patrol-arrow is-${name}`} aria-label={t(`patrol.place.${name}`, { n: STEP_M })} onClick={() => move(moved(place, east_m, north_m))}>
                <svg class="icon" width="28" height="28" viewBox="0 0 24 24" aria-hidden="true"><path d={path} /></svg>
              </button>
            ))}
          </div>
        </details>
      )}
    </section>
  );
}

function gridWords(locator: Locator, { lon, lat }: Spot): string {
  const grid = locator.locate(lon, lat);
  return grid === null ? t("patrol.place.elsewhere") : t("patrol.place.grid", { name: grid.name });
}

function accuracyWords(locator: Locator, { lon, lat, accuracy_m }: Spot, byHand: boolean): string {
  if (byHand || accuracy_m === undefined) return t("patrol.place.byhand");
  const near = locator.toBorder(lon, lat) < accuracy_m;
  return t(near ? "patrol.place.accuracy.border" : "patrol.place.accuracy", { n: Math.ceil(accuracy_m) });
}
