/** The calendar's page: which years are announced, which days and hours are worked, and entering what was announced. */
import type { Year, YearInShort, Years } from "../api/calendar";
import type { Session } from "../api/types";
import { currentLanguage, t } from "../i18n";
import { steps, usePlace } from "../page/place";
import { AreaSelect } from "../page/AreaChoice";
import { type Here, startStaffPage, Trouble } from "../page/Staff";
import { query, useRead } from "../page/reading";
import { cityDate } from "../time";
import { Editions } from "./Editions";
import { Enter } from "./Enter";
import { HoursOf, Months } from "./Months";
import "../styles/calendar.css";

function Calendar(here: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const area = asked.get("area") ?? "";
  const years = useRead<Years>(`/v1/calendars/years?${query({ area })}`);
  const listed = years.value?.years ?? [];
  const year = chosen(Number(asked.get("year")), listed);
  const go = (part: { area?: string; year?: number }): void => steps.settle(query({ area, year, ...part }));
  return (
    <>
      <h1>{t("calendar.title")}</h1>
      <p class="faint under">{t("calendar.about")}</p>
      <div class="picks">
        <AreaSelect ground={here.ground} value={area} any={t("calendar.city")} onChange={(code) => go({ area: code })} />
      </div>
      {years.trouble !== null && <Trouble words={years.trouble} again={years.again} />}
      <div class="chips" role="group" aria-label={t("calendar.years")}>
        {listed.map((each) => (
          <button key={each.year} type="button" class="chip" aria-pressed={each.year === year} onClick={() => go({ year: each.year })}>
            {each.year} {each.status === "provisional" && <span class="mark">{t("calendar.provisional")}</span>}
          </button>
        ))}
      </div>
      {year > 0 && <OneYear key={`${area}/${year}`} {...here} area={area} year={year} again={years.again} />}
      <Editions since={years.value} />
    </>
  );
}

/** The year that the address names, or this one, or the newest. */
function chosen(named: number, listed: readonly YearInShort[]): number {
  if (listed.some((each) => each.year === named)) return named;
  const current = Number(cityDate(new Date()).slice(0, 4));
  return (listed.find((each) => each.year === current) ?? listed[listed.length - 1])?.year ?? 0;
}

interface YearProps extends Here {
  area: string;
  year: number;
  again: () => void;
}

function OneYear({ session, area, year, again }: YearProps) {
  const shown = useRead<Year>(`/v1/calendars/${year}?${query({ area })}`);
  const entered = (): void => {
    shown.again();
    again();
  };
  const note = shown.value && (currentLanguage() === "zh" ? shown.value.note_zh : shown.value.note_en);
  return (
    <>
      {shown.trouble !== null && <Trouble words={shown.trouble} again={shown.again} />}
      {note && <p class="notice" role="note">{note}</p>}
      {shown.value && (
        <>
          <Months year={shown.value} />
          <HoursOf year={shown.value} />
          <p class="links">
            <a href={`/v1/calendars/${year}/csv?${query({ area })}`} download={`calendar-${year}.csv`}>{t("calendar.csv.download")}</a>
          </p>
          {mayEnter(session) && <Enter area={area} year={shown.value} entered={entered} />}
        </>
      )}
    </>
  );
}

function mayEnter(session: Session): boolean {
  return session.roles.includes("admin");
}

startStaffPage("calendar", Calendar, (session) => session.roles.length > 0);
