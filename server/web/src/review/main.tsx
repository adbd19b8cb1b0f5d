/** The review page: disputes between two authors, and what is in quarantine. The address says which. */
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { type Here, startStaffPage } from "../page/Staff";
import { Disputes } from "./Disputes";
import { Quarantine } from "./Quarantine";

const LISTS = ["disputes", "quarantine"] as const;

function Review(here: Here) {
  const [list, setList] = useState(LISTS.find((each) => each === new URLSearchParams(location.search).get("list")) ?? "disputes");
  const choose = (chosen: (typeof LISTS)[number]): void => {
    history.replaceState(null, "", `?list=${chosen}`);
    setList(chosen);
  };
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
