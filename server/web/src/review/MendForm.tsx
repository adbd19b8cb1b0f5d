/** The form that mends one quarantined operation: what is wrong stands beside its field, before and after sending. */
import { useState } from "preact/hooks";
import { tell } from "../api/client";
import type { Fault, Field, Fields, Kept } from "../api/support";
import { t, tData } from "../i18n";
import type { Here } from "../page/Staff";
import { Select } from "../page/Staff";
import { faultsOf, refuseOrLeave } from "../page/reading";
import { fieldName, shown } from "../page/values";
import { type Form, listed, mended, opened, topOf } from "./mending";

interface Props {
  kept: Kept;
  fields: Fields;
  categories: Here["categories"];
  released: () => void;
  onClose: () => void;
}

const ACTIONS = ["put", "patch", "delete"] as const;
const ABOUT_TIME = /captured-(too-old|in-future)$/;

export function MendForm({ kept, fields, categories, released, onClose }: Props) {
  const [form, setForm] = useState<Form>(() => opened(kept, fields[kept.collection] ?? []));
  const [note, setNote] = useState("");
  const [faults, setFaults] = useState<readonly Fault[]>(kept.problem.errors ?? []);
  const [added, setAdded] = useState<readonly string[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const schema = fields[form.collection] ?? [];
  const shownFields = form.action === "delete" ? [] : listed(form, schema, faults, added);
  const set = (name: string, words: string): void => setForm({ ...form, texts: { ...form.texts, [name]: words } });
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    tell(`/v1/review/quarantine/${kept.id}/release`, mended(form, schema, note)).then(released, (error: unknown) => {
      setBusy(false);
      setFaults(faultsOf(error));
      refuseOrLeave(error, setTrouble);
    });
  };
  const rest = schema.filter((field) => !shownFields.includes(field)).map((field) => [field.name, fieldName(field.name)] as const);
  const loose = faults.filter((each) => !shownFields.some((field) => field.name === topOf(each.field)));
  return (
    <form class="mend" onSubmit={send} noValidate>
      {shownFields.map((field) => (
        <Input
          key={field.name}
          id={`f${kept.id}-${field.name}`}
          field={field}
          words={form.texts[field.name] ?? ""}
          categories={categories}
          faults={faults.filter((each) => topOf(each.field) === field.name)}
          onInput={(words) => set(field.name, words)}
        />
      ))}
      {rest.length > 0 && form.action !== "delete" && (
        <Select name={t("mend.add")} value="" options={[["", "–"], ...rest]} onChange={(name) => setAdded([...added, name])} />
      )}
      <details open={!(kept.collection in fields) || ABOUT_TIME.test(kept.problem.type)}>
        <summary>{t("mend.more")}</summary>
        <Whole form={form} fields={fields} change={(part) => setForm({ ...form, ...part })} />
      </details>
      <label class="pick">
        <span>{t("mend.note")}</span>
        <input type="text" maxLength={500} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {trouble !== null && loose.map((each) => <p key={each.field} class="fault">{fieldName(each.field)} {each.message}</p>)}
      <p class="links">
        <button type="submit" class="do" disabled={busy}>{t("mend.release")}</button>
        <button type="button" class="quiet" onClick={onClose}>{t("staff.cancel")}</button>
      </p>
    </form>
  );
}

/** What an operation is about as a whole: seldom wrong, so it is folded away. */
function Whole({ form, fields, change }: { form: Form; fields: Fields; change: (part: Partial<Form>) => void }) {
  return (
    <div class="picks">
      <Select
        name={t("review.collection")}
        value={form.collection}
        options={[["", "–"], ...Object.keys(fields).map((each) => [each, tData("collection", each)] as const)]}
        onChange={(collection) => change({ collection })}
      />
      <Select name={t("mend.action")} value={form.action} options={[["", "–"], ...ACTIONS.map((each) => [each, tData("action", each)] as const)]} onChange={(action) => change({ action })} />
      <label class="pick">
        <span>{t("issue.number")}</span>
        <input type="text" value={form.id} onInput={(event) => change({ id: event.currentTarget.value })} />
      </label>
      <label class="pick">
        <span>{t("issue.captured")}</span>
        <input type="datetime-local" value={form.capturedAt} onInput={(event) => change({ capturedAt: event.currentTarget.value })} />
      </label>
    </div>
  );
}

interface InputProps {
  id: string;
  field: Field;
  words: string;
  categories: Here["categories"];
  faults: readonly Fault[];
  onInput: (words: string) => void;
}

function Input({ id, field, words, categories, faults, onInput }: InputProps) {
  const wrong = faults.length > 0;
  const told = { id, "aria-invalid": wrong, "aria-describedby": wrong ? `${id}-wrong` : undefined };
  const input = (event: { currentTarget: { value: string } }): void => onInput(event.currentTarget.value);
  const choices = choicesOf(field, categories);
  const long = field.kind === "place" || field.kind === "list" || field.kind === "object" || words.length > 60;
  return (
    <div class={wrong ? "entry is-wrong" : "entry"}>
      <label for={id}>{fieldName(field.name)}{field.required && " *"}</label>
      {choices ? (
        <select {...told} value={words} onChange={input}>
          <option value="">–</option>
          {words && !choices.includes(words) && <option value={words}>{words}</option>}
          {choices.map((each) => <option key={each} value={each}>{shown(field.name, field.kind === "flag" ? each === "true" : each, categories)}</option>)}
        </select>
      ) : long ? (
        <textarea {...told} rows={2} value={words} onInput={input} />
      ) : (
        <input {...told} type="text" value={words} onInput={input} />
      )}
      {wrong && <p id={`${id}-wrong`} class="fault">{faults.map((each) => each.message).join("；")}</p>}
    </div>
  );
}

function choicesOf(field: Field, categories: Here["categories"]): readonly string[] | null {
  if (field.kind === "flag") return ["true", "false"];
  if (field.name === "category") return [...categories.values()].filter((each) => each.parent !== null).map((each) => each.code);
  return field.choices;
}
