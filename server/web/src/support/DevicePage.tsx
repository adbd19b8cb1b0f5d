/** One phone: how it fares, what of it waits and why; and the way to stop it. */
import { useState } from "preact/hooks";
import { tell } from "../api/client";
import type { Device, DeviceInFull, Waiting } from "../api/support";
import { beside, listed, says, t, tData } from "../i18n";
import { Ask } from "../page/Ask";
import { type Here, More, Trouble } from "../page/Staff";
import { usePaged } from "../page/reading";
import { deed, fieldName } from "../page/values";
import { topOf } from "../review/mending";
import { moment } from "../time";
import { maker } from "./Codes";
import { Concerns } from "./Concerns";
import { skewWords } from "./DeviceList";

export function DevicePage({ uid }: Here & { uid: string }) {
  const path = `/v1/support/devices/${uid}`;
  const list = usePaged<DeviceInFull, Waiting>(`${path}?limit=200`, (page) => page.operations, (page) => (page.has_more ? `&after=${page.after}` : null));
  const device = list.page?.device;
  return (
    <>
      <p><a href="/support">{t("support.back")}</a></p>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {device && (
        <>
          <div class="head">
            <h1>{t("support.device.title", { worker: device.worker })}</h1>
            <Concerns device={device} />
            <Stop device={device} done={list.again} />
          </div>
          <Facts device={device} />
          <h2>{t("support.device.waiting", { n: device.pending + device.held + device.review + device.quarantined })}</h2>
          {list.rows.length === 0 && <p class="nothing">{t("support.device.nothing")}</p>}
          <ol class="cards">{list.rows.map((each) => <Operation key={each.id} operation={each} />)}</ol>
          {list.hasMore && <More busy={list.busy} onMore={list.more} />}
        </>
      )}
    </>
  );
}

function Facts({ device }: { device: Device }) {
  const at = (moment_: string | null): string => (moment_ ? moment(moment_, new Date()) : t("support.never"));
  const gaps = device.gaps.slice(0, 20).map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  const rows: [string, string][] = [
    [t("support.head.worker"), beside(device.worker, device.login)],
    [t("support.head.area"), listed(device.areas.map((area) => area.name)) || t("staff.empty")],
    [t("support.head.phone"), `${device.name} · ${device.platform} · ${device.app_version}`],
    [t("support.enrolled"), at(device.enrolled_at)],
    [t("support.maker"), maker(device.enrolled_with, device.enrolled_by_name, device.enrolled_by)],
    [t("support.head.last"), at(device.last_exchange_at)],
    [t("support.pulled"), at(device.pulled_at) + (device.behind ? ` · ${t("support.behind", { n: device.behind })}` : "")],
    [t("support.head.skew"), skewWords(device.skew_ms)],
    [t("support.seq"), String(device.highest_seq ?? 0)],
    [t("support.head.gaps"), gaps.length ? `${listed(gaps)}${device.gaps.length > 20 ? " …" : ""}` : t("support.nogaps")],
  ];
  if (device.reused_seqs) rows.push([t("support.reused"), t("support.reused.count", { n: device.reused_seqs })]);
  if (device.revoked_at) rows.push([t("concern.revoked"), at(device.revoked_at)]);
  if (device.left_at) rows.push([t("concern.left"), at(device.left_at)]);
  if (device.wipe_ordered_at) rows.push([t("concern.wiping"), at(device.wipe_ordered_at)]);
  if (device.wiped_at) rows.push([t("concern.wiped"), at(device.wiped_at)]);
  return (
    <dl class="facts panel">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Operation({ operation }: { operation: Waiting }) {
  return (
    <li class={`panel card is-${operation.status}`}>
      <p class="card-head">
        <span class="mark">{tData("history.status", operation.status)}</span>
        <strong>{deed(operation)}</strong>
        <span class="faint">{operation.seq !== null && t("support.number", { n: operation.seq })}</span>
        <time class="faint">{moment(operation.received_at, new Date())}</time>
      </p>
      {operation.problem && <p>{operation.problem.title}</p>}
      {operation.problem?.errors?.map((each) => <p key={each.field} class="faint">{says(fieldName(topOf(each.field) || each.field), each.message)}</p>)}
      <p class="links">
        {operation.status === "quarantined" && <a href={`/review?list=quarantine&operation=${operation.id}`}>{t("support.mend")}</a>}
        {operation.record_id && <a href={`/support?record=${operation.collection}/${operation.record_id}`}>{t("staff.history")}</a>}
      </p>
    </li>
  );
}

function Stop({ device, done }: { device: Device; done: () => void }) {
  const [asking, setAsking] = useState(false);
  const [wipe, setWipe] = useState(false);
  if (device.revoked_at && (device.wipe_ordered_at || device.wiped_at)) return null;
  const again = device.revoked_at !== null;
  const go = async (): Promise<void> => {
    await tell(`/v1/devices/${device.device_id}/revoke`, { wipe: wipe || again });
    setAsking(false);
    done();
  };
  const words = again ? t("support.wipe") : t("support.revoke");
  return (
    <>
      <button type="button" class="quiet is-grave" onClick={() => setAsking(true)}>{words}</button>
      {asking && (
        <Ask title={t("support.stop.title", { worker: device.worker, name: device.name })} confirm={wipe || again ? t("support.wipe") : words} grave onConfirm={go} onClose={() => setAsking(false)}>
          <p>{t("support.stop.text")}</p>
          {!again && (
            <label class="check">
              <input type="checkbox" checked={wipe} onChange={() => setWipe(!wipe)} />
              <span>{t("support.stop.wipe")}</span>
            </label>
          )}
          {(wipe || again) && <p class="warning">{t("support.stop.grave")}</p>}
        </Ask>
      )}
    </>
  );
}
