/** What a change of the rules would have done to the cases of the last days: counts first, then some of them. */
import type { NamedBody, RuleTrial } from "../api/rulebook";
import { pick, t } from "../i18n";
import type { Here } from "../page/Staff";
import { moment } from "../time";

export function Trial({ trial, days, categories }: { trial: RuleTrial; days: number; categories: Here["categories"] }) {
  const body = ({ zh, en }: NamedBody): string => pick({ name_zh: zh, name_en: en });
  const now = new Date();
  return (
    <section class="rules-trial" role="status">
      <h3>{t("rules.trial", { days })}</h3>
      <p>{t("rules.trial.looked", { n: trial.looked, m: trial.applies })} {trial.cut_off && t("rules.trial.cut")}</p>
      <p><strong>{trial.elsewhere === 0 ? t("rules.trial.same") : t("rules.trial.elsewhere", { n: trial.elsewhere })}</strong></p>
      {trial.other_limit > 0 && <p>{t("rules.trial.limit", { n: trial.other_limit })}</p>}
      {trial.moves.length > 0 && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t("rules.trial.was")}</th>
              <th scope="col">{t("rules.trial.would")}</th>
              <th scope="col">{t("rules.trial.count")}</th>
            </tr>
          </thead>
          <tbody>
            {trial.moves.map((each) => (
              <tr key={`${each.was.code}/${each.would_be.code}`}>
                <th scope="row">{body(each.was)}</th>
                <td data-head={t("rules.trial.would")}>{body(each.would_be)}</td>
                <td data-head={t("rules.trial.count")} class="numbers">{each.count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {trial.examples.length > 0 && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t("rules.trial.case")}</th>
              <th scope="col">{t("rules.trial.at")}</th>
              <th scope="col">{t("rules.trial.would")}</th>
            </tr>
          </thead>
          <tbody>
            {trial.examples.map((each) => {
              const category = categories.get(each.category);
              return (
                <tr key={each.id}>
                  <th scope="row"><a href={`/case?id=${each.id}`}>{[category ? pick(category) : each.category, each.description ?? ""].join(" ")}</a></th>
                  <td data-head={t("rules.trial.at")} class="numbers">{moment(each.received_at, now)}</td>
                  <td data-head={t("rules.trial.would")}>{body(each.would_be)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}
