/** What was begun and not sent: nothing that was typed is lost, and nobody has to remember where it was. */
import { t } from "../../i18n";
import { useLive, usePhone } from "../shell/live";
import { hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";

export function Drafts() {
  const { phone } = usePhone();
  const report = useLive(() => phone.drafts.get("report"), [phone]);
  if (!report) return null;
  return <p class="notice"><a class="patrol-draft" href={hrefOf("report")}>{t("patrol.draft", { at: momentOf(report.at) })}</a></p>;
}
