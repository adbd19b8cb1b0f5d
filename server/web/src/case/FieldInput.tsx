/** One field of a step by its kind: three large answers, a list, a date, a limit, bodies, another case, photos, words. */
import type { CaseLife, Choice, Likely } from "../api/cases";
import { t, tData } from "../i18n";
import { cityTime, fromCityTime } from "../review/mending";
import { cityDate } from "../time";
import { BodyOptions } from "./BodyOptions";
import { Assisting } from "./Assisting";
import { useBodies } from "./bodies";
import type { Asked } from "./fields";
import { PhotoInput } from "./PhotoInput";
import { worded } from "./words";

interface Props {
  id: string;
  field: Asked;
  life: CaseLife;
  likely: readonly Likely[];
  /** Where the case is, as it is typed; null where that is not known. */
  at: string | null;
  value: unknown;
  faults: readonly string[];
  onValue: (value: unknown) => void;
  onSending: (sending: boolean) => void;
}

export function FieldInput(props: Props) {
  const { id, field, faults } = props;
  const name = `${tData("step.field", field.called)}${field.required ? "" : t(field.called === "extension" ? "step.extension.asked" : "step.optional")}`;
  const wrong = faults.length > 0;
  const grouped = ["answers", "score", "bodies", "limit", "photos"].includes(field.kind);
  return (
    <div class={wrong ? "step-field is-wrong" : "step-field"}>
      {grouped ? (
        <fieldset aria-describedby={wrong ? `${id}-wrong` : undefined}>
          <legend class={field.kind === "bodies" ? "unseen" : undefined}>{name}</legend>
          <Control {...props} />
        </fieldset>
      ) : (
        <>
          <label for={id}>{name}</label>
          <Control {...props} />
        </>
      )}
      {wrong && <p id={`${id}-wrong`} class="fault">{faults.join(t("list.and"))}</p>}
    </div>
  );
}

const words = (value: unknown): string => (typeof value === "string" ? value : "");

function Control({ id, field, life, likely, at, value, faults, onValue, onSending }: Props) {
  const wrong = faults.length > 0;
  const told = { id, required: field.required, "aria-invalid": wrong, "aria-describedby": wrong ? `${id}-wrong` : undefined };
  const typed = (event: { currentTarget: { value: string } }): void => onValue(event.currentTarget.value);
  switch (field.kind) {
    case "answers": return <Answers id={id} field={field} value={value} choices={field.choices} onValue={onValue} />;
    case "score": return <Answers id={id} field={field} value={value} choices={field.choices.length ? field.choices : SCORES} onValue={onValue} />;
    case "photos": return <PhotoInput id={id} issueId={life.id} wrong={wrong} onChange={(ids, sending) => { onValue(ids); onSending(sending); }} />;
    case "limit": return <Limit id={id} wrong={wrong} value={value} onValue={onValue} />;
    case "bodies": return <Bodies id={id} field={field} wrong={wrong} value={value} onValue={onValue} />;
    case "case": return <OtherCase told={told} candidates={likely} value={words(value)} onValue={onValue} />;
    case "time": return <input {...told} type="datetime-local" value={cityTime(words(value)) ?? ""} onInput={(event) => onValue(fromCityTime(event.currentTarget.value))} />;
    case "date": return <input {...told} type="date" min={cityDate(new Date(), -1)} value={words(value)} onInput={typed} />;
    case "body": return <Pick told={told} choices={life.assisting.map(({ code, name, name_en }) => ({ value: code, zh: name, en: name_en }))} value={words(value)} onValue={onValue} />;
    case "place": return <Place told={told} at={at} value={words(value)} onValue={onValue} />;
    case "choice": return <Pick told={told} choices={field.choices} value={words(value)} onValue={onValue} />;
    default: return <textarea {...told} rows={3} maxLength={1000} value={words(value)} onInput={typed} />;
  }
}

const SCORES: readonly Choice[] = [1, 2, 3, 4, 5].map((value) => ({ value, zh: `${value} 分`, en: `${value}` }));

interface Several {
  id: string;
  field: Asked;
  value: unknown;
  choices: readonly Choice[];
  onValue: (value: unknown) => void;
}

