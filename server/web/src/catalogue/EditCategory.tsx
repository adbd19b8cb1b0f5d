/** One category, edited from now or from a later moment on: first a look at what that changes, then the deed. */
import { useEffect, useRef, useState } from "preact/hooks";
import { put, Refused } from "../api/client";
import type { CatalogueFault, CatalogueReport, CatalogueWhole, CategoryVersion, CategoryWhole, FormField, Row, Value } from "../api/rulebook";
import { t } from "../i18n";
import { Assisting } from "../case/Assisting";
import { BodySelect } from "../case/BodyOptions";
import { useBodyName } from "../case/bodies";
import { refuseOrLeave, useRead } from "../page/reading";
import { moment } from "../time";
import { FromInput, Report } from "./Report";
import { codesOf, instant, limitOf, nameOf, valueOf, wordsOf } from "./values";

type Forms = CatalogueWhole["forms"];

interface Props {
  code: string;
  category: CategoryWhole | null;
  forms: Forms;
  may: boolean;
  entered: () => void;
  onClose: () => void;
}

export function EditCategory({ code, category, forms, may, entered, onClose }: Props) {
  const [fields, setFields] = useState<Row>(category?.fields ?? {});
  const [conditions, setConditions] = useState<Row[]>(category?.conditions ?? []);
  const [bans, setBans] = useState<Row[]>(category?.bans ?? []);
  const [from, setFrom] = useState("");
  const [look, setLook] = useState<CatalogueReport | null>(null);
  const [done, setDone] = useState<CatalogueReport | null>(null);
  const [faults, setFaults] = useState<readonly CatalogueFault[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus(), []);

  const clear = (): void => {
    setLook(null);
    setDone(null);
    setFaults([]);
    setTrouble(null);
  };
  const send = (dry: boolean): Promise<CatalogueReport> => put<CatalogueReport>(`/v1/catalogue/${code}`, { fields, conditions, bans, from: instant(from), dry_run: dry, make_public: !dry && (look?.made_public.cases ?? 0) > 0 });
  const tryIt = (event: SubmitEvent): void => {
    event.preventDefault();
    clear();
    setBusy(true);
    send(true).then((answer) => (answer.faults.length > 0 ? setFaults(answer.faults) : setLook(answer)), (error: unknown) => refuseOrLeave(error, setTrouble)).finally(() => setBusy(false));
  };
  const enter = async (): Promise<void> => {
    try {
      const answer = await send(false);
      clear();
      setDone(answer);
      entered();
    } catch (error) {
      if (error instanceof Refused) setFaults((error.problem as { faults?: CatalogueFault[] }).faults ?? []);
      throw error;
    }
  };
  const change = (set: () => void): void => {
    clear();
    set();
  };
  const name = nameOf(fields);
  return (
    <section class="panel catalogue-edit">
      <h2 ref={head} tabIndex={-1}>{t("catalogue.edit", { code: [code, name].filter(Boolean).join(" ") })}</h2>
      <form onSubmit={tryIt}>
        <fieldset disabled={!may}>
          <div class="catalogue-fields">
            {forms.fields.map((field) => (
              <FieldPick key={field.name} field={field} value={fields[field.name] ?? null} lead={fields["default_body"] ?? null} onChange={(value) => change(() => setFields({ ...fields, [field.name]: value }))} />
            ))}
          </div>
          {code.length === 4 && <List title={t("catalogue.conditions")} about={t("catalogue.conditions.about")} form={forms.conditions} rows={conditions} onChange={(rows) => change(() => setConditions(rows))} />}
          <List title={t("catalogue.bans")} about={t("catalogue.bans.about")} form={forms.bans} rows={bans} onChange={(rows) => change(() => setBans(rows))} />
          {may && (
            <div class="picks catalogue-foot">
              <FromInput value={from} onChange={(value) => change(() => setFrom(value))} />
              <button type="submit" class="quiet" disabled={busy}>{t(busy ? "live.loading" : "catalogue.look")}</button>
            </div>
          )}
        </fieldset>
      </form>
      <Report look={look} done={done} faults={faults} trouble={trouble} from={instant(from)} forms={forms} onEnter={enter} />
      {category && <History code={code} since={done} />}
      <p><button type="button" class="quiet" onClick={onClose}>{t("catalogue.close")}</button></p>
    </section>
  );
}

