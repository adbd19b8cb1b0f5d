/** The list of drafts, and the beginning of a new one. */
import { useState } from "preact/hooks";
import { post } from "../api/client";
import type { Draft } from "../api/redraw";
import { t } from "../i18n";
import { refuseOrLeave, useRead } from "../page/reading";
import { Trouble } from "../page/Staff";
import { moment } from "../time";
import { Import } from "./Import";
import type { Table } from "./table";
import { Working } from "./Publish";

export function Drafts({ table, onOpen }: { table: Table; onOpen: (id: number) => void }) {
  const { value, trouble, again } = useRead<{ drafts: Draft[] }>("/v1/drafts", table.ground.tiles);
  return (
    <>
      <NewDraft onOpen={onOpen} />
      <Import table={table} onOpen={onOpen} />
      {trouble !== null && <Trouble words={trouble} again={again} />}
      {value?.drafts.length === 0 && <p class="nothing">{t("draft.none")}</p>}
      <ul class="ground-list">
        {value?.drafts.map((draft) => (
          <li key={draft.id}>
            <button type="button" class="ground-row" onClick={() => onOpen(draft.id)}>
              <strong>{draft.name}</strong>
              <span class="faint">
                {t("draft.of", { author: draft.author_name ?? draft.author, n: draft.base_edition })} · {t("draft.count", { n: draft.operations })} ·{" "}
                {moment(draft.created_at, new Date())}
              </span>
              {draft.planned?.state === "waiting" && <span class="mark">{t("plan.at", { at: moment(draft.planned.at, new Date()) })}</span>}
              {draft.published_edition !== null && <span class="mark">{t("draft.published", { n: draft.published_edition })}</span>}
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function NewDraft({ onOpen }: { onOpen: (id: number) => void }) {
  const [name, setName] = useState("");
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const begin = (event: SubmitEvent): void => {
    event.preventDefault();
    setTrouble(null);
    setBusy(true);
    post<Draft>("/v1/drafts", { name }).then(
      (draft) => onOpen(draft.id),
      (error: unknown) => {
        setBusy(false);
        refuseOrLeave(error, setTrouble);
      },
    );
  };
  return (
    <form class="ground-new" onSubmit={begin}>
      <label class="pick is-words">
        <span>{t("draft.name")}</span>
        <input value={name} maxLength={100} required onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button type="submit" class="do" disabled={busy}>{t("draft.begin")}</button>
      <Working on={busy} words={t("draft.beginning")} />
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
    </form>
  );
}
