/** One draft: the tools, its steps, what the check finds, what it changes for whom, and its publication. */
import { useEffect, useRef, useState } from "preact/hooks";
import { change, Refused, read, remove } from "../api/client";
import type { Areas, Changes, Draft, Findings, Impact } from "../api/redraw";
import { t } from "../i18n";
import { Ask } from "../page/Ask";
import { refuseOrLeave, wordsOf } from "../page/reading";
import { Trouble } from "../page/Staff";
import { moment } from "../time";
import { Changed } from "./Changed";
import { around, boundsOf } from "./lines";
import type { Table } from "./table";
import type { Overlay, RedrawMap } from "./map";
import { boxOf } from "./places";
import { Publish, Working } from "./Publish";
import { Steps } from "./Steps";
import { Check, Consequences } from "./Told";
import { type Operation, Tools } from "./Tools";

interface Props {
  table: Table;
  id: number;
  onClose: () => void;
  onPublished: () => void;
}

/** All that is told of a draft as it stands in one version. */
interface Standing {
  draft: Draft;
  areas: Areas;
  changes: readonly Changes[];
  moved: GeoJSON.FeatureCollection;
  findings: Findings;
  impact: Impact;
}

const STALE = 412;
const LEAST_M2 = 1;
/** What becomes of an area without its ground. */
const OTHERWISE = new Set(["renamed", "moved", "restored"]);

async function load(id: number): Promise<Standing> {
  const here = `/v1/drafts/${id}`;
  const [draft, areas, told, findings, impact] = await Promise.all([
    read<Draft>(here),
    read<Areas>(`${here}/areas?changed=true&limit=5000`),
    read<{ changes: Changes[] }>(`${here}/changes`),
    read<Findings>(`${here}/findings`),
    read<Impact>(`${here}/impact`),
  ]);
  const moved = { type: "FeatureCollection" as const, features: told.changes.flatMap((each) => each.moved.features.filter(isGround)) };
  return { draft, areas: { ...areas, features: redrawn(areas, told.changes) }, changes: told.changes, moved, findings, impact };
}

/** Whether a piece of ground was moved by somebody; a border that got a corner moves by less than a metre of ground. */
function isGround({ properties }: GeoJSON.Feature): boolean {
  return (properties as { area_m2: number }).area_m2 >= LEAST_M2;
}

/** The areas that are other than they were: of ground, new, or by another name; no neighbour that only got a corner. */
function redrawn({ features }: Areas, changes: readonly Changes[]): Areas["features"] {
  const moved = changes.flatMap((each) => each.moved.features.filter(isGround).flatMap(({ properties }) => [properties?.from, properties?.to]));
  const otherwise = changes.flatMap(({ lineage }) => lineage.filter(({ how }) => OTHERWISE.has(how)).map(({ target }) => target));
  const before = new Set(changes.flatMap((each) => each.before));
  const made = changes.flatMap((each) => each.after.filter((code) => !before.has(code)));
  const touched = new Set([...moved, ...otherwise, ...made]);
  return features.filter(({ properties }) => touched.has(properties.code));
}

