/** One draft: the tools, its steps, what the check finds, what it changes for whom, and its publication. */
import { useEffect, useState } from "preact/hooks";
import { change, Refused, read, remove } from "../api/client";
import type { Areas, Changes, Done, Draft, Findings, Impact } from "../api/redraw";
import { type Key, t } from "../i18n";
import { Ask } from "../page/Ask";
import { refuseOrLeave, wordsOf } from "../page/reading";
import { Trouble } from "../page/Staff";
import { moment } from "../time";
import { Balanced, balanceOf } from "./Even";
import type { Table } from "./main";
import type { Overlay } from "./map";
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
  moved: GeoJSON.FeatureCollection;
  findings: Findings;
  impact: Impact;
}

const STALE = 412;

async function load(id: number): Promise<Standing> {
  const here = `/v1/drafts/${id}`;
  const [draft, areas, told, findings, impact] = await Promise.all([
    read<Draft>(here),
    read<Areas>(`${here}/areas?changed=true&limit=5000`),
    read<{ changes: Changes[] }>(`${here}/changes`),
    read<Findings>(`${here}/findings`),
    read<Impact>(`${here}/impact`),
  ]);
  const moved = { type: "FeatureCollection" as const, features: told.changes.flatMap((each) => each.moved.features) };
  return { draft, areas: { ...areas, features: redrawn(areas, told.changes) }, moved, findings, impact };
}

/** The areas that are other than they were; a neighbour that only got a corner on its border is not. */
function redrawn({ features }: Areas, changes: readonly Changes[]): Areas["features"] {
  const touched = new Set(changes.flatMap(({ lineage }) => lineage.flatMap(({ source, target }) => [source, target])));
  return features.filter(({ properties }) => touched.has(properties.code));
}

export function DraftPage({ table, id, onClose, onPublished }: Props) {
  const [standing, setStanding] = useState<Standing | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const [after, setAfter] = useState(true);
  const [asking, setAsking] = useState<"publish" | "drop" | null>(null);
  const refresh = async (): Promise<void> => {
    setTrouble(null);
    await load(id).then(setStanding, (error: unknown) => refuseOrLeave(error, setTrouble));
  };
  useEffect(() => void refresh(), [id, table.ground.tiles]); // another edition may supersede it
  useEffect(() => {
    const overlay: Overlay | null = standing && { areas: standing.areas, moved: standing.moved };
    void table.map?.lay(overlay, after);
  }, [standing, after, table.map]);

  /** Change the draft as it was seen; resolve to whether that was done. */
  const act = async <T,>(what: string, body?: unknown): Promise<T | null> => {
    setTold(null);
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
    }
  };
  if (standing === null) return trouble === null ? <p class="nothing" role="status">{t("live.loading")}</p> : <Trouble words={trouble} again={() => void refresh()} />;
  const { draft, areas, findings, impact } = standing;
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
      <p class="faint under">{t("draft.of", { author: draft.author, n: draft.base_edition })}</p>
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
      {open && <Tools key={draft.version} table={table} areas={areas} onOperation={async (each: Operation) => (await act("operations", each)) !== null} />}
      <Steps done={done} open={open} onUndo={() => void act("undo")} onRedo={() => void act("redo")} />
      {draft.operations > 0 && <Check findings={findings} map={table.map} />}
      {draft.operations > 0 && <Consequences impact={impact} />}
      {open && (
        <p class="card-foot">
          <button type="button" class="quiet is-grave" onClick={() => setAsking("drop")}>{t("draft.drop")}</button>
          <button type="button" class="do" disabled={draft.operations === 0 || !findings.open || draft.superseded} onClick={() => setAsking("publish")}>
            {t("draft.publish")}
          </button>
        </p>
      )}
      {asking === "publish" && <Publish draft={draft} impact={impact} onClose={() => setAsking(null)} onPublished={onPublished} />}
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

interface StepsProps {
  done: readonly Done[];
  open: boolean;
  onUndo: () => void;
  onRedo: () => void;
}

function Steps({ done, open, onUndo, onRedo }: StepsProps) {
  return (
    <section class="panel">
      <div class="head">
        <h2>{t("draft.steps")}</h2>
        {open && (
          <span class="links">
            <button type="button" class="quiet" disabled={!done.some((step) => !step.undone)} onClick={onUndo}>{t("draft.undo")}</button>
            <button type="button" class="quiet" disabled={!done.some((step) => step.undone)} onClick={onRedo}>{t("draft.redo")}</button>
          </span>
        )}
      </div>
      {done.length === 0 && <p class="faint">{t("draft.nosteps")}</p>}
      <ol class="ground-steps">
        {done.map((step) => (
          <li key={step.position} class={step.undone ? "is-undone" : ""}>
            {t(`redraw.${step.kind}` as Key, { codes: codesOf(step) })}
            <Outcome step={step} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function Outcome({ step }: { step: Done }) {
  const balance = balanceOf(step.parameters);
  return balance === null ? null : <Balanced balance={balance} />;
}

function codesOf({ parameters }: Done): string {
  const { code, codes, file, areas } = parameters as { code?: string; codes?: string[]; file?: string; areas?: { code: string }[] };
  if (file !== undefined) return t("import.step", { file, n: areas?.length ?? 0 });
  if (areas !== undefined) return areas.map((area) => area.code).join(", ");
  return (codes ?? (code === undefined ? [] : [code])).join(", ");
}

function Publish({ draft, impact, onClose, onPublished }: { draft: Draft; impact: Impact; onClose: () => void; onPublished: () => void }) {
  const [note, setNote] = useState("");
  const moved = impact.pairs.reduce((sum, pair) => sum + pair.households + pair.open_issues, 0);
  const publish = async (): Promise<void> => {
    await change("POST", `/v1/drafts/${draft.id}/publish`, tag(draft), { note });
    // The ground of this page is the old one now: it is read anew with the page.
    onPublished();
    location.reload();
  };
  return (
    <Ask title={t("draft.publish.title", { name: draft.name })} confirm={t("draft.publish")} onConfirm={publish} onClose={onClose}>
      <p>{t("draft.publish.text", { moved })}</p>
      <label class="pick">
        <span>{t("draft.note")}</span>
        <textarea rows={2} maxLength={1000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
    </Ask>
  );
}
