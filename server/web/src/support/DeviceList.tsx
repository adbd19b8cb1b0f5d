/** Every phone in the caller's charge, the longest silent first; found by words, by area and by what is wrong. */
import { CONCERNS, type Concern, type Device, type Devices } from "../api/support";
import { listed, t } from "../i18n";
import { steps, usePlace } from "../page/place";
import { AreaSelect } from "../page/AreaChoice";
import { type Here, More, Trouble, Words } from "../page/Staff";
import { query, usePaged } from "../page/reading";
import { moment } from "../time";
import { Concerns, gapsOf } from "./Concerns";

const AT_ONCE = 100;

interface Filters {
  only: Concern | "";
  q: string;
  area: string;
}

function filtersOf(search: string): Filters {
  const asked = new URLSearchParams(search);
  const only = CONCERNS.find((each) => each === asked.get("only")) ?? "";
  return { only, q: asked.get("q") ?? "", area: asked.get("area") ?? "" };
}

export function DeviceList({ ground }: Here) {
  const filters = filtersOf(usePlace().search);
  // A filter says more exactly what is looked at; it is no step to come back from.
  const change = (part: Partial<Filters>): void => steps.settle(query({ ...filters, ...part }));
  const list = usePaged<Devices, Device>(
    `/v1/support/devices?${query({ ...filters, limit: AT_ONCE })}`,
    (page) => page.devices,
    (page, rows) => (page.devices.length === AT_ONCE ? `&offset=${rows.length}` : null),
  );
  const counts = list.page?.counts;
  return (
    <>
      <div class="picks">
        <Words value={filters.q} hint={t("support.search")} onChange={(q) => change({ q })} />
        <AreaSelect ground={ground} value={filters.area} onChange={(area) => change({ area })} />
      </div>
      <div class="chips" role="group" aria-label={t("support.concerns")}>
        {(["", ...CONCERNS] as const).map((each) => (
          <button key={each} type="button" class="chip" aria-pressed={filters.only === each} onClick={() => change({ only: each })}>
            {t(`concern.${each || "all"}`)} <b>{counts?.[each || "all"] ?? "–"}</b>
          </button>
        ))}
      </div>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && list.rows.length === 0 && <p class="nothing">{t("support.none")}</p>}
      {list.rows.length > 0 && <Table devices={list.rows} />}
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

function Table({ devices }: { devices: readonly Device[] }) {
  const heads = ["worker", "area", "phone", "last", "waiting", "quarantined", "skew", "gaps"] as const;
  return (
    <table class="rows">
      <thead>
        <tr>{heads.map((head) => <th key={head} scope="col">{t(`support.head.${head}`)}</th>)}</tr>
      </thead>
      <tbody>{devices.map((device) => <Row key={device.device_id} device={device} />)}</tbody>
    </table>
  );
}

function Row({ device }: { device: Device }) {
  const waiting = device.pending + device.held + device.review;
  const parts = (["pending", "held", "review"] as const).filter((each) => device[each] > 0);
  return (
    <tr class={device.revoked_at || device.left_at ? "is-out-of-use" : undefined}>
      <th scope="row">
        <a href={`/support?device=${device.device_id}`}>{device.worker}</a> <span class="faint">{device.login}</span>
        <Concerns device={device} />
      </th>
      <td data-head={t("support.head.area")}>{listed(device.areas.map((area) => area.name)) || t("staff.empty")}</td>
      <td data-head={t("support.head.phone")}>
        {device.name} <span class="faint">{device.platform} · {device.app_version}</span>
      </td>
      <td data-head={t("support.head.last")} class="numbers">
        {device.last_exchange_at ? moment(device.last_exchange_at, new Date()) : t("support.never")}
      </td>
      <td data-head={t("support.head.waiting")} class={waiting ? "numbers" : "numbers is-zero"}>
        {waiting} {waiting > 0 && <span class="faint">{listed(parts.map((each) => `${t(`history.status.${each}`)} ${device[each]}`))}</span>}
      </td>
      <td data-head={t("support.head.quarantined")} class={device.quarantined ? "numbers" : "numbers is-zero"}>
        {device.quarantined > 0 ? <b class="alarm">{device.quarantined}</b> : 0}
      </td>
      <td data-head={t("support.head.skew")} class={device.skew_ms ? "numbers" : "numbers is-zero"}>{skewWords(device.skew_ms)}</td>
      <td data-head={t("support.head.gaps")} class={device.gaps.length ? "numbers" : "numbers is-zero"}>{gapsOf(device) || 0}</td>
    </tr>
  );
}

export function skewWords(ms: number | null): string {
  if (ms === null) return t("staff.empty");
  const s = Math.round(ms / 1000);
  if (Math.abs(s) < 1) return t("support.skew.none");
  const far = Math.abs(s) < 120 ? t("support.skew.s", { n: Math.abs(s) }) : t("unit.min", { n: Math.round(Math.abs(s) / 60) });
  return t(s > 0 ? "support.skew.fast" : "support.skew.slow", { span: far });
}
