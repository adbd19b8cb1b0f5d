/** The catalogue's page: the categories as they are and as they are planned, edited one by one or as a workbook. */
import { useState } from "preact/hooks";
import type { CatalogueWhole, CategoryWhole } from "../api/rulebook";
import { currentLanguage, t } from "../i18n";
import { useBodyName } from "../case/bodies";
import { steps, usePlace } from "../page/place";
import { mayGive } from "../page/roles";
import { type Here, Select, startStaffPage, Trouble, Words } from "../page/Staff";
import { query, useRead } from "../page/reading";
import { moment } from "../time";
import { EditCategory } from "./EditCategory";
import { Sheet } from "./Sheet";
import { Terms } from "./Terms";
import { limitOf, named, nameOf } from "./values";
import "../styles/rulebook.css";

const SHOWS = ["active", "planned", "retired", "all"] as const;
const CODE = /^[0-9]{2}([0-9]{2})?$/;

function Catalogue({ session }: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const words = asked.get("words") ?? "";
  const show = SHOWS.find((each) => each === asked.get("show")) ?? "active";
  const code = asked.get("code") ?? "";
  const whole = useRead<CatalogueWhole>("/v1/catalogue");
  const go = (part: { words?: string; show?: string; code?: string }): void => steps.settle(query({ words, show, code, ...part }));
  const catalogue = whole.value;
  const found = catalogue?.categories.filter((each) => shown(each, show, words)) ?? [];
  const editing = catalogue?.categories.find((each) => each.code === code) ?? null;
  return (
    <>
      <h1>{t("catalogue.title")}</h1>
      <p class="faint under">{t("catalogue.about")} <a href="#terms">{t("terms.title")}</a></p>
      <div class="picks">
        <Words value={words} hint={t("catalogue.search")} onChange={(value) => go({ words: value })} />
        <Select name={t("catalogue.show")} value={show} options={SHOWS.map((each) => [each, t(`catalogue.show.${each}`)] as const)} onChange={(value) => go({ show: value })} />
        {mayGive(session) && <Add onAdd={(value) => go({ code: value })} />}
      </div>
      {whole.trouble !== null && <Trouble words={whole.trouble} again={whole.again} />}
      {catalogue && CODE.test(code) && (
        <EditCategory key={`${code}/${catalogue.edition}`} code={code} category={editing} forms={catalogue.forms} may={mayGive(session)} entered={whole.again} onClose={() => go({ code: "" })} />
      )}
      {catalogue && <p class="faint" role="status">{t("catalogue.count", { n: found.length, edition: catalogue.edition })}</p>}
      {catalogue && found.length === 0 && <p class="nothing">{t("catalogue.none")}</p>}
      {catalogue && found.length > 0 && <Rows categories={found} catalogue={catalogue} onOpen={(value) => go({ code: value })} />}
      <Terms may={mayGive(session)} />
      {catalogue && <Sheet may={mayGive(session)} entered={whole.again} />}
    </>
  );
}

function shown({ code, fields, planned_from }: CategoryWhole, show: string, words: string): boolean {
  const held = [code, fields["name_zh"], fields["name_en"], fields["gbt_code"]].join(" ").toLowerCase();
  if (!held.includes(words.trim().toLowerCase())) return false;
  if (show === "planned") return planned_from !== null;
  return show === "all" || fields["is_active"] === (show === "active");
}

interface RowsProps {
  categories: readonly CategoryWhole[];
  catalogue: CatalogueWhole;
  onOpen: (code: string) => void;
}

function Rows({ categories, catalogue, onOpen }: RowsProps) {
  const now = new Date();
  const body = useBodyName();
  const choice = (each: CategoryWhole, name: string): string => named(catalogue.forms.fields.find((field) => field.name === name), each.fields[name] ?? null);
  const heads = ["code", "name", "limit", "body", "intake", "conditions"] as const;
  return (
    <table class="rows catalogue-rows">
      <thead>
        <tr>{heads.map((each) => <th key={each} scope="col">{t(`catalogue.${each}`)}</th>)}</tr>
      </thead>
      <tbody>
        {categories.map((each) => (
          <tr key={each.code} class={each.code.length === 2 ? "is-level" : ""}>
            <th scope="row" class="numbers">{each.code}</th>
            <td data-head={t("catalogue.name")}>
              <button type="button" class="linklike" onClick={() => onOpen(each.code)}>{nameOf(each.fields)}</button>
              <span class="marks">
                {each.fields["is_active"] !== true && <span class="mark">{t("catalogue.retired")}</span>}
                {each.fields["is_private"] === true && <span class="mark">{t("catalogue.private")}</span>}
                {each.fields["is_night"] === true && <span class="mark">{t("catalogue.night")}</span>}
                {each.planned_from && <span class="mark">{t("catalogue.planned", { at: moment(each.planned_from, now) })}</span>}
              </span>
            </td>
            <td data-head={t("catalogue.limit")}>{limitOf(each.fields)}</td>
            <td data-head={t("catalogue.body")}>{body(String(each.fields["default_body"] ?? ""))}</td>
            <td data-head={t("catalogue.intake")}>{choice(each, "intake")}</td>
            <td data-head={t("catalogue.conditions")} class="numbers">{each.conditions.length || ""}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Add({ onAdd }: { onAdd: (code: string) => void }) {
  const [code, setCode] = useState("");
  const add = (event: SubmitEvent): void => {
    event.preventDefault();
    if (CODE.test(code)) onAdd(code);
  };
  return (
    <form class="catalogue-add" onSubmit={add} lang={currentLanguage() === "zh" ? "zh-CN" : "en"}>
      <label class="pick">
        <span>{t("catalogue.add.code")}</span>
        <input type="text" inputMode="numeric" pattern="[0-9]{2}([0-9]{2})?" maxLength={4} size={6} value={code} onInput={(event) => setCode(event.currentTarget.value)} />
      </label>
      <button type="submit" class="quiet">{t("catalogue.add")}</button>
    </form>
  );
}

startStaffPage("catalogue", Catalogue, (session) => session.roles.length > 0);
