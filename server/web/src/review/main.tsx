/** The review page: disputes between two authors, and what is in quarantine. The address says which. */
import { t } from "../i18n";
import { steps, usePlace } from "../page/place";
import { type Here, startStaffPage } from "../page/Staff";
import { Disputes } from "./Disputes";
import { Quarantine } from "./Quarantine";
import "../styles/mending.css";

const LISTS = ["disputes", "quarantine"] as const;

function Review(here: Here) {
  const asked = new URLSearchParams(usePlace().search).get("list");
  const list = LISTS.find((each) => each === asked) ?? "disputes";
  const choose = (chosen: (typeof LISTS)[number]): void => steps.take(`list=${chosen}`);
  return (
    <>
      <h1>{t("review.title")}</h1>
      <div class="tabs">
        {LISTS.map((each) => (
          <button key={each} type="button" aria-pressed={list === each} onClick={() => choose(each)}>
            {t(`review.tab.${each}`)}
          </button>
        ))}
      </div>
      {list === "disputes" ? <Disputes {...here} /> : <Quarantine {...here} />}
    </>
  );
}

startStaffPage("review", Review);
