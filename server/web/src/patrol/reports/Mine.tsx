/** What became of what was reported: what needs the worker first, then open reports, then those that came to an end. */
import { t, tData } from "../../i18n";
import type { Entry } from "../../sync/index";
import { type Category, useCatalogue } from "../report/catalogue";
import type { Issue } from "../records";
import { useLive, usePhone } from "../shell/live";
import { hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";
import { mendIn } from "./mending";
import { whatIs } from "./words";

export function Mine() {
  const { phone, book } = usePhone();
  const doubtful = useLive(() => phone.client.doubtful(), [phone]) ?? [];
  const categories = useCatalogue(phone);
  const mine = book.issues.filter((issue) => issue.mine).sort((one, other) => (one.id < other.id ? 1 : -1));
  const open = mine.filter(({ closed }) => closed === null);
  const ended = mine.filter(({ closed }) => closed !== null);
  return (
    <div class="patrol-part">
      <h1>{t("patrol.mine")}</h1>
      {doubtful.length > 0 && (
        <section aria-labelledby="doubtful">
          <h2 id="doubtful">{t("patrol.doubtful")}</h2>
          <ul class="patrol-cards">{doubtful.map((entry) => <Doubtful key={entry.op_id} entry={entry} />)}</ul>
        </section>
      )}
      {mine.length === 0 && <p class="faint">{t("patrol.mine.none")}</p>}
      {open.length > 0 && <Reports title={t("patrol.mine.open", { n: open.length })} issues={open} categories={categories} />}
      {ended.length > 0 && <Reports title={t("patrol.mine.ended", { n: ended.length })} issues={ended} categories={categories} />}
    </div>
  );
}

function Reports({ title, issues, categories }: { title: string; issues: readonly Issue[]; categories: readonly Category[] }) {
  return (
    <section>
      <h2>{title}</h2>
      <ul class="patrol-rows">
        {issues.map((issue) => (
          <li key={issue.id}>
            <a class="patrol-row" href={hrefOf("issue", issue.id)}>
              <strong>{whatIs(issue, categories.find(({ code }) => code === issue.category))}</strong>
              <span class="patrol-tier">{issue.unsettled > 0 ? t("patrol.mine.unsent") : tData("state", issue.state)}</span>
              <span class="patrol-row-more">{issue.description || issue.address}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One operation that was not simply taken: why, in the words of the server, and what may be done. */
function Doubtful({ entry }: { entry: Entry }) {
  const { phone } = usePhone();
  const reason = entry.problem?.detail ?? entry.problem?.title ?? entry.note ?? "";
  const said = typeof entry.op.data.description === "string" ? entry.op.data.description : "";
  const mendable = entry.state === "quarantined" && entry.collection === "issues" && entry.action === "put";
  return (
    <li class="notice patrol-again">
      <strong>{[momentOf(Date.parse(entry.op.captured_at)), tData("patrol.what", entry.collection), said].filter(Boolean).join(" · ")}</strong>
      <p>{t(`patrol.doubtful.${entry.state as "held"}`)}</p>
      {reason !== "" && <p>{reason}</p>}
      {mendable && <button type="button" class="wide" onClick={() => void mendIn(phone, entry)}>{t("patrol.doubtful.mend")}</button>}
      {entry.state !== "held" && <button type="button" class="patrol-plain" onClick={() => void phone.client.forget(entry.op_id)}>{t("patrol.doubtful.known")}</button>}
    </li>
  );
}

