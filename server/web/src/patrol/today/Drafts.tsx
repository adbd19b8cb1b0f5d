/** What was begun and not sent: nothing that was typed is lost, and nobody has to remember where it was. */
import { t } from "../../i18n";
import { useLive, usePhone } from "../shell/live";
import { hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";
import { placeWords } from "./words";

export function Drafts() {
  const { phone, book } = usePhone();
  const drafts = useLive(() => phone.drafts.toArray(), [phone]) ?? [];
  const report = drafts.find(({ id }) => id === "report");
  const noted = book.visits.filter(({ id }) => drafts.some((draft) => draft.id === `visit/${id}`));
  return (
    <>
      {report && <p class="notice"><a class="patrol-draft" href={hrefOf("report")}>{t("patrol.draft", { at: momentOf(report.at) })}</a></p>}
      {noted.map(({ id, household }) => {
        const home = book.households.find((each) => each.id === household);
        return home && <p key={id} class="notice"><a class="patrol-draft" href={hrefOf("household", home.id)}>{t("patrol.draft.visit", { place: placeWords(home) })}</a></p>;
      })}
    </>
  );
}
