/** Whom and what a redraw concerns beside records: people whose charge ends, rules, editions that wait, bodies. */
import type { ComponentChildren } from "preact";
import type { Concerned as Told } from "../api/redraw";
import { beside, t, tData } from "../i18n";
import { moment } from "../time";

export function Concerned({ concerned: { assignments, rules, plans, bodies } }: { concerned: Told }) {
  const name = new Map(bodies.map((body) => [body.code, body.name]));
  const untold = bodies.filter((body) => !body.has_endpoint);
  return (
    <>
      <Part words={t("concerned.people", { n: assignments.length })} some={assignments.length > 0}>
        {assignments.map((each) => (
          <li key={`${each.login}/${each.role}/${each.area}`}>
            {beside(each.name, each.login)} <span class="faint">{tData("role", each.role)} · {each.area}</span>
            {each.left_with_none && <span class="mark">{t("concerned.none")}</span>}
          </li>
        ))}
      </Part>
      <Part words={t("concerned.rules", { n: rules.length })} some={rules.length > 0}>
        {rules.map((rule) => (
          <li key={rule.id}>
            {rule.label || t("concerned.rule", { id: rule.id })} <span class="faint">{rule.area} → {name.get(rule.body) ?? rule.body}</span>
            {rule.ends && <span class="mark">{t("concerned.ends")}</span>}
          </li>
        ))}
      </Part>
      <Part words={t("concerned.plans", { n: plans.length })} some={plans.length > 0}>
        {plans.map((plan) => (
          <li key={plan.id}>{plan.name} <span class="faint">{moment(plan.at, new Date())} · {plan.by}</span></li>
        ))}
      </Part>
      <Part words={t("concerned.untold", { n: untold.length })} some={untold.length > 0}>
        {untold.map((body) => <li key={body.code}>{beside(body.name, body.code)}</li>)}
      </Part>
    </>
  );
}

function Part({ words, some, children }: { words: string; some: boolean; children: ComponentChildren }) {
  if (!some) return null;
  return (
    <>
      <h3>{words}</h3>
      <ul class="concerned">{children}</ul>
    </>
  );
}
