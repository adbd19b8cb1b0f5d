/** Visits that lie in no grid, what came last first: phones show them to their authors alone, so somebody must look here. */
import type { Adrift, VisitsAdrift as Read } from "../api/support";
import { t } from "../i18n";
import { AreaSelect } from "../page/AreaChoice";
import { steps, usePlace } from "../page/place";
import { type Here, More, Trouble } from "../page/Staff";
import { query, usePaged } from "../page/reading";
import { Values } from "../page/values";
import { moment } from "../time";

const AT_ONCE = 100;

export function VisitsAdrift({ ground, categories }: Here) {
  const area = new URLSearchParams(usePlace().search).get("area") ?? "";
  const list = usePaged<Read, Adrift>(
    `/v1/support/adrift?${query({ area, limit: AT_ONCE })}`,
    (page) => page.visits,
    (page, rows) => (page.visits.length === AT_ONCE ? `&offset=${rows.length}` : null),
  );
  return (
    <>
      <p class="faint under">{t("adrift.about")}</p>
      <div class="picks">
        <AreaSelect ground={ground} value={area} onChange={(code) => steps.settle(query({ list: "adrift", area: code }))} />
      </div>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && <p class="faint count" role="status">{t("adrift.count", { n: list.page.count })}</p>}
      {list.page && list.rows.length === 0 && <p class="nothing">{t("adrift.none")}</p>}
      <ol class="cards">{list.rows.map((visit) => <Visit key={visit.id} visit={visit} categories={categories} />)}</ol>
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

function Visit({ visit, categories }: { visit: Adrift; categories: Here["categories"] }) {
  return (
    <li class="panel card">
      <p class="card-head">
        <strong>{visit.author_name ?? visit.author ?? t("staff.empty")}</strong> <span class="faint">{visit.author}</span>
        <time class="faint">{moment(visit.captured_at ?? visit.received_at, new Date())}</time>
      </p>
      <Values doc={visit.data} categories={categories} />
      <p class="links"><a href={`/support?record=visits/${visit.id}`}>{t("staff.history")}</a></p>
    </li>
  );
}
