/** Grid workers none of whose phones was heard of: found by words, area, for how long, and what they have of phones. */
import type { SilentWorker, SilentWorkers as Read } from "../api/support";
import { listed, t } from "../i18n";
import { steps, usePlace } from "../page/place";
import { AreaSelect } from "../page/AreaChoice";
import { type Here, More, Select, Trouble, Words } from "../page/Staff";
import { query, usePaged } from "../page/reading";
import { moment } from "../time";

const PHONES = ["", "enrolled", "stopped", "never"] as const;
const DAYS = ["0", "1", "3", "7", "30"] as const;
const AT_ONCE = 100;

export function SilentWorkers({ ground }: Here) {
  // Who has a phone and is silent can be rung up; in a city that has just begun, most never had one.
  const asked = new URLSearchParams(usePlace().search);
  const wanted = { q: asked.get("q") ?? "", area: asked.get("area") ?? "", phone: asked.get("phone") ?? "enrolled", days: asked.get("days") ?? "0" };
  const change = (part: Partial<typeof wanted>): void => {
    const next = { ...wanted, ...part };
    steps.settle(`list=workers&${query(next)}${next.phone === "" ? "&phone=" : ""}`);
  };
  const list = usePaged<Read, SilentWorker>(
    `/v1/support/silent-workers?${query({ ...wanted, days: wanted.days === "0" ? "" : wanted.days, limit: AT_ONCE })}`,
    (page) => page.workers,
    (page) => (page.after === null ? null : `&after=${page.after}`),
  );
  const counts = list.page?.counts;
  return (
    <>
      <div class="picks">
        <Words value={wanted.q} hint={t("support.silent.search")} onChange={(q) => change({ q })} />
        <AreaSelect ground={ground} value={wanted.area} onChange={(area) => change({ area })} />
        <Select
          name={t("support.silent.days")}
          value={wanted.days}
          options={DAYS.map((each) => [each, t(`support.silent.days.${each}`)] as const)}
          onChange={(days) => change({ days })}
        />
      </div>
      <div class="chips" role="group" aria-label={t("support.silent.phone")}>
        {PHONES.map((each) => (
          <button key={each} type="button" class="chip" aria-pressed={wanted.phone === each} onClick={() => change({ phone: each })}>
            {t(`support.silent.${each || "all"}`)} <b>{counts?.[each || "all"] ?? "–"}</b>
          </button>
        ))}
      </div>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {counts && <p class="faint count" role="status">{t("support.silent.count", { n: counts[(wanted.phone || "all") as keyof typeof counts] })}</p>}
      {list.page && list.rows.length === 0 && <p class="nothing">{t("support.silent.none")}</p>}
      {list.rows.length > 0 && <Table workers={list.rows} />}
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

function Table({ workers }: { workers: readonly SilentWorker[] }) {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th scope="col">{t("support.head.worker")}</th>
          <th scope="col">{t("support.head.area")}</th>
          <th scope="col">{t("support.head.last")}</th>
          <th scope="col">{t("support.head.phones")}</th>
        </tr>
      </thead>
      <tbody>{workers.map((worker) => <Row key={worker.login} worker={worker} />)}</tbody>
    </table>
  );
}

function Row({ worker }: { worker: SilentWorker }) {
  const none = worker.phone === "never" ? t("support.silent.never") : t("support.silent.stopped");
  return (
    <tr>
      <th scope="row">
        {worker.phone === "never" ? worker.name : <a href={`/support?q=${encodeURIComponent(worker.login)}`}>{worker.name}</a>}{" "}
        <span class="faint">{worker.login}</span>
      </th>
      <td data-head={t("support.head.area")}>{listed(worker.areas.map((each) => each.name)) || t("staff.empty")}</td>
      <td data-head={t("support.head.last")} class="numbers">
        {worker.last_exchange_at ? moment(worker.last_exchange_at, new Date()) : t("support.never")}
      </td>
      <td data-head={t("support.head.phones")} class="numbers">{worker.devices > 0 ? worker.devices : none}</td>
    </tr>
  );
}
