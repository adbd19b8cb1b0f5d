/** What an edit or a workbook would change, or what is wrong with it; and the question before it is entered. */
import { useState } from "preact/hooks";
import type { CatalogueFault, CatalogueReport, CatalogueWhole } from "../api/rulebook";
import { useBodyName } from "../case/bodies";
import { listed, t, tData } from "../i18n";
import { Ask } from "../page/Ask";
import { moment } from "../time";
import { told, wordsOf } from "./values";

const SHOWN = 50;

interface Props {
  look: CatalogueReport | null;
  done: CatalogueReport | null;
  faults: readonly CatalogueFault[];
  trouble: string | null;
  from: string | null;
  forms?: CatalogueWhole["forms"];
  onEnter: () => Promise<void>;
}

export function Report({ look, done, faults, trouble, from, forms, onEnter }: Props) {
  const [asking, setAsking] = useState(false);
  const enter = async (): Promise<void> => {
    await onEnter();
    setAsking(false);
  };
  return (
    <>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {faults.length > 0 && <Faults faults={faults} />}
      {look && look.changes.length === 0 && <p class="notice" role="status">{t("catalogue.same")}</p>}
      {look && look.changes.length > 0 && (
        <div role="status">
          <Changes report={look} {...(forms && { forms })} />
          <p><button type="button" class="do" onClick={() => setAsking(true)}>{t("catalogue.enter")}</button></p>
        </div>
      )}
      {done && <p class="notice" role="status">{t("catalogue.entered", { n: done.changes.length })}</p>}
      {asking && look && (
        <Ask title={t("catalogue.ask")} confirm={t(look.made_public.cases > 0 ? "catalogue.enter.public" : "catalogue.enter")} grave={look.made_public.cases > 0} onConfirm={enter} onClose={() => setAsking(false)}>
          <p>{from === null ? t("catalogue.ask.now") : t("catalogue.ask.later", { at: moment(from, new Date()) })}</p>
          {look.made_public.cases > 0 && <p class="warning">{t("catalogue.ask.public", { n: look.made_public.cases, categories: listed(look.made_public.categories) })}</p>}
          {look.retired.open_cases > 0 && <p class="notice">{t("catalogue.ask.retired", { n: look.retired.open_cases })}</p>}
          {look.retired.rules.length > 0 && <p class="notice">{t("catalogue.ask.rules", { rules: listed(look.retired.rules) })}</p>}
        </Ask>
      )}
    </>
  );
}

function Changes({ report, forms }: { report: CatalogueReport; forms?: CatalogueWhole["forms"] }) {
  const nameOfBody = useBodyName();
  const lines = report.changes.flatMap((change) => change.fields.map((field) => ({ change, field })));
  return (
    <>
      <p><strong>{t("catalogue.changes", { n: report.changes.length })}</strong></p>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">{t("catalogue.code")}</th>
            <th scope="col">{t("catalogue.field")}</th>
            <th scope="col">{t("catalogue.before")}</th>
            <th scope="col">{t("catalogue.after")}</th>
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, SHOWN).map(({ change, field }) => {
            const form = forms?.fields.find((each) => each.name === field.field);
            return (
              <tr key={`${change.code}/${field.field}`}>
                <th scope="row" class="numbers">{change.code} <span class="mark">{tData("catalogue.kind", change.kind)}</span></th>
                <td data-head={t("catalogue.field")}>{wordsOf(field)}</td>
                <td data-head={t("catalogue.before")}>{told(form, field.before, nameOfBody)}</td>
                <td data-head={t("catalogue.after")}>{told(form, field.after, nameOfBody)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {lines.length > SHOWN && <p class="faint">{t("catalogue.more", { n: lines.length - SHOWN })}</p>}
    </>
  );
}

function Faults({ faults }: { faults: readonly CatalogueFault[] }) {
  return (
    <div role="alert">
      <p class="warning">{t("catalogue.faults", { n: faults.length })}</p>
      <ul class="catalogue-faults">
        {faults.slice(0, SHOWN).map((each, at) => (
          <li key={at}>
            <strong>{t("catalogue.fault.where", { sheet: each.sheet, row: each.row, column: each.column })}</strong> {wordsOf(each)} {each.value !== null && <code>{String(each.value)}</code>}
          </li>
        ))}
      </ul>
      {faults.length > SHOWN && <p class="faint">{t("catalogue.more", { n: faults.length - SHOWN })}</p>}
    </div>
  );
}

export function FromInput({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <label class="pick">
      <span>{[t("catalogue.from"), t("catalogue.from.hint")].join(" · ")}</span>
      <input type="datetime-local" value={value} onInput={(event) => onChange(event.currentTarget.value)} />
    </label>
  );
}
