/** One report and what became of it, in plain words. */
import { t, tData } from "../../i18n";
import { moment } from "../../time";
import { useCatalogue } from "../report/catalogue";
import type { Issue } from "../records";
import { useLive, usePhone } from "../shell/live";
import { goBack, hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";
import { whatIs } from "./words";

export function IssuePage({ id }: { id: string }) {
  const { phone, book } = usePhone();
  const categories = useCatalogue(phone);
  const steps = useLive(async () => (await phone.client.list("steps")).filter(({ data }) => data.issue_id === id), [phone, id]) ?? [];
  const issue = book.issues.find((each) => each.id === id);
  if (issue === undefined) {
    return (
      <div class="patrol-part">
        <h1>{t("patrol.issue.gone")}</h1>
        <p>{t("patrol.issue.gone.text")}</p>
        <a class="patrol-plain" href={hrefOf("mine")}>{t("patrol.mine")}</a>
      </div>
    );
  }
  const rows = factsOf(issue);
  return (
    <div class="patrol-part">
      <button type="button" class="patrol-back" onClick={goBack}>{t("patrol.back")}</button>
      <h1>{whatIs(issue, categories.find(({ code }) => code === issue.category))}</h1>
      <p class="patrol-lead">{standsAs(issue)}</p>
      {issue.answer !== null && (
        <section aria-labelledby="answered">
          <h2 id="answered">{t("patrol.issue.answer")}</h2>
          <p class="patrol-safe">{issue.answer}</p>
        </section>
      )}
      <dl class="patrol-facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {steps.length > 0 && (
        <section aria-labelledby="steps">
          <h2 id="steps">{t("patrol.issue.steps")}</h2>
          <ul class="patrol-list">{steps.map(({ id: step, data, unsettled }) => <li key={step}>{stepWords(data, unsettled)}</li>)}</ul>
        </section>
      )}
      <a class="patrol-row" href={hrefOf("report")}><strong>{t("patrol.issue.next")}</strong></a>
    </div>
  );
}

/** How the case stands, as one says it to whoever reported it. */
function standsAs(issue: Issue): string {
  if (issue.unsettled > 0) return t("patrol.issue.unsent");
  if (issue.masked) return t("patrol.issue.masked");
  if (issue.merged !== null) return t("patrol.issue.merged", { number: String(issue.merged.number ?? ""), state: tData("state", String(issue.merged.state ?? "")) });
  return t(`patrol.stands.${issue.state as "reported"}`, { body: issue.body ?? t("patrol.issue.body") });
}

function factsOf({ number, body, deadline, address, description, grid, closed }: Issue): [string, string][] {
  const now = new Date();
  const told: [string, string | null | undefined][] = [
    [t("patrol.fact.number"), number],
    [t("patrol.fact.body"), body],
    [t("patrol.fact.deadline"), closed === null && deadline !== null ? moment(deadline, now) : null],
    [t("patrol.fact.closed"), closed === null ? null : momentOf(Date.parse(closed))],
    [t("patrol.fact.grid"), grid?.name],
    [t("patrol.fact.address"), address],
    [t("patrol.fact.words"), description],
  ];
  return told.filter((row): row is [string, string] => Boolean(row[1]));
}

function stepWords(data: Readonly<Record<string, unknown>>, unsettled: number): string {
  const became = unsettled > 0 ? t("patrol.mine.unsent") : tData("patrol.step.outcome", String(data.outcome ?? "waiting"));
  return [tData("step", String(data.step)), data.answer, became].filter(Boolean).join(" · ");
}
