/** One line to be taken elsewhere: shown whole, and copied by a button where the browser lets pages do that. */
import { useRef, useState } from "preact/hooks";
import { t } from "../i18n";

export function CopyLine({ words, line }: { words: string; line: string }) {
  const [copied, setCopied] = useState(false);
  const shown = useRef<HTMLElement>(null);
  const copy = (): void => {
    const select = (): void => void (shown.current && getSelection()?.selectAllChildren(shown.current));
    void navigator.clipboard?.writeText(line).then(() => setCopied(true), select);
  };
  return (
    <div class="command">
      <small>{words}</small>
      <div class="command-line">
        <code ref={shown} tabIndex={0} aria-label={words}>{line}</code>
        {"clipboard" in navigator && (
          <button type="button" class="quiet" aria-label={`${t("copy")} ${words}`} onClick={copy}>{copied ? t("copied") : t("copy")}</button>
        )}
      </div>
    </div>
  );
}
