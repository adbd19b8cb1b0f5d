/** A password that was made for somebody: shown this once, to be handed over. */
import { useEffect, useRef } from "preact/hooks";
import type { PasswordGiven } from "../api/people";
import { t } from "../i18n";
import { CopyLine } from "../page/CopyLine";

export function Given({ given }: { given: PasswordGiven }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), [given.password]);
  return (
    <div ref={box} class="notice secret" role="status" tabIndex={-1}>
      <CopyLine words={t("people.secret", { login: given.login })} line={given.password} />
      <p>{t("people.once")} <a href={`/people?person=${encodeURIComponent(given.login)}`}>{given.login}</a></p>
    </div>
  );
}