/** `lead`: the body of the category, which does not assist it. */
function FieldPick({ field, value, lead, onChange }: { field: FormField; value: Value; lead?: Value; onChange: (value: Value) => void }) {
  const typed = value === null ? "" : String(value);
  if (field.name === "default_body") return <BodySelect name={wordsOf(field)} value={typed} none={t("mend.choose")} onChange={onChange} />;
  if (field.name === "assisting_bodies") return <div class="catalogue-assisting"><Assisting codes={codesOf(value)} not={String(lead ?? "")} onChange={(codes) => onChange(codes.join(","))} /></div>;
  const set = (event: { currentTarget: { value: string } }): void => onChange(valueOf(field, event.currentTarget.value));
  return (
    <label class="pick">
      <span>{wordsOf(field)}</span>
      {field.kind === "choice" ? (
        <select value={typed} onChange={set}>
          {typed === "" && <option value="" />}
          {field.choices.map((each) => <option key={String(each.value)} value={String(each.value)}>{wordsOf(each)}</option>)}
        </select>
      ) : field.name.includes("_when") ? (
        <textarea rows={2} maxLength={500} value={typed} onInput={set} />
      ) : (
        <input type="text" inputMode={field.kind === "number" ? "numeric" : "text"} value={typed} maxLength={400} onInput={set} />
      )}
    </label>
  );
}

interface ListProps {
  title: string;
  about: string;
  form: readonly FormField[];
  rows: readonly Row[];
  onChange: (rows: Row[]) => void;
}

function List({ title, about, form, rows, onChange }: ListProps) {
  const change = (at: number, name: string, value: Value): void => onChange(rows.map((row, place) => (place === at ? { ...row, [name]: value } : row)));
  const fresh = (): Row => Object.fromEntries(form.map((field) => [field.name, field.name === "number" ? rows.length + 1 : field.kind === "text" ? "" : null]));
  return (
    <fieldset class="catalogue-list">
      <legend>{title}</legend>
      <p class="faint">{about}</p>
      {rows.map((row, at) => (
        <div key={at} class="catalogue-line" role="group" aria-label={[title, at + 1].join(" ")}>
          {form.map((field) => <FieldPick key={field.name} field={field} value={row[field.name] ?? null} onChange={(value) => change(at, field.name, value)} />)}
          <button type="button" class="quiet" onClick={() => onChange(rows.filter((_, place) => place !== at))}>{t("catalogue.row.remove")}</button>
        </div>
      ))}
      <button type="button" class="quiet" onClick={() => onChange([...rows, fresh()])}>{t("catalogue.row.add")}</button>
    </fieldset>
  );
}

function History({ code, since }: { code: string; since: unknown }) {
  const history = useRead<{ versions: CategoryVersion[] }>(`/v1/catalogue/${code}/versions`, since);
  const now = new Date();
  const nameOfBody = useBodyName();
  if (!history.value) return null;
  return (
    <details class="catalogue-history">
      <summary>{t("catalogue.history")}</summary>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col">{t("catalogue.history.from")}</th>
            <th scope="col">{t("catalogue.history.until")}</th>
            <th scope="col">{t("catalogue.limit")}</th>
            <th scope="col">{t("catalogue.body")}</th>
            <th scope="col">{t("catalogue.history.by")}</th>
          </tr>
        </thead>
        <tbody>
          {history.value.versions.map((each) => (
            <tr key={each.from ?? ""}>
              <th scope="row" class="numbers">{each.from ? moment(each.from, now) : t("catalogue.history.always")}</th>
              <td data-head={t("catalogue.history.until")} class="numbers">{each.until ? moment(each.until, now) : t("catalogue.history.still")}</td>
              <td data-head={t("catalogue.limit")}>{each.fields["is_active"] === true ? limitOf(each.fields) : t("catalogue.retired")}</td>
              <td data-head={t("catalogue.body")}>{nameOfBody(String(each.fields["default_body"] ?? ""))}</td>
              <td data-head={t("catalogue.history.by")}>{each.entered_by ?? t("catalogue.history.program")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
