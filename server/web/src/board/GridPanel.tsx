/** One grid: its numbers under the present filters, who looks after it, and how to enrol that worker's phone. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Refused, post } from "../api/client";
import type { Area, Enrolment, GridCount, GridInFull, Worker } from "../api/types";
import { t } from "../i18n";
import type { Live } from "./live";
import { Icon } from "../page/Icon";
import { InTheClear } from "../page/InTheClear";
import { Sign } from "../page/Sign";
import { moment } from "../time";
import { Facts, Section } from "../page/Facts";

interface Props {
  code: string;
  /** Null while it is being read. */
  area: Area | null;
  live: Live<GridInFull>;
  mayEnrol: boolean;
  now: Date;
  onOnly: () => void;
  onClose: () => void;
}

export function GridPanel({ code, area, live, mayEnrol, now, onOnly, onClose }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [code]);
  const count = live.value?.code === code && !live.gone ? live.value : null;
  return (
    <article class="card">
      <header class="card-head">
        <div class="card-heading">
          <h2 ref={heading} tabIndex={-1}>{area?.name ?? count?.name ?? t("live.loading")}</h2>
          <p class="standing">
            <code>{code}</code>
            <span class="faint">{(area?.path ?? []).join(" › ")}</span>
          </p>
        </div>
        <button type="button" class="icon-button" aria-label={t("issue.close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {count ? (
        <>
          <Numbers count={count} />
          <Section name={t("grid.worker")}>
            {count.workers.length === 0 && <p class="warning">{t("grid.noworker")}</p>}
            {count.workers.map((worker) => (
              <WorkerRow key={worker.login} worker={worker} mayEnrol={mayEnrol} now={now} />
            ))}
          </Section>
          <button type="button" class="wide" onClick={onOnly}>{t("grid.only")}</button>
        </>
      ) : (
        live.gone && <p class="notice">{t("grid.not_mine")}</p>
      )}
    </article>
  );
}

function Numbers({ count }: { count: GridCount }) {
  return (
    <Section name={t("grid.under_filter")}>
      <div class="numbers-row">
        <p><b>{count.open}</b><span>{t("grid.open")}</span></p>
        <p class={count.overdue > 0 ? "is-red" : ""}><b>{count.overdue}</b><span>{t("grid.overdue")}</span></p>
      </div>
      <Facts
        rows={[
          [t("grid.yellow"), <span key="y"><Sign light="yellow" silent /> {count.yellow}</span>],
          [t("grid.green"), <span key="g"><Sign light="green" silent /> {count.green}</span>],
          [t("grid.waiting"), <span key="n"><Sign light="none" silent /> {count.waiting}</span>],
        ]}
      />
    </Section>
  );
}

function WorkerRow({ worker, mayEnrol, now }: { worker: Worker; mayEnrol: boolean; now: Date }) {
  const [made, setMade] = useState<Enrolment | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const make = async (): Promise<void> => {
    setFailed(null);
    try {
      setMade(await post<Enrolment>("/v1/enrolments", { worker: worker.login }));
    } catch (error) {
      const detail = error instanceof Refused ? (error.problem.detail ?? error.problem.title) : null;
      setFailed(t("enrol.failed", { detail: detail ?? t("error.unreachable") }));
    }
  };
  return (
    <div class="worker">
      <p>
        <strong>{worker.name}</strong> <code>{worker.login}</code>
        {mayEnrol && !made && (
          <button type="button" class="quiet" onClick={() => void make()}>
            <Icon name="phone" size={16} /> {t("enrol.make")}
          </button>
        )}
      </p>
      {failed && <p class="warning" role="alert">{failed}</p>}
      {made && (
        <figure class="enrol" role="status">
          <img src={`data:image/svg+xml;charset=utf-8,${encodeURIComponent(made.qr_svg)}`} alt={t("enrol.title", { name: worker.name })} />
          <figcaption>
            <code class="enrol-code">{made.code}</code>
            <span>{t("enrol.text", { time: moment(made.expires_at, now) })}</span>
            <InTheClear />
          </figcaption>
        </figure>
      )}
    </div>
  );
}
