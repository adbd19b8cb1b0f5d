/** Grid workers none of whose phones was heard of since midnight in the city. */
import { useState } from "preact/hooks";
import type { SilentWorker } from "../api/support";
import { t } from "../i18n";
import { AreaSelect, type Here, Trouble } from "../page/Staff";
import { query, useRead } from "../page/reading";
import { moment } from "../time";

export function SilentWorkers({ ground }: Here) {
  const [area, setArea] = useState("");
  const found = useRead<{ workers: SilentWorker[] }>(`/v1/support/silent-workers?${query({ area })}`);
  const workers = found.value?.workers;
  return (
    <>
      <div class="picks">
        <AreaSelect ground={ground} value={area} onChange={setArea} />
      </div>
      {found.trouble !== null && <Trouble words={found.trouble} again={found.again} />}
      {workers && <p class="faint" role="status">{t("support.silent.count", { n: workers.length })}</p>}
      {workers && workers.length > 0 && (
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
      )}
    </>
  );
}

function Row({ worker }: { worker: SilentWorker }) {
  return (
    <tr>
      <th scope="row">
        <a href={`/support?q=${encodeURIComponent(worker.login)}`}>{worker.name}</a> <span class="faint">{worker.login}</span>
      </th>
      <td data-head={t("support.head.area")}>{worker.areas.map((each) => each.name).join("、")}</td>
      <td data-head={t("support.head.last")} class="numbers">
        {worker.last_exchange_at ? moment(worker.last_exchange_at, new Date()) : t("support.never")}
      </td>
      <td data-head={t("support.head.phones")} class="numbers">
        {worker.devices > 0 ? worker.devices : t("support.nophone")}
      </td>
    </tr>
  );
}
