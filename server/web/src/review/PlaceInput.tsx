/** A position in a form: on a small map, by typed coordinates, and the grid that it lies in told by its name. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { read } from "../api/client";
import type { Bounds, Ground, Named } from "../api/types";
import { homeOf } from "../board/ground";
import { canDraw } from "../ground/view";
import { t, tData } from "../i18n";
import { Icon } from "../page/Icon";
import { refuseOrLeave } from "../page/reading";
import { type Point, moved, readPoint } from "../redraw/lines";
import { RedrawMap } from "../redraw/map";
import { DATUMS, type Datum, pickedAt, readPosition, swapped, writePosition, written } from "./places";

interface Props {
  id: string;
  ground: Ground;
  words: string;
  wrong: boolean;
  describedBy: string | undefined;
  onInput: (words: string) => void;
}

interface Told {
  lon: number;
  lat: number;
  grid: Partial<Named> & { how: string; candidates: string[]; distance_m: number | null };
}

const ARROWS: Record<string, [east: number, north: number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const RESTED_MS = 250;
/** About this many degrees around a place are shown. */
const AROUND = 0.004;

export function PlaceInput({ id, ground, words, wrong, describedBy, onInput }: Props) {
  const position = readPosition(words);
  const [typed, setTyped] = useState<string | null>(null);
  const [told, setTold] = useState<Told | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const at = position.point === null ? "" : `lon=${position.point[0]}&lat=${position.point[1]}&accuracy_m=${position.accuracy_m ?? 0}&datum=${position.datum}`;
  useEffect(() => {
    setTrouble(null);
    if (at === "") return setTold(null);
    const asking = new AbortController();
    const timer = window.setTimeout(() => {
      read<Told>(`/v1/editions/place?${at}`, asking.signal).then(setTold, (error: unknown) => refuseOrLeave(error, setTrouble));
    }, RESTED_MS);
    return () => {
      window.clearTimeout(timer);
      asking.abort();
    };
  }, [at]);
  const latest = useRef(position);
  latest.current = position;
  const pick = (point: Point): void => {
    setTyped(null);
    onInput(writePosition(pickedAt(latest.current, point)));
  };
  const type = (text: string): void => {
    setTyped(text);
    const point = readPoint(text);
    if (point !== null || text.trim() === "") onInput(writePosition({ ...latest.current, point }));
  };
  const shown: Point | null = told ? [told.lon, told.lat] : position.point;
  const other = told?.grid.how === "outside" || position.point === null ? swapped(position) : null;
  const missing = position.sent === null ? t("place.none") : t("place.bad", { at: position.sent.join(", ") });
  return (
    <div class="place">
      <PlaceMap ground={ground} point={shown} onPick={pick} />
      <p role="status" class={told?.grid.how === "outside" ? "place-grid is-outside" : "place-grid"}>{at === "" ? missing : gridOf(told)}</p>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      <div class="place-typed">
        <label class="pick">
          <span>{t("place.typed")}</span>
          <input
            id={id}
            type="text"
            value={typed ?? (position.point ? written(position.point) : "")}
            placeholder="117.271000, 31.861000"
            aria-invalid={wrong || (typed !== null && typed.trim() !== "" && readPoint(typed) === null)}
            aria-describedby={describedBy}
            onInput={(event) => type(event.currentTarget.value)}
            onBlur={() => setTyped(null)}
          />
        </label>
        <label class="pick">
          <span>{t("place.datum")}</span>
          <select value={position.datum} onChange={(event) => onInput(writePosition({ ...position, datum: event.currentTarget.value as Datum }))}>
            {DATUMS.map((each) => <option key={each} value={each}>{tData("datum", each)}</option>)}
          </select>
        </label>
      </div>
      {other !== null && (
        <button type="button" class="quiet" onClick={() => onInput(writePosition({ ...position, point: other }))}>{t("place.swap", { at: written(other) })}</button>
      )}
    </div>
  );
}

function gridOf(told: Told | null): string {
  if (told === null) return t("place.looking");
  const { name, code, how, distance_m } = told.grid;
  if (how === "outside" || !name) return t("place.outside");
  const said = t("place.grid", { name, code: code ?? "" });
  return how === "near" ? t("place.near", { grid: said, m: Math.round(distance_m ?? 0) }) : said;
}

/** A place from near; what lies far from home together with it, so that it is seen where it went. */
function firstView([lon, lat]: Point, home: Bounds | null): Bounds {
  const near: Bounds = [lon - AROUND, lat - AROUND, lon + AROUND, lat + AROUND];
  const isFar = home !== null && (near[2] < home[0] || near[0] > home[2] || near[3] < home[1] || near[1] > home[3]);
  return isFar ? [Math.min(home[0], near[0]), Math.min(home[1], near[1]), Math.max(home[2], near[2]), Math.max(home[3], near[3])] : near;
}

/** The map: a click is the place; with the focus on it, Shift and arrows move the place, Enter takes the middle. */
function PlaceMap({ ground, point, onPick }: { ground: Ground; point: Point | null; onPick: (point: Point) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const map = useRef<RedrawMap | null>(null);
  const picking = useRef(onPick);
  const gone = useRef<string>("");
  picking.current = onPick;
  const drawn = canDraw() && ground.tiles !== null;
  const home = useMemo(() => homeOf(ground), [ground]);
  useEffect(() => {
    if (!drawn || !box.current) return undefined;
    const hands = { onArea: () => undefined, onMissed: () => undefined, onPoint: (at: Point) => picking.current(at) };
    const made = new RedrawMap(box.current, ground, home, hands, t("place.map"));
    map.current = made;
    void made.draw(true, []);
    return () => {
      map.current = null;
      made.remove();
    };
  }, [drawn, ground.tiles]);
  useEffect(() => {
    void map.current?.draw(true, point ? [point] : [], point ? 0 : null);
    // The first place is gone to; what is picked then is in view already.
    if (!point || gone.current !== "") return;
    gone.current = written(point);
    const box = firstView(point, home);
    void map.current?.ready.then(() => map.current?.goTo(box));
  }, [point?.[0], point?.[1], drawn]);
  const keyed = (event: KeyboardEvent): void => {
    const way = ARROWS[event.key];
    if (!way || !event.shiftKey || !point || !map.current) return;
    event.preventDefault();
    event.stopPropagation();
    onPick(moved(point, way[0] * map.current.arrow_m, way[1] * map.current.arrow_m));
  };
  if (!drawn) return null;
  return (
    <div class="place-map ground-map" onKeyDownCapture={keyed}>
      <div ref={box} class="map-canvas" />
      <p class="map-drawing" aria-hidden="true">{t("ground.drawing")}</p>
      <span class="map-middle" aria-hidden="true" />
      <div class="map-buttons">
        <button type="button" aria-label={t("map.zoom.in")} onClick={() => map.current?.zoomBy(1)}>+</button>
        <button type="button" aria-label={t("map.zoom.out")} onClick={() => map.current?.zoomBy(-1)}>−</button>
        {home && <button type="button" aria-label={t("map.home")} onClick={() => map.current?.goTo(home)}><Icon name="home" /></button>}
      </div>
    </div>
  );
}
