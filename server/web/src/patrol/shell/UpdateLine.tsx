/** One line where a new version is there. It is taken by itself at the lock and at the start; here also by hand. */
import { useEffect } from "preact/hooks";
import { t } from "../../i18n";
import { takeOver, useUpdate } from "./updates";

export function UpdateLine() {
  const { waiting, free } = useUpdate();
  useEffect(() => {
    if (waiting && free && document.visibilityState === "hidden") takeOver();
  }, [waiting, free]);
  if (!waiting) return null;
  return (
    <p class="notice patrol-update" role="status">
      <span>{t(free ? "patrol.update" : "patrol.update.later")}</span>
      {free && <button type="button" class="quiet" onClick={takeOver}>{t("patrol.update.do")}</button>}
    </p>
  );
}
