/** The desk of a handling body: its cases by light; sign for, return, answer with photos, ask for more time; many at once. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseRow } from "../api/cases";
import type { Named } from "../api/types";
import type { WaitingWork } from "../api/work";
import { CaseView } from "../case/CaseView";
import { LightChips } from "../case/LightChips";
import { type Page, useCaseRows } from "../case/rows";
import { useCase } from "../case/useCase";
import { followWork } from "../case/work";
import { pick, t, tData } from "../i18n";
import { steps, usePlace } from "../page/place";
import { query, refuseOrLeave, useRead } from "../page/reading";
import { Sign } from "../page/Sign";
import { type Here, More, Trouble } from "../page/Staff";
import { leftOf } from "../time";
import { BATCH_STEPS, type BatchStep, fitting, takeAll } from "./batch";
import "../styles/case.css";

export interface DeskRow extends Pick<CaseRow, "id" | "number" | "state" | "description" | "address" | "light" | "light_due_at" | "light_stage" | "due_at" | "severity" | "private" | "masked"> {
  part: "lead" | "assisting";
  category: { code: string; name_zh: string; name_en: string };
  grid: Named | null;
}

const PARTS = ["", "lead", "assisting"] as const;
const AT_ONCE = 200;

const opened = (answer: { cases: DeskRow[]; cursor: string | null }): Page<DeskRow> => ({ rows: answer.cases, cursor: answer.cursor });

export function Desk(_: Here) {
  const { search } = usePlace();
  const asked = new URLSearchParams(search);
  const [light, state, id] = [asked.get("light") ?? "", asked.get("state") ?? "", asked.get("case")];
  const part = asked.get("part") ?? "";
  const rows = useCaseRows<DeskRow>(`/v1/desk/cases?${query({ limit: AT_ONCE, part, light, state })}`, opened as never);
  const waiting = useRead<WaitingWork>("/v1/work", rows.at);
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [chosen, choose] = useState<string | null>(null);
  const one = useCase(id);
  const now = new Date();
  useEffect(() => followWork(rows.again), [rows.again]);
  useEffect(() => choose(null), [id]);
  const back = useRef<string | null>(null);
  const to = (parts: Record<string, string | null>): string => {
    const set = new URLSearchParams();
    for (const [name, value] of Object.entries({ light, state, part, case: id, ...parts })) if (value) set.set(name, value);
    return set.toString();
  };
  const show = (next: string | null): void => {
    if (next === null) steps.leave(to({ case: null }));
    else steps.take(to({ case: next }));
  };
  useEffect(() => {
    if (id !== null) back.current = id;
    else if (back.current !== null) cardOf(back.current)?.focus();
  }, [id]);
  const toCard = (): void => {
    if (id === null) return undefined;
    const card = cardOf(id);
    return card?.offsetParent ? card.focus() : show(null);
  };
  return (
    <div class={id === null ? "work is-list" : "work is-open"} onKeyDown={(event) => event.key === "Escape" && toCard()}>
      <h1 class="unseen">{t("nav.desk")}</h1>
      <section class="work-side is-cards" aria-label={t("nav.desk")}>
        <p class="work-title" aria-hidden="true">{t("nav.desk")}</p>
        <LightChips counts={waiting.value?.desk?.lights ?? null} chosen={light} onChoose={(each) => steps.settle(to({ light: each }))} />
        <div class="picks">
          <label class="pick">
            <span>{t("filter.state")}</span>
            <select value={state} onChange={(event) => steps.settle(to({ state: event.currentTarget.value }))}>
              <option value="">{t("filter.state.any")}</option>
              {["dispatched", "received", "in_progress", "extended", "suspended", "reworked", "done"].map((each) => <option key={each} value={each}>{tData("state", each)}</option>)}
            </select>
          </label>
          <label class="pick">
            <span>{t("desk.part")}</span>
            <select value={part} onChange={(event) => steps.settle(to({ part: event.currentTarget.value }))}>
              {PARTS.map((each) => <option key={each} value={each}>{t(each === "" ? "filter.all" : `desk.part.${each}`)}</option>)}
            </select>
          </label>
        </div>
        {rows.trouble !== null && <Trouble words={rows.trouble} again={rows.again} />}
        <p class="unseen" role="status">{rows.fresh > 0 && t("duty.fresh", { n: rows.fresh })}</p>
        {rows.at && rows.rows.length === 0 && <p class="nothing">{t("desk.none")}</p>}
        <ul class="desk-cards">
          {rows.rows.map((row) => (
            <Card key={row.id} row={row} now={now} open={row.id === id} picked={picked.has(row.id)} onPick={() => setPicked(toggled(picked, row.id))} onOpen={() => show(row.id)} />
          ))}
        </ul>
        {rows.hasMore && <More busy={rows.busy} onMore={rows.more} />}
        <Batch rows={rows.rows} picked={picked} onPicked={setPicked} onDone={rows.again} />
      </section>
      <section class="work-case" aria-label={t("duty.case")}>
        {id === null ? <p class="nothing">{t("desk.choose")}</p> : (
          <CaseView
            key={id}
            one={{ ...one, changed: (life) => { one.changed(life); rows.again(); } }}
            chosen={chosen}
            focused
            now={now}
            onChoose={choose}
            onClose={() => show(null)}
          />
        )}
      </section>
    </div>
  );
}

function cardOf(id: string): HTMLElement | null {
  return document.getElementById(`open-${id}`);
}

function toggled(set: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
}

interface CardProps {
  row: DeskRow;
  now: Date;
  open: boolean;
  picked: boolean;
  onPick: () => void;
  onOpen: () => void;
}

function Card({ row, now, open, picked, onPick, onOpen }: CardProps) {
  const name = pick(row.category);
  return (
    <li class={open ? "desk-card is-open" : "desk-card"}>
      <label class="desk-pick">
        <input type="checkbox" checked={picked} onChange={onPick} />
        <span class="unseen">{t("desk.pick", { name: `${name} ${row.number ?? ""}` })}</span>
      </label>
      <button id={`open-${row.id}`} type="button" class="desk-open" aria-expanded={open} onClick={onOpen}>
        <span class="desk-line">
          <Sign light={row.light} /> <strong>{name}</strong>
          {row.severity === "urgent" && <span class="mark is-urgent">{t("mark.urgent")}</span>}
          {row.part === "assisting" && <span class="mark">{t("desk.part.assisting")}</span>}
          <span class={`due is-${row.light}`}>{leftOf(row, now)}</span>
        </span>
        <span class="desk-words">{row.masked ? t("masked.text") : (row.description ?? t("issue.nodescription"))}</span>
        <span class="desk-line faint">
          <span class="pill">{tData("state", row.state)}</span> {[row.number, row.address, row.grid?.name].filter(Boolean).join(" · ")}
        </span>
      </button>
    </li>
  );
}

interface BatchProps {
  rows: readonly DeskRow[];
  picked: ReadonlySet<string>;
  onPicked: (picked: ReadonlySet<string>) => void;
  onDone: () => void;
}

/** What may be done with all that are picked; what is not possible, or not any more, stays picked and is told. */
function Batch({ rows, picked, onPicked, onDone }: BatchProps) {
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState<string | null>(null);
  const status = useRef<HTMLParagraphElement>(null);
  const chosen = rows.filter(({ id }) => picked.has(id));
  useEffect(() => {
    if (told !== null) status.current?.focus();
  }, [told]);
  const take = (step: BatchStep): void => {
    setBusy(true);
    setTold(null);
    takeAll(step, fitting(step, chosen))
      .then(
        (results) => {
          const taken = new Set(results.filter(({ status }) => status === "taken").map(({ issue_id }) => issue_id));
          const left = chosen.filter(({ id }) => !taken.has(id));
          onPicked(new Set(left.map(({ id }) => id)));
          setTold(t(left.length > 0 ? "desk.batch.partly" : "desk.batch.done", { n: taken.size, step: t(`step.${step}`), failed: left.length }));
          onDone();
        },
        (error: unknown) => refuseOrLeave(error, setTold),
      )
      .finally(() => setBusy(false));
  };
  if (chosen.length === 0) {
    return (
      <div class={told === null ? "unseen" : "batch"}>
        <p ref={status} tabIndex={-1} role="status" class={told === null ? undefined : "step-told"}>{told}</p>
      </div>
    );
  }
  return (
    <div class="batch" role="group" aria-label={t("desk.batch")}>
      <p ref={status} tabIndex={-1} role="status">{told ?? t("filter.chosen", { n: chosen.length })}</p>
      <p class="batch-steps">
        {BATCH_STEPS.map((step) => {
          const n = fitting(step, chosen).length;
          return <button key={step} type="button" class="do" disabled={busy || n === 0} onClick={() => take(step)}>{t(`step.${step}`)} {n}</button>;
        })}
        <button type="button" class="quiet" onClick={() => onPicked(new Set(rows.map(({ id }) => id)))}>{t("desk.batch.all", { n: rows.length })}</button>
        <button type="button" class="quiet" onClick={() => onPicked(new Set())}>{t("desk.batch.none")}</button>
      </p>
    </div>
  );
}
