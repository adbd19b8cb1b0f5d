/** A question before something that cannot be taken back: the browser's own dialog, so focus and Esc behave. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { useFocusBack } from "./focus";
import { useBackCloses } from "./place";
import { refuseOrLeave } from "./reading";

interface Props {
  title: string;
  confirm: string;
  grave?: boolean;
  children: ComponentChildren;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

export function Ask({ title, confirm, grave = false, children, onConfirm, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  useFocusBack();
  useEffect(() => dialog.current?.showModal(), []);
  useBackCloses("ask", onClose);
  const go = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    onConfirm().catch((error: unknown) => {
      setBusy(false);
      refuseOrLeave(error, setTrouble);
    });
  };
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="ask-title" onClose={onClose}>
      <form onSubmit={go}>
        <h2 id="ask-title">{title}</h2>
        {children}
        {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
        <p class="ask-foot">
          <button type="button" class="quiet" onClick={onClose}>{t("staff.cancel")}</button>
          <button type="submit" class={grave ? "do is-grave" : "do"} disabled={busy}>{confirm}</button>
        </p>
      </form>
    </dialog>
  );
}
