/** What can be done with the grids that are picked: a line drawn on the map, or a form, becomes one operation. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Areas } from "../api/redraw";
import { t } from "../i18n";
import { Icon } from "../page/Icon";
import { nextCode } from "./codes";
import { Even } from "./Even";
import { Finder, type Found } from "./Finder";
import { Entry, Form, type FormProps, type Operation } from "./Form";
import { across, boundsOf, type Point, sharedBorder } from "./lines";
import type { Table } from "./table";
import { nextName } from "./names";
import { Pen } from "./Pen";
import { boxOf, shapesOf } from "./places";

export type { Operation };
type Doing = "split" | "border" | "merge" | "rename" | "even" | "heal";

interface Props {
  table: Table;
  draft: number;
  areas: Areas;
  gone: ReadonlySet<string>;
  /** Resolves to whether it was done. */
  onOperation: (operation: Operation) => Promise<boolean>;
}

export function Tools({ table, draft, areas, gone, onOperation }: Props) {
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [doing, setDoing] = useState<Doing | null>(null);
  const [points, setPoints] = useState<readonly Point[]>([]);
  const [active, setActive] = useState<number | null>(null);
  const [missed, setMissed] = useState<"small" | "nothing" | null>(null);
  const [busy, setBusy] = useState(false);
  const draws = doing === "split" || doing === "border";
  const names = useMemo(() => namesOf(table, areas), [table.ground, areas]);
  const parents = useMemo(() => parentsOf(table, areas), [table.ground, areas]);
  const drawn = useMemo(() => drawnBy(table, areas), [table.ground, areas]);

  useEffect(() => {
    table.hands.current = {
      onArea: (code) => {
        setMissed(null);
        setPicked((now) => (now.includes(code) ? now.filter((each) => each !== code) : [...now, code]));
      },
      onPoint: (point) => setPoints((now) => [...now, point]),
      onMissed: setMissed,
    };
  }, [table.hands]);
  useEffect(() => void table.map?.pick(picked), [picked, table.map]);
  useEffect(() => void table.map?.draw(draws, points, active), [draws, points, active, table.map]);

  const pick = (area: Found): void => {
    setMissed(null);
    setPicked((now) => (now.includes(area.code) ? now : [...now, area.code]));
    const box = boxOf(area.code, table.ground, areas) ?? area.bounds;
    table.map?.goTo(box);
  };
  const begin = async (way: "level" | "upright" | "border"): Promise<Point[] | null> => {
    const shapes = await shapesOf(draft, picked, table.ground, areas);
    const [one, other] = picked.map((code) => shapes.get(code));
    if (!one) return null;
    if (way !== "border") return across(one, way);
    const line = other ? sharedBorder(one, other) : [];
    return line.length > 1 ? line : null;
  };
  const stop = (): void => {
    setDoing(null);
    setPoints([]);
  };
  const go = async (operation: Operation): Promise<void> => {
    setBusy(true);
    const done = await onOperation(operation);
    setBusy(false);
    if (!done) return;
    setPicked([]);
    stop();
  };
  if (doing !== null) {
    const props = { picked, names, parents, points, busy, onGo: go, onCancel: stop };
    return (
      <div class="ground-tool">
        {draws && <Pen doing={doing} points={points} step_m={() => table.map?.arrow_m ?? 5} onPoints={setPoints} onActive={setActive} onBegin={begin} />}
        {doing === "split" && <Split {...props} />}
        {doing === "border" && <Form {...props} operation={{ kind: "reshape", codes: picked, line: lineOf(points) }} ready={points.length > 1} />}
        {doing === "merge" && <Merge {...props} />}
        {doing === "rename" && <Rename {...props} />}
        {doing === "even" && <Even {...props} />}
        {doing === "heal" && <Even {...props} heals />}
      </div>
    );
  }
  const tool = (name: Doing, enabled: boolean) => (
    <button key={name} type="button" class="quiet" disabled={!enabled} onClick={() => setDoing(name)}>{t(`draft.${name}`)}</button>
  );
  return (
    <div class="ground-tool">
      <Finder ground={table.ground} drawn={drawn} gone={gone} onPick={pick} onEnter={(area) => table.map?.goTo(area.bounds)} />
      {missed !== null && <p class="notice" role="status">{t(`draft.missed.${missed}`)}</p>}
      {picked.length === 0 ? <p class="faint">{t("draft.hint")}</p> : (
        <p class="ground-picked">
          {t("draft.picked")}
          {picked.map((code) => (
            <button key={code} type="button" class="chip" aria-label={t("draft.unpick", { name: names.get(code) ?? code })} onClick={() => setPicked(picked.filter((each) => each !== code))}>
              {names.get(code) ?? code} <Icon name="close" size={13} />
            </button>
          ))}
        </p>
      )}
      <p class="links">
        {tool("split", picked.length === 1)}
        {tool("merge", picked.length > 1)}
        {tool("border", picked.length === 2)}
        {tool("rename", picked.length === 1)}
        {tool("even", picked.length === 1)}
        {tool("heal", picked.length > 1)}
      </p>
    </div>
  );
}

