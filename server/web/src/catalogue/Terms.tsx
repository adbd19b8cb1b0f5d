/** Limits of stages: how long each may take; set by whoever is in charge of the city, after a look at what that moves. */
import { useState } from "preact/hooks";
import { post } from "../api/client";
import type { StageLimit, Term, Terms as Held, TermsEdition, TermsEntered } from "../api/terms";
import { worded } from "../case/words";
import { t, tData } from "../i18n";
import { Ask } from "../page/Ask";
import { Trouble } from "../page/Staff";
import { refuseOrLeave, useRead } from "../page/reading";
import { moment } from "../time";
import { changedLimits, type LimitDraft, UNITS } from "./limits";

const SHOWN = 20;

export function Terms({ may }: { may: boolean }) {
  const held = useRead<Held>("/v1/terms");
  const [done, setDone] = useState<TermsEntered | null>(null);
  const entered = (told: TermsEntered | null): void => {
    setDone(told);
    if (told !== null) held.again();
  };
  return (
    <section class="panel catalogue-terms" id="terms">
      <h2>{t("terms.title")}</h2>
      <p class="faint">{t("terms.about")}</p>
      {held.trouble !== null && <Trouble words={held.trouble} again={held.again} />}
      {held.value && (may ? <Edit key={held.value.edition} held={held.value} entered={entered} /> : <Shown terms={held.value.terms} />)}
      {done && <p class="notice" role="status">{t("terms.entered", { n: done.moved })}</p>}
      {held.value && held.value.edition > 0 && <History edition={held.value.edition} />}
    </section>
  );
}

function limitWords(limit: StageLimit | null): string {
  return limit === null ? t("terms.none") : tData("limit", limit.unit).replace("{n}", String(limit.value));
}

function Shown({ terms }: { terms: readonly Term[] }) {
  return (
    <table class="rows">
      <thead><tr><th scope="col">{t("terms.stage")}</th><th scope="col">{t("terms.limit")}</th></tr></thead>
      <tbody>
        {terms.map((each) => (
          <tr key={each.stage}><th scope="row">{worded(each)}</th><td data-head={t("terms.limit")}>{limitWords(each.limit)}</td></tr>
        ))}
      </tbody>
    </table>
  );
}

function Edit({ held, entered }: { held: Held; entered: (told: TermsEntered | null) => void }) {
  const [draft, setDraft] = useState<LimitDraft>({});
  const [source, setSource] = useState("");
  const [look, setLook] = useState<TermsEntered | null>(null);
  const [asking, setAsking] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const limits = changedLimits(held.terms, draft);
  const n = Object.keys(limits).length;
  const clear = (): void => {
    setLook(null);
    setTrouble(null);
    entered(null);
  };
  const send = (dry: boolean): Promise<TermsEntered> => post<TermsEntered>("/v1/terms", { limits, source, dry_run: dry, follows: held.edition });
  const tryIt = (event: SubmitEvent): void => {
    event.preventDefault();
    clear();
    if (n === 0) return setTrouble(t("terms.same"));
    if (source.trim() === "") return setTrouble(t("terms.source.missing"));
    send(true).then(setLook, (error: unknown) => refuseOrLeave(error, setTrouble));
  };
  const enter = async (): Promise<void> => {
    const answer = await send(false);
    setAsking(false);
    setDraft({});
    clear();
    entered(answer);
  };
  return (
    <form onSubmit={tryIt}>
      <ul class="terms">
        {held.terms.map((each) => (
          <Row key={each.stage} term={each} draft={draft} onDraft={(limit) => { setDraft((last) => ({ ...last, [each.stage]: limit })); clear(); }} />
        ))}
      </ul>
      <div class="picks">
        <label class="pick is-words">
          <span>{t("terms.source")}</span>
          <input type="text" value={source} maxLength={300} placeholder={t("terms.source.hint")} onInput={(event) => { setSource(event.currentTarget.value); clear(); }} />
        </label>
        <button type="submit" class="quiet">{t("catalogue.look")}</button>
      </div>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {look && (
        <div role="status">
          <Moves told={look} terms={held.terms} />
          <p><button type="button" class="do" onClick={() => setAsking(true)}>{t("terms.enter")}</button></p>
        </div>
      )}
      {asking && (
        <Ask title={t("terms.ask", { n })} confirm={t("terms.enter")} onConfirm={enter} onClose={() => setAsking(false)}>
          <p>{t("terms.ask.text", { n: look?.moved ?? 0 })}</p>
        </Ask>
      )}
    </form>
  );
}

