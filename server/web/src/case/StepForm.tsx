/** The form of one step: what it needs, and sending it. The same id is sent again where an answer was lost. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Refused, post, read } from "../api/client";
import type { CaseLife, Instead, Likely, Possible } from "../api/cases";
import { t } from "../i18n";
import { useBackCloses } from "../page/place";
import { faultsOf, fieldOf, refuseOrLeave, wordsOf } from "../page/reading";
import { readPoint } from "../redraw/lines";
import { FieldInput } from "./FieldInput";
import { type Asked, type Draft, asked, begun, filled, missing, sent } from "./fields";
import { Meanwhile } from "./Meanwhile";
import { newId } from "./photos";
import { worded } from "./words";

interface Props {
  life: CaseLife;
  likely: readonly Likely[];
  preset: Draft;
  /** Where the case is, as it is typed. */
  at: string | null;
  step: Possible;
  /** Whether somebody acted meanwhile, so that the step is not possible any more. */
  gone: boolean;
  now: Date;
  onTaken: (life: CaseLife) => void;
  /** `seen`: how many entries the time line had when the form was opened. */
  onOvertaken: (seen: number) => void;
  /** The case may be another than the one that is shown. */
  onStale: () => void;
  onClose: () => void;
}

const GRAVE = new Set(["void", "refuse"]);

export function StepForm({ life, likely, preset, at, step, gone, now, onTaken, onOvertaken, onStale, onClose }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const tried = useRef({ id: newId(), as: "" });
  const [state] = useState(life.state);
  const [seen] = useState(life.timeline.length);
  const [draft, setDraft] = useState<Draft>(() => ({ ...begun(step, life), ...preset }));
  const [faults, setFaults] = useState<Record<string, string[]>>({});
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [sending, setSending] = useState(false);
  const fields = asked(step, draft);
  useBackCloses("step", onClose);
  useEffect(() => {
    const first = form.current?.querySelector<HTMLElement>(".step-field input, .step-field select, .step-field textarea") ?? form.current?.querySelector<HTMLElement>("[type=submit]");
    first?.focus();
    form.current?.scrollIntoView({ block: "nearest" });
  }, []);
  const fill = (field: Asked, value: unknown): void => {
    setDraft((last) => ({ ...last, [field.name]: value }));
    if (filled(field, value)) setFaults(({ [field.name]: _, ...others }) => others);
  };
  const go = (event: SubmitEvent): void => {
    event.preventDefault();
    if (gone || busy || sending) return undefined;
    const empty = missing(fields, draft);
    setFaults(Object.fromEntries(empty.map((name) => [name, [t("step.missing")]])));
    if (empty.length > 0) return form.current?.querySelector<HTMLElement>(`#${fieldId(empty[0] as string)}`)?.focus();
    setBusy(true);
    setTrouble(null);
    const send = async (): Promise<CaseLife> => {
      const given = { step: step.step, state, ...(await resolved(sent(fields, draft))) };
      const as = JSON.stringify(given);
      if (tried.current.as !== as && tried.current.as !== "") tried.current.id = newId(); // another step, not the same again
      tried.current.as = as;
      return post<CaseLife>(`/v1/cases/${life.id}/steps`, { id: tried.current.id, ...given });
    };
    send().then(onTaken, (error: unknown) => {
      setBusy(false);
      if (error instanceof Refused && error.status === 409) {
        const spoke = againstIt(error);
        if (spoke === null) return onOvertaken(seen);
        setTrouble(`${t("step.not", { step: worded(step) })} ${spoke}`);
        return onStale();
      }
      const named = faultsOf(error).map((each): [string, string[]] => [each.field.split(".")[0] ?? "", [each.message]]);
      const field = fieldOf(error);
      if (field !== null) named.push([field, [wordsOf(error)]]);
      setFaults(Object.fromEntries(named));
      return fields.some(({ name }) => name === field) ? undefined : refuseOrLeave(error, setTrouble);
    });
  };
  return (
    <form
      ref={form}
      class="step-form"
      noValidate
      aria-label={worded(step)}
      onSubmit={go}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          if (!event.repeat) form.current?.requestSubmit();
        }
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
    >
      <h3>{worded(step)}</h3>
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          id={fieldId(field.name)}
          field={field}
          life={life}
          likely={likely}
          at={at}
          value={draft[field.name]}
          faults={faults[field.name] ?? []}
          onValue={(value) => fill(field, value)}
          onSending={setSending}
        />
      ))}
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {gone && !busy && <Meanwhile step={step} seen={seen} life={life} now={now} kept />}
      <p class="step-foot">
        <button type="submit" class={GRAVE.has(step.step) ? "do is-grave" : "do"} disabled={busy || sending || gone}>
          {sending ? t("case.photo.sending") : t("step.confirm", { step: worded(step) })}
        </button>
        <button type="button" class="quiet" onClick={onClose}>{t("staff.cancel")}</button>
      </p>
    </form>
  );
}

/** What must be so before the step and is not, in the server's words; null where the case stands otherwise. */
function againstIt({ problem }: Refused): string | null {
  const { why, guard_words } = problem as Partial<Instead>;
  if (why !== "guard") return null;
  return guard_words ? worded(guard_words) : (problem.detail ?? problem.title ?? "");
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A case that was named by its number is looked up; a place that was typed is taken apart. */
async function resolved(given: Record<string, unknown>): Promise<Record<string, unknown>> {
  const told = { ...given };
  if (typeof told.of === "string" && !UUID.test(told.of)) {
    const { cases } = await read<{ cases: { id: string }[] }>(`/v1/cases?number=${encodeURIComponent(told.of)}`);
    if (!cases[0]) throw new Refused(404, { title: t("case.unknown", { number: told.of }) });
    told.of = cases[0].id;
  }
  const point = typeof told.location === "string" ? readPoint(told.location) : null;
  if (point) told.location = { lon: point[0], lat: point[1], datum: "wgs84" };
  return told;
}

const fieldId = (name: string): string => `step-${name}`;
