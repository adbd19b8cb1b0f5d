/** The time line of a case, oldest first: each step with who took it and what was given; and its clocks with their lights. */
import { useState } from "preact/hooks";
import type { CaseClock, CaseEntry, CaseLife, UntakenStep } from "../api/cases";
import { t, tData } from "../i18n";
import { Sign } from "../page/Sign";
import { moment, untilDeadline } from "../time";
import { useBodyName } from "./bodies";
import { actorOf, givenLines, nameOf, whyUntaken, worded } from "./words";

const LATE_MS = 120_000;

export function Timeline({ entries, now }: { entries: readonly CaseEntry[]; now: Date }) {
  const body = useBodyName();
  return (
    <ol class="timeline">
      {entries.map((entry, index) => (
        <li key={entry.id ?? index}>
          <p class="timeline-head">
            <strong>{worded(entry)}</strong> <span>{actorOf(entry)}</span>
            <time dateTime={entry.at}>{moment(entry.at, now)}</time>
          </p>
          <GivenFields step={entry.step} given={entry.given} body={body} now={now} />
          <Way entry={entry} now={now} />
        </li>
      ))}
    </ol>
  );
}

/** What phones sent and nothing came of: kept, with what happened instead. */
export function Untaken({ steps, now }: { steps: readonly UntakenStep[]; now: Date }) {
  const body = useBodyName();
  return (
    <ol class="timeline">
      {steps.map((each) => (
        <li key={each.id}>
          <p class="timeline-head">
            <strong>{worded(each)}</strong> <span>{each.by}</span> <span class="mark">{t(`untaken.is.${each.outcome}`)}</span>
            <time dateTime={each.at}>{moment(each.at, now)}</time>
          </p>
          <p class="timeline-given">{whyUntaken(each.instead)}</p>
          <GivenFields step={each.step} given={each.given} body={body} now={now} />
        </li>
      ))}
    </ol>
  );
}

/** By which way it came, where that is not plain: from a phone, and perhaps without a line. */
function Way({ entry, now }: { entry: CaseEntry; now: Date }) {
  if (entry.source === "page" || !entry.by?.name) return null;
  const late = Date.parse(entry.taken_at) - Date.parse(entry.at) > LATE_MS;
  const offline = entry.offline ? t(late ? "case.offline" : "case.offline.short", { at: moment(entry.taken_at, now) }) : "";
  return <p class="faint">{[tData("case.source", entry.source), offline].filter(Boolean).join(" · ")}</p>;
}

interface GivenProps {
  step: string;
  given: Readonly<Record<string, unknown>>;
  body: (code: string) => string;
  now: Date;
}

function GivenFields({ step, given, body, now }: GivenProps) {
  return (
    <>
      {givenLines(step, given, body, now).map(([name, words]) => (
        <p key={name} class="timeline-given"><span class="faint">{name}</span> {words}</p>
      ))}
      <GivenPhotos given={given} />
    </>
  );
}

function GivenPhotos({ given }: { given: Readonly<Record<string, unknown>> }) {
  const photos = Array.isArray(given.photos) ? given.photos.filter((each): each is string => typeof each === "string") : [];
  if (photos.length === 0) return null;
  return (
    <ul class="case-photos">
      {photos.map((photo, index) => (
        <li key={photo}><GivenPhoto id={photo} words={t("issue.photo", { n: index + 1 })} /></li>
      ))}
    </ul>
  );
}

/** One that is still on its way from a phone is said to be so. */
function GivenPhoto({ id, words }: { id: string; words: string }) {
  const [gone, setGone] = useState(false);
  if (gone) return <span class="photo-gap">{words} <small>{t("issue.photo.awaited")}</small></span>;
  return (
    <a href={`/v1/files/${id}/content`} target="_blank" rel="noopener">
      <img src={`/v1/files/${id}/content`} alt={words} loading="lazy" onError={() => setGone(true)} />
    </a>
  );
}

export function Clocks({ life, now }: { life: CaseLife; now: Date }) {
  if (life.clocks.length === 0) return <p class="faint">{t("case.clocks.none")}</p>;
  const running = life.clocks.filter((each) => each.ended_at === null);
  const ended = life.clocks.filter((each) => each.ended_at !== null);
  const late = ended.filter((each) => each.in_time === false).length;
  return (
    <>
      {running.length === 0 && <p class="faint">{t("case.clocks.none")}</p>}
      <List clocks={running} now={now} />
      {ended.length > 0 && (
        <details class="clocks-ended">
          <summary>{t("case.clocks.ended", { n: ended.length })}{late > 0 && <span class="due is-red"> {t("case.clocks.late", { n: late })}</span>}</summary>
          <List clocks={ended} now={now} />
        </details>
      )}
    </>
  );
}

function List({ clocks, now }: { clocks: readonly CaseClock[]; now: Date }) {
  return (
    <ul class="clocks">
      {clocks.map((each, index) => <Clock key={`${each.stage} ${index}`} clock={each} now={now} />)}
    </ul>
  );
}

function Clock({ clock, now }: { clock: CaseClock; now: Date }) {
  const light = clock.ended_at === null ? clock.light : clock.in_time === false ? "red" : "closed";
  return (
    <li class={`clock is-${light}`}>
      <Sign light={light} silent />
      <p class="clock-name"><strong>{worded(clock)}</strong> <span class="faint">{nameOf(clock.body)}</span></p>
      <p class={`due is-${light}`}>{standing(clock, now)}</p>
      <p class="clock-more faint">{details(clock, now).join(" · ")}</p>
    </li>
  );
}

function standing(clock: CaseClock, now: Date): string {
  if (clock.ended_at !== null) return t(clock.in_time === false ? "clock.late" : clock.in_time === null ? "clock.ended" : "clock.in_time");
  if (clock.state === "paused") return t("clock.paused");
  const left = untilDeadline(clock.due_at, now);
  return clock.light === "none" ? left : `${t(`light.${clock.light}`)} · ${left}`;
}

function details(clock: CaseClock, now: Date): string[] {
  const told: string[] = [];
  if (clock.due_at !== null) told.push(t("clock.due", { at: moment(clock.due_at, now) }));
  if (clock.ended_at !== null) told.push(t("clock.done", { at: moment(clock.ended_at, now) }));
  if (clock.paused.length > 0 && clock.state !== "paused") told.push(t("clock.pauses", { n: clock.paused.length }));
  if (clock.offline) told.push(t("case.offline.short"));
  if (clock.provisional.length > 0) told.push(t("clock.provisional", { years: clock.provisional.join(t("list.comma")) }));
  return told;
}
