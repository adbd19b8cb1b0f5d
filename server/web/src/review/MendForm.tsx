/** The form that mends one quarantined operation: what is wrong stands beside its field, before and after sending. */
import { useEffect, useRef, useState } from "preact/hooks";
import { tell } from "../api/client";
import type { Doc, Fault, Fields, Kept } from "../api/support";
import { t, tData } from "../i18n";
import { useFocusBack } from "../page/focus";
import type { Here } from "../page/Staff";
import { Select } from "../page/Staff";
import { faultsOf, refuseOrLeave } from "../page/reading";
import { fieldName } from "../page/values";
import { Entry } from "./Entry";
import { MakePublic, wouldPublish } from "./MakePublic";
import { type Form, listed, mended, opened, topOf } from "./mending";

interface Props {
  kept: Kept;
  fields: Fields;
  ground: Here["ground"];
  categories: Here["categories"];
  released: () => void;
  onClose: () => void;
}

const ACTIONS = ["put", "patch", "delete"] as const;
const ABOUT_TIME = /captured-(too-old|in-future)$/;

export function MendForm({ kept, fields, ground, categories, released, onClose }: Props) {
  const [form, setForm] = useState<Form>(() => opened(kept, fields[kept.collection] ?? []));
  const [note, setNote] = useState("");
  const [faults, setFaults] = useState<readonly Fault[]>(kept.problem.errors ?? []);
  const [added, setAdded] = useState<readonly string[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [publishing, setPublishing] = useState<Doc | null>(null);
  const schema = fields[form.collection] ?? [];
  const shownFields = form.action === "delete" ? [] : listed(form, schema, faults, added);
  const set = (name: string, words: string): void => setForm({ ...form, texts: { ...form.texts, [name]: words } });
  const box = useRef<HTMLFormElement>(null);
  useFocusBack();
  useEffect(() => box.current?.querySelector<HTMLElement>("input, select, textarea")?.focus(), []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && !event.isComposing) onClose();
  };
  const release = (makePublic: boolean): Promise<void> =>
    tell(`/v1/review/quarantine/${kept.id}/release`, { ...mended(form, schema, note), ...(makePublic && { make_public: true }) });
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    setBusy(true);
    setTrouble(null);
    release(false).then(released, (error: unknown) => {
      setBusy(false);
      const issue = wouldPublish(error);
      if (issue !== null) return setPublishing(issue);
      setFaults(faultsOf(error));
      refuseOrLeave(error, setTrouble);
      return undefined;
    });
  };
  const rest = schema.filter((field) => !shownFields.includes(field)).map((field) => [field.name, fieldName(field.name)] as const);
  const loose = faults.filter((each) => !shownFields.some((field) => field.name === topOf(each.field)));
  return (
    <>
      <form ref={box} class="mend" onSubmit={send} onKeyDown={onKeyDown} noValidate>
        {shownFields.map((field) => (
          <Entry
            key={field.name}
            id={`f${kept.id}-${field.name}`}
            field={field}
            words={form.texts[field.name] ?? ""}
            ground={ground}
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
      {publishing && (
        <MakePublic issue={publishing} categories={categories} onConfirm={() => release(true).then(released)} onClose={() => setPublishing(null)} />
      )}
    </>
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