function Answers({ id, field, value, choices, onValue }: Several) {
  return (
    <div class="answers">
      {choices.map((each, index) => (
        <label key={each.value} class="answer">
          <input
            id={index === 0 ? id : undefined}
            type="radio"
            name={id}
            required={field.required}
            checked={value === each.value}
            onChange={() => onValue(each.value)}
          />
          <span>{worded(each)}</span>
        </label>
      ))}
    </div>
  );
}

interface Told {
  id: string;
  required: boolean;
  "aria-invalid": boolean;
  "aria-describedby": string | undefined;
}

function Pick({ told, choices, value, onValue }: { told: Told; choices: readonly Choice[]; value: string; onValue: (value: unknown) => void }) {
  return (
    <select {...told} value={value} onChange={(event) => onValue(choices.find((each) => String(each.value) === event.currentTarget.value)?.value ?? "")}>
      <option value="">{t("mend.choose")}</option>
      {choices.map((each) => <option key={each.value} value={String(each.value)}>{worded(each)}</option>)}
    </select>
  );
}

const UNITS = ["h", "wh", "wd", "d"] as const;

function Limit({ id, wrong, value, onValue }: { id: string; wrong: boolean; value: unknown; onValue: (value: unknown) => void }) {
  const limit = (value ?? { value: 0, unit: "wh" }) as { value: number; unit: string };
  return (
    <span class="step-limit">
      <input id={id} type="number" min={1} max={999} inputMode="numeric" aria-invalid={wrong} aria-label={t("step.limit.value")} value={limit.value || ""} onInput={(event) => onValue({ ...limit, value: Number(event.currentTarget.value) })} />
      <select aria-label={t("step.limit.unit")} value={limit.unit} onChange={(event) => onValue({ ...limit, unit: event.currentTarget.value })}>
        {UNITS.map((unit) => <option key={unit} value={unit}>{t(`step.unit.${unit}`)}</option>)}
      </select>
    </span>
  );
}

interface Sent {
  lead: string | null;
  assisting: string[];
}

function Bodies({ id, field, wrong, value, onValue }: { id: string; field: Asked; wrong: boolean; value: unknown; onValue: (value: unknown) => void }) {
  const known = useBodies();
  const bodies = (value ?? { lead: null, assisting: [] }) as Sent;
  const wantsAssisting = field.assisted && bodies.lead !== null && bodies.assisting.length === 0;
  return (
    <div class="step-bodies">
      <label>
        <span>{t("step.lead")}</span>
        <select id={wantsAssisting ? undefined : id} required={field.required} aria-invalid={wrong && !wantsAssisting} value={bodies.lead ?? ""} onChange={(event) => onValue({ ...bodies, lead: event.currentTarget.value || null })}>
          <option value="">{t("mend.choose")}</option>
          <BodyOptions bodies={known} />
        </select>
      </label>
      <Assisting id={wantsAssisting ? id : undefined} codes={bodies.assisting} not={bodies.lead} required={field.assisted} wrong={wrong && wantsAssisting} onChange={(assisting) => onValue({ ...bodies, assisting })} />
    </div>
  );
}

/** Where the person stands: at the case, by a press, or where they say. */
function Place({ told, at, value, onValue }: { told: Told; at: string | null; value: string; onValue: (value: unknown) => void }) {
  return (
    <span class="step-place">
      <input {...told} type="text" placeholder="117.271000, 31.861000" value={value} onInput={(event) => onValue(event.currentTarget.value)} />
      {at !== null && <button type="button" class="quiet" onClick={() => onValue(at)}>{t("step.place.here")}</button>}
    </span>
  );
}

/** The other case, by its number; what is likely can be picked. */
function OtherCase({ told, candidates, value, onValue }: { told: Told; candidates: readonly Likely[]; value: string; onValue: (value: unknown) => void }) {
  const isPicked = candidates.some(({ id }) => id === value);
  return (
    <span class="step-other">
      {candidates.length > 0 && (
        <select id={isPicked ? told.id : undefined} aria-label={t("step.of.likely")} value={isPicked ? value : ""} onChange={(event) => onValue(event.currentTarget.value)}>
          <option value="">{t("step.of.number")}</option>
          {candidates.map((each) => <option key={each.id} value={each.id}>{[each.description, each.address].filter(Boolean).join(" · ")}</option>)}
        </select>
      )}
      {!isPicked && <input {...told} type="text" placeholder={t("step.of.hint")} value={value} onInput={(event) => onValue(event.currentTarget.value)} />}
    </span>
  );
}
