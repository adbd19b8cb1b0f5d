/** What can be done with the grids that are picked: a line drawn on the map, or a form, becomes one operation. */
import { useEffect, useState } from "preact/hooks";
import type { Areas } from "../api/redraw";
import { t } from "../i18n";
import { Icon } from "../page/Icon";
import { nextCode } from "./codes";
import { Even } from "./Even";
import { Entry, Form, type FormProps, type Operation } from "./Form";
import type { Table } from "./main";
import type { Point } from "./map";

export type { Operation };
type Doing = "split" | "border" | "merge" | "rename" | "even" | "heal";

interface Props {
  table: Table;
  areas: Areas | null;
  /** Resolves to whether it was done. */
  onOperation: (operation: Operation) => Promise<boolean>;
}

export function Tools({ table, areas, onOperation }: Props) {
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [doing, setDoing] = useState<Doing | null>(null);
  const [points, setPoints] = useState<readonly Point[]>([]);
  const [busy, setBusy] = useState(false);
  const draws = doing === "split" || doing === "border";
  const names = namesOf(table, areas);

  useEffect(() => {
    table.hands.current = {
      onArea: (code) => setPicked((now) => (now.includes(code) ? now.filter((each) => each !== code) : [...now, code])),
      onPoint: (point) => setPoints((now) => [...now, point]),
    };
  }, [table.hands]);
  useEffect(() => void table.map?.pick(picked), [picked, table.map]);
  useEffect(() => void table.map?.draw(draws, points), [draws, points, table.map]);

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
    const props = { picked, names, points, busy, onGo: go, onCancel: stop };
    return (
      <div class="ground-tool">
        {draws && <Pen doing={doing} points={points} onBack={() => setPoints(points.slice(0, -1))} />}
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

function namesOf({ ground }: Table, areas: Areas | null): ReadonlyMap<string, string> {
  const names = new Map(ground.areas.map((area) => [area.code, area.name]));
  for (const { properties } of areas?.features ?? []) names.set(properties.code, properties.name);
  return names;
}

function lineOf(points: readonly Point[]): GeoJSON.LineString {
  return { type: "LineString", coordinates: [...points] };
}

function Pen({ doing, points, onBack }: { doing: "split" | "border"; points: readonly Point[]; onBack: () => void }) {
  return (
    <>
      <p class="notice">{t(`draft.line.${doing}`)}</p>
      <p class="links">
        <span role="status">{t("draft.line.points", { n: points.length })}</span>
        <button type="button" class="quiet" disabled={points.length === 0} onClick={onBack}>{t("draft.line.back")}</button>
      </p>
    </>
  );
}

function Split(props: FormProps) {
  const code = props.picked[0] ?? "";
  const name = props.names.get(code) ?? code;
  const [left, setLeft] = useState({ code, name });
  const [right, setRight] = useState({ code: nextCode(code, props.names.keys()), name: `${name}二` });
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
