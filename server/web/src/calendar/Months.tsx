/** The twelve months of a year, and its hours: what is free and what is worked, by colour and by a sign in words. */
import type { Year } from "../api/calendar";
import { currentLanguage, t } from "../i18n";
import { type Cell, type Month, monthsOf, runsOf } from "./months";

export function Months({ year }: { year: Year }) {
  return (
    <>
      <ul class="calendar-key" aria-label={t("calendar.key")}>
        <li><span class="calendar-day is-holiday">1</span> {t("calendar.look.holiday")}</li>
        <li><span class="calendar-day is-workday">1</span> {t("calendar.look.workday")}</li>
        <li><span class="calendar-day is-free">1</span> {t("calendar.look.free")}</li>
      </ul>
      <div class="calendar-months">
        {monthsOf(year.year, year.days, year.hours).map((month, at) => <Sheet key={at} month={month} year={year.year} number={at} />)}
      </div>
    </>
  );
}

function Sheet({ month, year, number }: { month: Month; year: number; number: number }) {
  return (
    <table class="calendar-month panel">
      <caption>{format({ month: "long", year: "numeric" }, Date.UTC(year, number, 1))}</caption>
      <thead>
        <tr>{weekdays("narrow").map((name, at) => <th key={at} scope="col" abbr={weekdays("long")[at]}>{name}</th>)}</tr>
      </thead>
      <tbody>
        {month.map((week, at) => (
          <tr key={at}>{week.map((cell, weekday) => <td key={weekday}>{cell && <One cell={cell} />}</td>)}</tr>
        ))}
      </tbody>
    </table>
  );
}

function One({ cell }: { cell: Cell }) {
  const told = cell.look === "holiday" || cell.look === "workday" ? cell.look : null;
  const words = told ? t(`calendar.look.${told}.of`, { name: cell.name }) : undefined;
  return (
    <span class={`calendar-day is-${cell.look}`} title={words}>
      {cell.day}
      {told && <small>{t(`calendar.sign.${told}`)}</small>}
      {words && <span class="unseen">{words}</span>}
    </span>
  );
}

export function HoursOf({ year }: { year: Year }) {
  return (
    <section class="panel calendar-hours">
      <h2>{t("calendar.hours")}</h2>
      {year.hours.map((each) => (
        <dl key={each.from} class="values">
          {year.hours.length > 1 && <div><dt>{t("calendar.hours.from")}</dt><dd>{each.from}</dd></div>}
          {runsOf(each.week).map((run) => (
            <div key={run.from}>
              <dt>{run.from === run.to ? weekday(run.from) : t("calendar.weekdays", { from: weekday(run.from), to: weekday(run.to) })}</dt>
              <dd class="numbers">{run.spans.length > 0 ? run.spans.join(t("calendar.and")) : t("calendar.hours.none")}</dd>
            </div>
          ))}
        </dl>
      ))}
    </section>
  );
}

const MONDAY = Date.UTC(2024, 0, 1);

function weekday(number: number): string {
  return weekdays("short")[number - 1] ?? "";
}

function weekdays(style: "narrow" | "short" | "long"): string[] {
  return Array.from({ length: 7 }, (_, at) => format({ weekday: style }, MONDAY + at * 86_400_000));
}

function format(options: Intl.DateTimeFormatOptions, at: number): string {
  return new Intl.DateTimeFormat(currentLanguage() === "zh" ? "zh-CN" : "en-GB", { timeZone: "UTC", ...options }).format(at);
}
