/** Who entered which year or hours, when, and by which source; the newest first. */
import type { Edition } from "../api/calendar";
import { t, tData } from "../i18n";
import { More, Trouble } from "../page/Staff";
import { usePaged } from "../page/reading";
import { moment } from "../time";

const AT_ONCE = 20;

export function Editions({ since }: { since: unknown }) {
  return <Listed key={JSON.stringify(since)} />;
}

function Listed() {
  const list = usePaged<{ editions: Edition[] }, Edition>(
    `/v1/calendars?limit=${AT_ONCE}`,
    (page) => page.editions,
    (page, rows) => (page.editions.length === AT_ONCE ? `&before=${rows[rows.length - 1]?.number ?? 1}` : null),
  );
  return (
    <section>
      <h2>{t("calendar.editions")}</h2>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && list.rows.length === 0 && <p class="nothing">{t("calendar.editions.none")}</p>}
      {list.rows.length > 0 && (
        <table class="rows">
          <thead>
            <tr>{(["edition", "what", "source", "by", "at"] as const).map((each) => <th key={each} scope="col">{t(`calendar.head.${each}`)}</th>)}</tr>
          </thead>
          <tbody>{list.rows.map((each) => <Row key={each.number} edition={each} />)}</tbody>
        </table>
      )}
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </section>
  );
}

function Row({ edition }: { edition: Edition }) {
  const what = edition.year === null ? t("calendar.hours.since", { from: edition.valid_from ?? "" }) : t("calendar.year.of", { year: edition.year });
  const state = edition.withdrawn ? t("calendar.withdrawn") : edition.status && t(`calendar.${edition.status}`);
  return (
    <tr>
      <th scope="row" class="numbers">{edition.number}</th>
      <td data-head={t("calendar.head.what")}>{[what, edition.area ?? t("calendar.city"), state].filter(Boolean).join(" · ")}</td>
      <td data-head={t("calendar.head.source")}>{edition.source}</td>
      <td data-head={t("calendar.head.by")}>{edition.entered_by ?? tData("calendar.way", edition.entered_by_way)}</td>
      <td data-head={t("calendar.head.at")} class="numbers">{moment(edition.entered_at, new Date())}</td>
    </tr>
  );
}
