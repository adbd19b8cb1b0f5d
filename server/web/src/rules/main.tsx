/** The rules' page: which cases go to which body; tried out on past cases, made, and retired. */
import { useState } from "preact/hooks";
import { post, remove } from "../api/client";
import type { Rule, RuleTrial } from "../api/rulebook";
import { listed, pick, t, tData } from "../i18n";
import { useBodyName } from "../case/bodies";
import { Ask } from "../page/Ask";
import { steps, usePlace } from "../page/place";
import { mayGive, mayRoute } from "../page/roles";
import { type Here, Select, startStaffPage, Trouble, Words } from "../page/Staff";
import { query, refuseOrLeave, useRead } from "../page/reading";
import { AddRule, categoriesOf, DAYS } from "./AddRule";
import { Bodies } from "./Bodies";
import { Trial } from "./Trial";
import "../styles/rulebook.css";

function Rules(here: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const words = asked.get("words") ?? "";
  const category = asked.get("category") ?? "";
  const rules = useRead<{ rules: Rule[] }>("/v1/rules");
  const body = useBodyName();
  const go = (part: { words?: string; category?: string }): void => steps.settle(query({ words, category, ...part }));
  const found = rules.value?.rules.filter((rule) => shown(rule, words, category, body)) ?? [];
  return (
    <>
      <h1>{t("rules.title")}</h1>
      <p class="faint under">{t("rules.about")}</p>
      <div class="picks">
        <Words value={words} hint={[t("rules.label"), t("rules.area"), t("rules.lead")].join(" · ")} onChange={(value) => go({ words: value })} />
        <Select name={t("rules.category")} value={category} options={[["", t("rules.category.any")], ...categoriesOf(here.categories)]} onChange={(value) => go({ category: value })} />
      </div>
      {rules.trouble !== null && <Trouble words={rules.trouble} again={rules.again} />}
      {rules.value && <p class="faint" role="status">{t("rules.count", { n: found.length })}</p>}
      {rules.value && found.length === 0 && <p class="nothing">{t("rules.none")}</p>}
      {found.length > 0 && <Rows {...here} rules={found} again={rules.again} />}
      {rules.value && <AddRule {...here} made={rules.again} />}
      {mayGive(here.session) && <Bodies categories={here.categories} />}
    </>
  );
}

function shown(rule: Rule, words: string, category: string, body: (code: string) => string): boolean {
  const bodies = [rule.lead_body, ...rule.assisting];
  const held = [rule.label, rule.area, rule.area_name, ...bodies, ...bodies.map(body)].join(" ").toLowerCase();
  const speaks = rule.category === null || category === "" || rule.category === category || rule.category === category.slice(0, 2) || rule.category.slice(0, 2) === category;
  return speaks && held.includes(words.trim().toLowerCase());
}

interface RowsProps extends Here {
  rules: readonly Rule[];
  again: () => void;
}

function Rows({ rules, categories, again }: RowsProps) {
  const [retiring, setRetiring] = useState<Rule | null>(null);
  const body = useBodyName();
  const heads = ["label", "category", "area", "when", "lead", "limit"] as const;
  return (
    <>
      <table class="rows">
        <thead>
          <tr>{heads.map((each) => <th key={each} scope="col">{t(`rules.${each}`)}</th>)}<th scope="col"><span class="unseen">{t("rules.retire")}</span></th></tr>
        </thead>
        <tbody>
          {rules.map((rule) => {
            const category = rule.category === null ? null : categories.get(rule.category);
            return (
              <tr key={rule.id} class={rule.applies && !rule.category_retired ? "" : "is-out-of-use"}>
                <th scope="row">{rule.label}<Notes rule={rule} /></th>
                <td data-head={t("rules.category")}>{rule.category === null ? t("rules.category.any") : [rule.category, category ? pick(category) : ""].join(" ")}</td>
                <td data-head={t("rules.area")}>{rule.area === null ? t("rules.area.any") : <>{rule.area_name} <span class="faint">{rule.area}</span></>}</td>
                <td data-head={t("rules.when")}>{whenOf(rule)}</td>
                <td data-head={t("rules.lead")}>
                  {body(rule.lead_body)}
                  {rule.assisting.length > 0 && <span class="faint"> {[t("rules.assisting"), listed(rule.assisting.map(body))].join(" ")}</span>}
                </td>
                <td data-head={t("rules.limit")}>{rule.limit ? t("rules.limit.of", { n: rule.limit.value, unit: tData("rules.unit", rule.limit.unit) }) : t("rules.limit.own")}</td>
                <td><button type="button" class="quiet is-grave" onClick={() => setRetiring(rule)}>{t("rules.retire")}</button></td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {retiring && <Retire rule={retiring} categories={categories} onClose={() => setRetiring(null)} done={() => { setRetiring(null); again(); }} />}
    </>
  );
}

function whenOf(rule: Rule): string {
  const parts = [
    rule.severity === null ? "" : tData("rules.severity", rule.severity),
    rule.hours === "any" ? "" : tData("rules.hours", rule.hours),
    rule.source === null ? "" : tData("rules.source", rule.source),
  ].filter(Boolean);
  return parts.length > 0 ? listed(parts) : t("rules.always");
}

function Notes({ rule }: { rule: Rule }) {
  const said = [
    rule.area_standing === "retired" ? t("rules.area.retired") : "",
    rule.area_standing === "below-grids" ? t("rules.area.below-grids") : "",
    rule.successors.length > 0 ? t("rules.area.successors", { areas: listed(rule.successors.map(({ name, code }) => [name, code].join(" "))) }) : "",
    rule.category_retired ? t("rules.category.retired") : "",
    rule.bodies_missing > 0 ? t("rules.bodies.missing", { n: rule.bodies_missing }) : "",
  ].filter(Boolean);
  return <>{said.map((each) => <p key={each} class="faint">{each}</p>)}</>;
}

interface RetireProps {
  rule: Rule;
  categories: Here["categories"];
  done: () => void;
  onClose: () => void;
}

function Retire({ rule, categories, done, onClose }: RetireProps) {
  const [trial, setTrial] = useState<RuleTrial | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const tryIt = (): void => void post<RuleTrial>("/v1/rules/trial", { without: rule.id, days: DAYS }).then(setTrial, (error: unknown) => refuseOrLeave(error, setTrouble));
  return (
    <Ask grave title={t("rules.retire.ask", { label: rule.label })} confirm={t("rules.retire")} onConfirm={() => remove(`/v1/rules/${rule.id}`).then(done)} onClose={onClose}>
      <p>{t("rules.retire.text")}</p>
      {trial === null ? <p><button type="button" class="quiet" onClick={tryIt}>{t("rules.try")}</button></p> : <Trial trial={trial} days={DAYS} categories={categories} />}
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
    </Ask>
  );
}

startStaffPage("rules", Rules, mayRoute, "rules.norole");
