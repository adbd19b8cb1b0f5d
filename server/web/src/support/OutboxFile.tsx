/** What a phone could not send, handed in as the file that it exported; and what became of each part of it. */
import { useId, useState } from "preact/hooks";
import { sendFile } from "../api/client";
import type { HandedIn } from "../api/support";
import { t } from "../i18n";
import { refuseOrLeave } from "../page/reading";
import { moment } from "../time";

export function OutboxFile() {
  const [file, setFile] = useState<File | null>(null);
  const [done, setDone] = useState<HandedIn | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const fault = useId();

  const choose = (chosen: File | null): void => {
    setFile(chosen);
    setDone(null);
    setTrouble(null);
  };
  const handIn = (event: SubmitEvent): void => {
    event.preventDefault();
    if (busy) return;
    if (file === null) return setTrouble(t("support.outbox.missing"));
    setDone(null);
    setTrouble(null);
    setBusy(true);
    sendFile<HandedIn>("/v1/support/outboxes", file)
      .then(setDone, (error: unknown) => refuseOrLeave(error, setTrouble))
      .finally(() => setBusy(false));
  };
  return (
    <>
      <p class="faint under">{t("support.outbox.about")}</p>
      <form onSubmit={handIn}>
        <div class="picks">
          <label class="pick">
            <span>{t("support.outbox.file")}</span>
            <input type="file" accept=".outbox,application/octet-stream" aria-describedby={trouble === null ? undefined : fault} onChange={(event) => choose(event.currentTarget.files?.[0] ?? null)} />
          </label>
          <button type="submit" class="do" aria-disabled={busy}>{t(busy ? "support.outbox.busy" : "support.outbox.send")}</button>
        </div>
      </form>
      {trouble !== null && <p id={fault} class="notice" role="alert">{trouble}</p>}
      <div role="status">{done !== null && <Told done={done} />}</div>
    </>
  );
}

function Told({ done }: { done: HandedIn }) {
  const { operations, photos } = done;
  return (
    <section class="panel">
      <h2>{t("support.outbox.done", { worker: done.worker })}</h2>
      <p>
        <a href={`/support?device=${done.device_id}`}>{t("staff.device")}</a>{" "}
        <span class="faint">{t("support.outbox.exported", { at: moment(done.exported_at, new Date()), version: done.app_version })}</span>
      </p>
      <ul>
        <li>{t("support.outbox.taken", { n: done.taken })}</li>
        <li>{t("support.outbox.waiting", { n: done.waiting })}</li>
        <li>
          {t("support.outbox.quarantined", { n: done.quarantined })}{" "}
          {done.quarantined > 0 && <a href="/review?list=quarantine">{t("support.outbox.review")}</a>}
        </li>
        <li>{t("support.outbox.repeated", { n: operations.repeated })}</li>
        <li>{t("support.outbox.photos", { n: photos.taken })}</li>
      </ul>
      {photos.refused.length > 0 && (
        <>
          <h3>{t("support.outbox.refused", { n: photos.refused.length })}</h3>
          <ul>{photos.refused.map(({ id, title }) => <li key={id}>{title} <span class="faint">{id}</span></li>)}</ul>
        </>
      )}
    </section>
  );
}
