/** What each key does on the duty page; and the switch for those whose voice or tremor presses letters unasked. */
import { useEffect, useRef } from "preact/hooks";
import { STEP_KEYS } from "../case/fields";
import { t, tData } from "../i18n";
import { useBackCloses } from "../page/place";

const MOVES: readonly (readonly [key: string, words: "duty.key.next" | "duty.key.search" | "duty.key.submit" | "duty.key.cancel" | "duty.key.help"])[] = [
  ["J / K / ↑ / ↓", "duty.key.next"],
  ["/", "duty.key.search"],
  ["Enter / Ctrl Enter", "duty.key.submit"],
  ["Esc", "duty.key.cancel"],
  ["?", "duty.key.help"],
];

export function KeyHelp({ on, onSwitch, onClose }: { on: boolean; onSwitch: (on: boolean) => void; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  useBackCloses("keys", onClose);
  return (
    <dialog ref={dialog} class="ask key-help" aria-labelledby="keys-title" onClose={onClose}>
      <h2 id="keys-title">{t("duty.keys")}</h2>
      <dl>
        {MOVES.map(([key, words]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{t(words)}</dd></div>)}
        {Object.entries(STEP_KEYS).map(([step, key]) => <div key={step}><dt><kbd>{key.toUpperCase()}</kbd></dt><dd>{tData("step", step)}</dd></div>)}
      </dl>
      <label class="check">
        <input type="checkbox" checked={on} onChange={(event) => onSwitch(event.currentTarget.checked)} /> {t("duty.keys.on")}
      </label>
      <p class="ask-foot"><button type="button" class="do" onClick={onClose}>{t("duty.keys.close")}</button></p>
    </dialog>
  );
}
