/** The line of an operation: its points, clicked on the map, typed, or moved by arrow keys; and lines to begin with. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../page/Icon";
import { type Point, moved, readPoint, written } from "./lines";

const ARROWS: Record<string, [east: number, north: number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const FINE = 0.1;

interface Props {
  doing: "split" | "border";
  points: readonly Point[];
  /** How far one arrow moves a point, in metres. */
  step_m: () => number;
  onPoints: (points: Point[]) => void;
  /** The point that is moved now, to be seen on the map. */
  onActive: (place: number | null) => void;
  /** Resolves to a line to begin with; none where it cannot be had. */
  onBegin: (way: "level" | "upright" | "border") => Promise<Point[] | null>;
}

export function Pen({ doing, points, step_m, onPoints, onActive, onBegin }: Props) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const handles = useRef<HTMLOListElement>(null);
  const begin = async (way: "level" | "upright" | "border"): Promise<void> => {
    setTrouble(null);
    const line = await onBegin(way);
    if (line === null) return setTrouble(t(way === "border" ? "pen.noborder" : "pen.noshape"));
    onPoints(line);
    // The keyboard goes on where the line can be moved.
    window.setTimeout(() => handles.current?.querySelector<HTMLButtonElement>(".pen-handle")?.focus(), 0);
  };
  const set = (place: number, point: Point): void => onPoints(points.map((each, number) => (number === place ? point : each)));
  return (
    <>
      <p class="notice">{t(`draft.line.${doing}`)}</p>
      <p class="links">
        {doing === "split" ? (
          <>
            <button type="button" class="quiet" onClick={() => void begin("level")}>{t("pen.level")}</button>
            <button type="button" class="quiet" onClick={() => void begin("upright")}>{t("pen.upright")}</button>
          </>
        ) : (
          <button type="button" class="quiet" onClick={() => void begin("border")}>{t("pen.border")}</button>
        )}
        <span role="status">{t("draft.line.points", { n: points.length })}</span>
        <button type="button" class="quiet" disabled={points.length === 0} onClick={() => onPoints(points.slice(0, -1))}>{t("draft.line.back")}</button>
      </p>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {points.length > 0 && <p class="faint pen-keys">{t("pen.keys")}</p>}
      <ol ref={handles} class="pen-points">
        {points.map((point, place) => (
          <Vertex
            key={place}
            place={place}
            point={point}
            step_m={step_m}
            onMove={(to) => set(place, to)}
            onActive={onActive}
            onDrop={() => onPoints(points.filter((_, number) => number !== place))}
          />
        ))}
      </ol>
      <Typed onAdd={(added) => onPoints([...points, ...added])} />
    </>
  );
}

interface VertexProps {
  place: number;
  point: Point;
  step_m: () => number;
  onMove: (to: Point) => void;
  onActive: (place: number | null) => void;
  onDrop: () => void;
}

function Vertex({ place, point, step_m, onMove, onActive, onDrop }: VertexProps) {
  const [typed, setTyped] = useState<string | null>(null);
  useEffect(() => () => onActive(null), []);
  const name = t("pen.point", { n: place + 1 });
  const keyed = (event: KeyboardEvent): void => {
    const way = ARROWS[event.key];
    if (way) {
      event.preventDefault();
      const far_m = step_m() * (event.shiftKey ? FINE : 1);
      onMove(moved(point, way[0] * far_m, way[1] * far_m));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      onDrop();
    }
  };
  const type = (text: string): void => {
    setTyped(text);
    const read = readPoint(text);
    if (read) onMove(read);
  };
  const wrong = typed !== null && readPoint(typed) === null;
  return (
    <li>
      <button type="button" class="quiet pen-handle" aria-label={t("pen.move", { point: name, at: written(point) })} onKeyDown={keyed} onFocus={() => onActive(place)} onBlur={() => onActive(null)}>
        ✥ {place + 1}
      </button>
      <input
        aria-label={name}
        aria-invalid={wrong}
        inputMode="text"
        value={typed ?? written(point)}
        onInput={(event) => type(event.currentTarget.value)}
        onFocus={() => onActive(place)}
        onBlur={() => {
          setTyped(null);
          onActive(null);
        }}
      />
      <button type="button" class="quiet" aria-label={t("pen.drop", { point: name })} onClick={onDrop}><Icon name="close" size={14} /></button>
    </li>
  );
}

/** Further points, one a line, as they are pasted or typed. */
function Typed({ onAdd }: { onAdd: (points: Point[]) => void }) {
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const add = (): void => {
    const lines = text.split(/\n/).filter((line) => line.trim() !== "");
    const read = lines.map(readPoint);
    const bad = lines.find((_, number) => read[number] === null);
    if (bad !== undefined || lines.length === 0) return setWrong(t("pen.unread", { text: bad ?? "" }));
    setWrong(null);
    setText("");
    onAdd(read as Point[]);
  };
  return (
    <div class="pen-typed">
      <label class="pick">
        <span>{t("pen.typed")}</span>
        <textarea
          rows={2}
          value={text}
          placeholder="117.2710, 31.8610"
          aria-invalid={wrong !== null}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            add();
          }}
        />
      </label>
      <button type="button" class="quiet" onClick={add}>{t("pen.add")}</button>
      {wrong !== null && <p class="warning" role="alert">{wrong}</p>}
    </div>
  );
}