function Row({ term, draft, onDraft }: { term: Term; draft: LimitDraft; onDraft: (limit: StageLimit | null) => void }) {
  const limit = term.stage in draft ? (draft[term.stage] ?? null) : term.limit;
  const name = worded(term);
  const changed = term.stage in changedLimits([term], draft);
  return (
    <li class={changed ? "term is-changed" : "term"}>
      <span class="term-name">{name}{term.window && <span class="mark">{t("terms.window")}</span>}</span>
      <span class="term-limit">
        <input
          type="number" min={1} max={1000} inputMode="numeric" aria-label={t("terms.value", { stage: name })} value={limit?.value ?? ""} placeholder={t("terms.none")}
          onInput={(event) => onDraft(event.currentTarget.value === "" ? null : { value: Number(event.currentTarget.value), unit: limit?.unit ?? "h" })}
        />
        <select aria-label={t("terms.unit", { stage: name })} value={limit?.unit ?? "h"} disabled={limit === null} onChange={(event) => limit && onDraft({ ...limit, unit: event.currentTarget.value })}>
          {UNITS.map((unit) => <option key={unit} value={unit}>{t(`terms.unit.${unit}`)}</option>)}
        </select>
      </span>
      <span class="faint">{term.is_own ? "" : t("terms.default")}</span>
    </li>
  );
}

function Moves({ told, terms }: { told: TermsEntered; terms: readonly Term[] }) {
  const now = new Date();
  const stage = (code: string): string => {
    const found = terms.find((each) => each.stage === code);
    return found ? worded(found) : code;
  };
  const at = (time: string | null): string => (time === null ? t("terms.none") : moment(time, now));
  return (
    <>
      <p><strong>{t(told.moved === 0 ? "calendar.look.none" : "calendar.look.moves", { n: told.moved })}</strong></p>
      {told.moves.length > 0 && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t("calendar.move.case")}</th><th scope="col">{t("terms.stage")}</th>
              <th scope="col">{t("calendar.move.was")}</th><th scope="col">{t("calendar.move.now")}</th>
            </tr>
          </thead>
          <tbody>
            {told.moves.slice(0, SHOWN).map((each, index) => (
              <tr key={index}>
                <th scope="row"><a href={`/case?id=${each.issue_id}`}>{t("calendar.move.open")} …{each.issue_id.slice(-6)}</a></th>
                <td data-head={t("terms.stage")}>{stage(each.stage)}</td>
                <td data-head={t("calendar.move.was")} class="numbers">{at(each.was_due_at)}</td>
                <td data-head={t("calendar.move.now")} class="numbers">{at(each.due_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {told.moved > SHOWN && <p class="faint">{t("calendar.move.more", { n: told.moved - Math.min(SHOWN, told.moves.length) })}</p>}
    </>
  );
}

function History({ edition }: { edition: number }) {
  const told = useRead<{ editions: TermsEdition[] }>("/v1/terms/editions", edition);
  const now = new Date();
  return (
    <details class="catalogue-history">
      <summary>{t("terms.history")}</summary>
      <ol>
        {told.value?.editions.map((each) => (
          <li key={each.number}>
            {tData("stage", each.stage)} {limitWords(each.limit)} · {each.source} <span class="faint">{[moment(each.entered_at, now), each.entered_by ?? "", t("terms.moved", { n: each.moved })].filter(Boolean).join(" · ")}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
