/** The form of an operation, and its fields. */
import { t } from "../i18n";
import type { Point } from "./map";

export type Operation = Record<string, unknown> & { kind: string };

export interface FormProps {
  picked: readonly string[];
  names: ReadonlyMap<string, string>;
  parents: ReadonlyMap<string, string | null>;
  points: readonly Point[];
  busy: boolean;
  onGo: (operation: Operation) => Promise<void>;
  onCancel: () => void;
}

export function Form({ operation, ready = true, busy, onGo, onCancel, children }: FormProps & { operation: Operation; ready?: boolean; children?: preact.ComponentChildren }) {
  const go = (event: SubmitEvent): void => {
    event.preventDefault();
    void onGo(operation);
  };
  return (
    <form class="ground-form" onSubmit={go}>
      {children}
      <p class="links">
        <button type="submit" class="do" disabled={busy || !ready}>{t("draft.line.done")}</button>
        <button type="button" class="quiet" onClick={onCancel}>{t("staff.cancel")}</button>
      </p>
    </form>
  );
}

interface EntryProps {
  words: string;
  value: string;
  onChange: (value: string) => void;
  /** A whole number, not below this one. */
  least?: number;
}

export function Entry({ words, value, onChange, least }: EntryProps) {
  return (
    <label class="pick">
      <span>{words}</span>
      <input
        value={value}
        required
        maxLength={100}
        {...(least === undefined ? {} : { type: "number", min: least, step: 1, inputMode: "numeric" })}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}
