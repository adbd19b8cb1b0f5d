/** Bringing a draft into force: what it will move is said before, and that it is being done while it is done. */
import { useState } from "preact/hooks";
import { change } from "../api/client";
import type { Draft, Impact } from "../api/redraw";
import { t } from "../i18n";
import { Ask } from "../page/Ask";

interface Props {
  draft: Draft;
  tag: string;
  impact: Impact;
  onClose: () => void;
  onPublished: () => void;
}

export function Publish({ draft, tag, impact, onClose, onPublished }: Props) {
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const moved = impact.pairs.reduce((sum, pair) => sum + pair.households + pair.open_issues, 0);
  const publish = async (): Promise<void> => {
    setBusy(true);
    try {
      await change("POST", `/v1/drafts/${draft.id}/publish`, tag, { note });
    } finally {
      setBusy(false);
    }
    onPublished();
  };
  return (
    <Ask title={t("draft.publish.title", { name: draft.name })} confirm={t("draft.publish")} onConfirm={publish} onClose={onClose}>
      <p>{t("draft.publish.text", { moved })}</p>
      <label class="pick">
        <span>{t("draft.note")}</span>
        <textarea rows={2} maxLength={1000} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <Working on={busy} words={t("draft.publishing")} />
    </Ask>
  );
}

/** That something takes its time: a bar that moves, and words for those who do not see it. */
export function Working({ on, words }: { on: boolean; words: string }) {
  return (
    <p role="status" class={on ? "working" : "unseen"}>
      {on && words}
    </p>
  );
}
