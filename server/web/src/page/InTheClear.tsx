/** Says of a page that came in the clear what a phone cannot do with it; of one that came by HTTPS, nothing. */
import { t } from "../i18n";

export function InTheClear() {
  return window.isSecureContext ? null : <p class="warning">{t("clear.text")}</p>;
}
