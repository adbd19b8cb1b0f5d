/** One line where a new version is there. It is taken by itself when the app is hidden or locked; here also by hand. */
import { t } from "../../i18n";
import { takeOver, useUpdate } from "./updates";

export function UpdateLine() {
  const { waiting, free } = useUpdate();
  if (!waiting) return null;
  return (
    <p class="notice patrol-update" role="status">
      <span>{t(free ? "patrol.update" : "patrol.update.later")}</span>
      {free && <button type="button" class="quiet" onClick={takeOver}>{t("patrol.update.do")}</button>}
    </p>
  );
}
