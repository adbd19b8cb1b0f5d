/** The form of a new rule: tried out on past cases first, or saved at once. */
import { useState } from "preact/hooks";
import { post } from "../api/client";
import type { RuleDraft, RuleTrial } from "../api/rulebook";
import { pick, t, tData } from "../i18n";
import { useBodies } from "../case/bodies";
import { AreaSelect } from "../page/AreaChoice";
import { type Here, Select } from "../page/Staff";
import { refuseOrLeave } from "../page/reading";
import { Trial } from "./Trial";

export const DAYS = 90;
const UNITS = ["h", "wh", "wd", "d"] as const;
const EMPTY: RuleDraft = { label: "", category: null, area: null, severity: null, hours: "any", source: null, lead_body: "", assisting: [], limit: null, tier: null };

/** The categories as options, first levels among them. */
export function categoriesOf(categories: Here["categories"]): (readonly [string, string])[] {
  return [...categories.values()].sort((one, other) => one.code.localeCompare(other.code)).map((each) => [each.code, [each.code, pick(each)].join(" ")] as const);
}

export function AddRule({ ground, categories, made }: Here & { made: () => void }) {
  const [draft, setDraft] = useState<RuleDraft>(EMPTY);
  const [limit, setLimit] = useState("");
  const [unit, setUnit] = useState("wd");
  const [trial, setTrial] = useState<RuleTrial | null>(null);
  const [saved, setSaved] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const bodies = useBodies();

  const clear = (): void => {
    setTrial(null);
    setSaved(false);
    setTrouble(null);
  };
  const change = (part: Partial<RuleDraft>): void => {
    clear();
    setDraft({ ...draft, ...part });
  };
  const whole = (): RuleDraft => ({ ...draft, limit: limit.trim() === "" ? null : { value: Number(limit), unit } });
  const act = (deed: (rule: RuleDraft) => Promise<void>): void => {
    clear();
    if (draft.label.trim() === "" || draft.lead_body === "") return setTrouble(t("rules.missing"));
    setBusy(true);
    deed(whole()).catch((error: unknown) => refuseOrLeave(error, setTrouble)).finally(() => setBusy(false));
  };
  const tryIt = (): void => act((rule) => post<RuleTrial>("/v1/rules/trial", { rule, days: DAYS }).then(setTrial));
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    act((rule) =>
      post("/v1/rules", rule).then(() => {
        setDraft(EMPTY);
        setLimit("");
        setSaved(true);
        made();
      }),
    );
  };
  const options = (name: "severity" | "source" | "tier", values: readonly string[], none: string): (readonly [string, string])[] => [["", none], ...values.map((each) => [each, tData(`rules.${name}`, each)] as const)];
  return (
    <section class="panel rules-add">
      <h2>{t("rules.add")}</h2>
      <form onSubmit={save}>
        <div class="catalogue-fields">
          <label class="pick">
            <span>{t("rules.label")}</span>
            <input type="text" maxLength={200} value={draft.label} onInput={(event) => change({ label: event.currentTarget.value })} />
          </label>
          <Select name={t("rules.category")} value={draft.category ?? ""} options={[["", t("rules.category.any")], ...categoriesOf(categories)]} onChange={(value) => change({ category: value || null })} />
          <div class="pick">
            <span>{t("rules.area")}</span>
            <AreaSelect ground={ground} value={draft.area ?? ""} any={t("rules.area.any")} onChange={(code) => change({ area: code || null })} />
          </div>
          <Select name={t("rules.severity")} value={draft.severity ?? ""} options={options("severity", ["low", "normal", "urgent"], t("rules.severity.any"))} onChange={(value) => change({ severity: value || null })} />
          <Select name={t("rules.hours")} value={draft.hours} options={(["any", "working", "off"] as const).map((each) => [each, t(`rules.hours.${each}`)] as const)} onChange={(value) => change({ hours: value })} />
          <Select name={t("rules.source")} value={draft.source ?? ""} options={options("source", ["worker", "resident", "staff"], t("rules.source.any"))} onChange={(value) => change({ source: value || null })} />
          <Select name={t("rules.lead")} value={draft.lead_body} options={[["", t("rules.lead.choose")], ...bodies.map((each) => [String(each.value), pick({ name_zh: each.zh, name_en: each.en })] as const)]} onChange={(value) => change({ lead_body: value, assisting: draft.assisting.filter((each) => each !== value) })} />
          <Select name={t("rules.assisting")} value={draft.assisting[0] ?? ""} options={[["", t("rules.assisting.none")], ...bodies.filter((each) => each.value !== draft.lead_body).map((each) => [String(each.value), pick({ name_zh: each.zh, name_en: each.en })] as const)]} onChange={(value) => change({ assisting: value === "" ? [] : [value] })} />
          <label class="pick">
            <span>{t("rules.limit")}</span>
            <input type="number" min={1} max={1000} placeholder={t("rules.limit.own")} value={limit} onInput={(event) => { clear(); setLimit(event.currentTarget.value); }} />
          </label>
          <Select name={t("rules.unit")} value={unit} options={UNITS.map((each) => [each, t(`rules.unit.${each}`)] as const)} onChange={(value) => { clear(); setUnit(value); }} />
          <Select name={t("rules.tier")} value={draft.tier ?? ""} options={options("tier", ["grid", "community", "street", "county", "department"], t("rules.tier.own"))} onChange={(value) => change({ tier: value || null })} />
        </div>
        <p class="links">
          <button type="button" class="quiet" disabled={busy} onClick={tryIt}>{t(busy ? "live.loading" : "rules.try")}</button>
          <button type="submit" class="do" disabled={busy}>{t("rules.save")}</button>
        </p>
      </form>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {saved && <p class="notice" role="status">{t("rules.saved")}</p>}
      {trial && <Trial trial={trial} days={DAYS} categories={categories} />}
    </section>
  );
}