function namesOf({ ground }: Table, areas: Areas): ReadonlyMap<string, string> {
  const names = new Map(ground.areas.map((area) => [area.code, area.name]));
  for (const { properties } of areas.features) names.set(properties.code, properties.name);
  return names;
}

function parentsOf({ ground }: Table, areas: Areas): ReadonlyMap<string, string | null> {
  const parents = new Map(ground.areas.map((area) => [area.code, area.parent]));
  for (const { properties } of areas.features) parents.set(properties.code, properties.parent);
  return parents;
}

/** What the ground in force has not, or under another name. */
function drawnBy({ ground }: Table, areas: Areas): Found[] {
  const known = new Map(ground.areas.map((area) => [area.code, area.name]));
  const kind = ground.kinds.find((each) => each.is_locating)?.code ?? "grid";
  return areas.features
    .filter(({ properties }) => known.get(properties.code) !== properties.name)
    .map(({ properties, geometry }) => ({ code: properties.code, name: properties.name, kind, bounds: boundsOf(geometry) }));
}

function lineOf(points: readonly Point[]): GeoJSON.LineString {
  return { type: "LineString", coordinates: [...points] };
}

function Split(props: FormProps) {
  const code = props.picked[0] ?? "";
  const name = props.names.get(code) ?? code;
  const [left, setLeft] = useState({ code, name });
  const [right, setRight] = useState(() => {
    const next = nextCode(code, props.names.keys(), props.parents.get(code) ?? null);
    return { code: next, name: nextName(name, props.names.values()) };
  });
  const operation = { kind: "split", code, line: lineOf(props.points), left, right };
  return (
    <Form {...props} operation={operation} ready={props.points.length > 1}>
      <Entry words={t("draft.left")} value={left.code} onChange={(value) => setLeft({ ...left, code: value })} />
      <Entry words={t("draft.left.name")} value={left.name} onChange={(value) => setLeft({ ...left, name: value })} />
      <Entry words={t("draft.right")} value={right.code} onChange={(value) => setRight({ ...right, code: value })} />
      <Entry words={t("draft.right.name")} value={right.name} onChange={(value) => setRight({ ...right, name: value })} />
    </Form>
  );
}

function Merge(props: FormProps) {
  const [into, setInto] = useState(props.picked[0] ?? "");
  return (
    <Form {...props} operation={{ kind: "merge", codes: props.picked, into }}>
      <label class="pick">
        <span>{t("draft.into")}</span>
        <select value={into} onChange={(event) => setInto(event.currentTarget.value)}>
          {props.picked.map((code) => <option key={code} value={code}>{props.names.get(code) ?? ""} {code}</option>)}
        </select>
      </label>
    </Form>
  );
}

function Rename(props: FormProps) {
  const code = props.picked[0] ?? "";
  const [name, setName] = useState(props.names.get(code) ?? "");
  return (
    <Form {...props} operation={{ kind: "rename", code, name }}>
      <Entry words={t("draft.newname")} value={name} onChange={setName} />
    </Form>
  );
}
