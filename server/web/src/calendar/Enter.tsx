/** Entering a year from its file of days: first a look at which deadlines would move, then the deed. */
import { useId, useState } from "preact/hooks";
import { post, Refused } from "../api/client";
import type { Entered, LineFault, Status, Year } from "../api/calendar";
import { currentLanguage, t } from "../i18n";
import { Ask } from "../page/Ask";
import { Select } from "../page/Staff";
import { refuseOrLeave } from "../page/reading";
import { moment } from "../time";
import { textOf, yearIn } from "./months";

const SHOWN = 20;

interface Props {
  area: string;
  year: Year;
  entered: () => void;
}

interface Sent {
  csv: string;
  name: string;
}

export function Enter({ area, year, entered }: Props) {
  const [file, setFile] = useState<Sent | null>(null);
  const [source, setSource] = useState("");
  const [status, setStatus] = useState<Status>("announced");
  const [look, setLook] = useState<Entered | null>(null);
  const [done, setDone] = useState<Entered | null>(null);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [faults, setFaults] = useState<readonly LineFault[]>([]);
  const fault = useId();

  const clear = (): void => {
    setLook(null);
    setDone(null);
    setTrouble(null);
    setFaults([]);
  };
  const refuse = (error: unknown): void => {
    setFaults(error instanceof Refused ? ((error.problem as { faults?: LineFault[] }).faults ?? []) : []);
    refuseOrLeave(error, setTrouble);
  };
  const send = (dry: boolean): Promise<Entered> => {
    const place = area === "" ? {} : { area };
    return post<Entered>("/v1/calendars/years", { ...place, year: year.year, status, source, csv: file?.csv, dry_run: dry, follows: year.own_edition });
  };
  const choose = async (chosen: File | undefined): Promise<void> => {
    clear();
    setFile(chosen ? { csv: textOf(await chosen.arrayBuffer()), name: chosen.name } : null);
  };
  const wrongYear = file !== null && yearIn(file.csv) !== null && yearIn(file.csv) !== year.year;
  const tryIt = (event: SubmitEvent): void => {
    event.preventDefault();
    clear();
    if (file === null || source.trim() === "") return setTrouble(t("calendar.enter.missing"));
    if (wrongYear) return setTrouble(t("calendar.enter.other", { year: year.year, other: yearIn(file.csv) ?? "" }));
    setBusy(true);
    send(true).then(setLook, refuse).finally(() => setBusy(false));
  };
  const enter = async (): Promise<void> => {
    const answer = await send(false);
    clear();
    setAsking(false);
    setDone(answer);
    entered();
  };
  return (
    <section class="panel calendar-enter">
      <h2>{t("calendar.enter", { year: year.year })}</h2>
      <p class="faint">{t("calendar.enter.about")}</p>
      <form onSubmit={tryIt}>
        <div class="picks">
          <label class="pick">
            <span>{t("calendar.enter.file")}</span>
            <input type="file" accept=".csv,text/csv" aria-describedby={trouble ? fault : undefined} onChange={(event) => void choose(event.currentTarget.files?.[0])} />
          </label>
          <label class="pick is-words">
            <span>{t("calendar.enter.source")}</span>
            <input type="text" value={source} maxLength={300} placeholder={t("calendar.enter.source.hint")} aria-describedby={trouble ? fault : undefined} onInput={(event) => { setSource(event.currentTarget.value); clear(); }} />
          </label>
          <Select
            name={t("calendar.enter.status")}
            value={status}
            options={[["announced", t("calendar.announced")], ["provisional", t("calendar.provisional")]]}
            onChange={(value) => { setStatus(value as Status); clear(); }}
          />
          <button type="submit" class="quiet" disabled={busy}>{t(busy ? "live.loading" : "calendar.enter.look")}</button>
        </div>
      </form>
      {trouble !== null && <p class="warning" role="alert" id={fault}>{trouble}</p>}
      {faults.length > 0 && (
        <ul class="calendar-faults">
          {faults.slice(0, SHOWN).map((each, at) => (
            <li key={at}>{t("calendar.enter.line", { n: each.line, why: currentLanguage() === "zh" ? each.zh : each.en })} {each.value && <code>{each.value}</code>}</li>
          ))}
        </ul>
      )}
      {look && (
        <div role="status">
          <Moves told={look} words={t(look.moved === 0 ? "calendar.look.none" : "calendar.look.moves", { n: look.moved })} />
          <p><button type="button" class="do" onClick={() => setAsking(true)}>{t("calendar.enter.do")}</button></p>
        </div>
      )}
      {done && <p class="notice" role="status">{t("calendar.entered", { edition: done.edition ?? "", n: done.moved })}</p>}
      {asking && (
        <Ask title={t("calendar.ask", { year: year.year })} confirm={t("calendar.enter.do")} onConfirm={enter} onClose={() => setAsking(false)}>
          <p>{t("calendar.ask.text", { n: look?.moved ?? 0 })}</p>
        </Ask>
      )}
    </section>
  );
}

function Moves({ told, words }: { told: Entered; words: string }) {
  const now = new Date();
  return (
    <>
      <p><strong>{words}</strong></p>
      {told.moves.length > 0 && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t("calendar.move.case")}</th>
              <th scope="col">{t("calendar.move.was")}</th>
              <th scope="col">{t("calendar.move.now")}</th>
            </tr>
          </thead>
          <tbody>
            {told.moves.slice(0, SHOWN).map((each) => (
              <tr key={each.issue_id}>
                <th scope="row"><a href={`/case?id=${each.issue_id}`}>{t("calendar.move.open")} …{each.issue_id.slice(-6)}</a></th>
                <td data-head={t("calendar.move.was")} class="numbers">{moment(each.was_due_at, now)}</td>
                <td data-head={t("calendar.move.now")} class="numbers">{moment(each.due_at, now)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {told.moved > SHOWN && <p class="faint">{t("calendar.move.more", { n: told.moved - Math.min(SHOWN, told.moves.length) })}</p>}
    </>
  );
}