export function DraftPage({ table, id, onClose, onPublished }: Props) {
  const [standing, setStanding] = useState<Standing | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const [after, setAfter] = useState(true);
  const [asking, setAsking] = useState<"publish" | "drop" | null>(null);
  const [busy, setBusy] = useState(false);
  const fitted = useRef<RedrawMap | null>(null);
  const refresh = async (): Promise<void> => {
    setTrouble(null);
    await load(id).then(setStanding, (error: unknown) => refuseOrLeave(error, setTrouble));
  };
  useEffect(() => void refresh(), [id, table.ground.tiles]); // another edition may supersede it
  useEffect(() => {
    const overlay: Overlay | null = standing && { areas: standing.areas, moved: standing.moved };
    void table.map?.lay(overlay, after);
    // A draft that is opened shows what it changes; afterwards the map stays where the person looks.
    const box = standing && around([...standing.areas.features, ...standing.moved.features].map(({ geometry }) => boundsOf(geometry)));
    if (!table.map || !standing || fitted.current === table.map) return;
    fitted.current = table.map;
    if (box) table.map.goTo(box);
  }, [standing, after, table.map]);

  /** Change the draft as it was seen; resolve to whether that was done. */
  const act = async <T,>(what: string, body?: unknown): Promise<T | null> => {
    setTold(null);
    setBusy(true);
    try {
      const answer = await change<T>("POST", `/v1/drafts/${id}/${what}`, tag(standing?.draft), body ?? {});
      setAfter(true);
      await table.map?.show(null);
      await refresh();
      return answer;
    } catch (error) {
      if (error instanceof Refused && error.status === STALE) await refresh();
      refuseOrLeave(error, () => setTold(error instanceof Refused && error.status === STALE ? t("draft.stale") : wordsOf(error)));
      return null;
    } finally {
      setBusy(false);
    }
  };
  if (standing === null) return trouble === null ? <p class="nothing" role="status">{t("live.loading")}</p> : <Trouble words={trouble} again={() => void refresh()} />;
  const { draft, areas, changes, findings, impact } = standing;
  const gone = new Set(changes.flatMap((each) => each.gone));
  const errors = findings.features.filter(({ properties }) => properties.severity === "error").length;
  const done = draft.done ?? [];
  const planned = draft.planned?.state === "waiting" ? draft.planned : null;
  const open = draft.published_edition === null && planned === null;
  const withdraw = async (plan: number): Promise<void> => {
    setTold(null);
    await remove(`/v1/editions/plans/${plan}`).catch((error: unknown) => refuseOrLeave(error, setTold));
    await refresh();
  };
  const rebase = async (): Promise<void> => {
    const answer = await act<{ conflicts: unknown[] }>("rebase", { on_conflict: "leave-out" });
    if (answer && answer.conflicts.length > 0) setTold(t("draft.conflicts", { n: answer.conflicts.length }));
  };
  return (
    <>
      <button type="button" class="bar-back" onClick={onClose}>{t("draft.back")}</button>
      <h1>{draft.name}</h1>
      <p class="faint under">{t("draft.of", { author: draft.author_name ?? draft.author, n: draft.base_edition })}</p>
      {trouble !== null && <Trouble words={trouble} again={() => void refresh()} />}
      {draft.published_edition !== null && <p class="notice">{t("draft.published", { n: draft.published_edition })}</p>}
      {planned !== null && (
        <div class="notice">
          <span>{t("draft.planned", { at: moment(planned.at, new Date()) })}</span>
          <button type="button" class="quiet" onClick={() => void withdraw(planned.plan)}>{t("draft.withdraw")}</button>
        </div>
      )}
      {draft.planned?.state === "refused" && <p class="notice trouble">{t("draft.plan.refused")}</p>}
      {draft.superseded && (
        <div class="notice trouble">
          <span>{t("draft.superseded")}</span>
          <button type="button" class="quiet" onClick={() => void rebase()}>{t("draft.rebase")}</button>
        </div>
      )}
      <fieldset class="segments is-small">
        <legend class="unseen">{t("draft.show")}</legend>
        {([false, true] as const).map((each) => (
          <label key={String(each)}>
            <input type="radio" name="after" checked={after === each} onChange={() => setAfter(each)} />
            <span>{t(each ? "draft.after" : "draft.before")}</span>
          </label>
        ))}
      </fieldset>
      {told !== null && <p class="warning" role="alert">{told}</p>}
      <Working on={busy} words={t("draft.working")} />
      {open && <Tools key={draft.version} table={table} draft={id} areas={areas} gone={gone} onOperation={async (each: Operation) => (await act("operations", each)) !== null} />}
      <Steps done={done} open={open} busy={busy} ground={table.ground} areas={areas} map={table.map} onUndo={() => void act("undo")} onRedo={() => void act("redo")} />
      {draft.operations > 0 && <Changed changes={changes} areas={areas} ground={table.ground} map={table.map} onShow={setAfter} />}
      {draft.operations > 0 && <Check findings={findings} map={table.map} placeOf={(codes) => around(codes.map((code) => boxOf(code, table.ground, areas)).filter((box) => box !== null))} />}
      {draft.operations > 0 && <Consequences impact={impact} />}
      {open && (
        <p class="card-foot ground-foot">
          <button type="button" class="quiet is-grave" disabled={busy} onClick={() => setAsking("drop")}>{t("draft.drop")}</button>
          <span class="faint">{draft.operations > 0 && t(errors > 0 ? "draft.foot.shut" : "draft.foot.open", { steps: draft.operations, n: errors })}</span>
          <button type="button" class="do" disabled={busy || draft.operations === 0 || !findings.open || draft.superseded} onClick={() => setAsking("publish")}>
            {t("draft.publish")}
          </button>
        </p>
      )}
      {asking === "publish" && <Publish draft={draft} tag={tag(draft)} impact={impact} onClose={() => setAsking(null)} onPublished={onPublished} />}
      {asking === "drop" && (
        <Ask
          title={t("draft.drop.title", { name: draft.name })}
          confirm={t("draft.drop")}
          grave
          onConfirm={() => change("DELETE", `/v1/drafts/${id}`, tag(draft)).then(onClose)}
          onClose={() => setAsking(null)}
        >
          <p>{t("draft.drop.text")}</p>
        </Ask>
      )}
    </>
  );
}

function tag(draft: Draft | undefined): string {
  return `"v${draft?.version ?? 0}"`;
}
