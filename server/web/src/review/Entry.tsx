/** One field of a form by its kind: choices, a place on a map, a time of the city, long and short texts, lists. */
import type { Fault, Field } from "../api/support";
import type { Category, Ground } from "../api/types";
import { pick, t } from "../i18n";
import { fieldName, shown } from "../page/values";
import { cityTime, fromCityTime } from "./mending";
import { PlaceInput } from "./PlaceInput";

interface Props {
  id: string;
  field: Field;
  words: string;
  ground: Ground;
  categories: ReadonlyMap<string, Category>;
  faults: readonly Fault[];
  onInput: (words: string) => void;
}

/** Fields in which people write sentences. */
const LONG = new Set(["description", "note"]);
const MUCH = 60;

export function Entry(props: Props) {
  const { id, field, faults } = props;
  const wrong = faults.length > 0;
  return (
    <div class={`entry${wrong ? " is-wrong" : ""}${field.kind === "place" ? " is-place" : ""}`}>
      <label for={id}>{fieldName(field.name)}{field.required && " *"}</label>
      <Control {...props} />
      {wrong && <p id={`${id}-wrong`} class="fault">{faults.map((each) => each.message).join(t("list.and"))}</p>}
    </div>
  );
}

function Control({ id, field, words, ground, categories, faults, onInput }: Props) {
  const wrong = faults.length > 0;
  const told = { id, "aria-invalid": wrong, "aria-describedby": wrong ? `${id}-wrong` : undefined };
  const input = (event: { currentTarget: { value: string } }): void => onInput(event.currentTarget.value);
  if (field.kind === "place") return <PlaceInput id={id} ground={ground} words={words} wrong={wrong} describedBy={told["aria-describedby"]} onInput={onInput} />;
  if (field.name === "category") {
    return (
      <select {...told} value={words} onChange={input}>
        <option value="">{t("mend.choose")}</option>
        {words && !categories.has(words) && <option value={words}>{t("mend.unknown", { value: words })}</option>}
        {[...categories.values()].filter((each) => each.parent === null).map((group) => (
          <optgroup key={group.code} label={`${group.code} ${pick(group)}`}>
            {[...categories.values()].filter((each) => each.parent === group.code).map((each) => (
              <option key={each.code} value={each.code}>{each.code} {pick(each)}</option>
            ))}
          </optgroup>
        ))}
      </select>
    );
  }
  const choices = field.kind === "flag" ? ["true", "false"] : field.choices;
  if (choices) {
    return (
      <select {...told} value={words} onChange={input}>
        <option value="">{t("mend.choose")}</option>
        {words && !choices.includes(words) && <option value={words}>{t("mend.unknown", { value: words })}</option>}
        {choices.map((each) => <option key={each} value={each}>{shown(field.name, field.kind === "flag" ? each === "true" : each, categories)}</option>)}
      </select>
    );
  }
  if (field.kind === "time") {
    const at = cityTime(words);
    return (
      <span class="entry-time">
        <input {...told} type="datetime-local" value={at ?? ""} onInput={(event) => onInput(fromCityTime(event.currentTarget.value))} />
        {at === null && words !== "" && <span class="faint">{t("mend.sent", { value: words })}</span>}
      </span>
    );
  }
  if (field.kind === "number") return <input {...told} type="text" inputMode="decimal" value={words} onInput={input} />;
  const many = field.kind === "list" || field.kind === "object";
  if (many || LONG.has(field.name) || words.length > MUCH) {
    return <textarea {...told} rows={many ? 2 : 4} placeholder={field.kind === "list" ? t("mend.lines") : ""} value={words} onInput={input} />;
  }
  return <input {...told} type="text" value={words} onInput={input} />;
}
