/** The bodies as options of a choice, in groups of one kind; one that is no longer among them is named by its code. */
import { tData } from "../i18n";
import { type BodyChoice, grouped, useBodies } from "./bodies";
import { worded } from "./words";

export function BodyOptions({ bodies }: { bodies: readonly BodyChoice[] }) {
  return (
    <>
      {grouped(bodies).map(([kind, each]) => (
        <optgroup key={kind} label={tData("body.kind", kind)}>
          {each.map((body) => <option key={body.value} value={String(body.value)}>{worded(body)}</option>)}
        </optgroup>
      ))}
    </>
  );
}

interface Props {
  name: string;
  value: string;
  /** What choosing none is called. */
  none: string;
  required?: boolean;
  onChange: (code: string) => void;
}

export function BodySelect({ name, value, none, required = false, onChange }: Props) {
  const bodies = useBodies();
  return (
    <label class="pick">
      <span>{name}</span>
      <select value={value} required={required} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{none}</option>
        {value !== "" && !bodies.some((each) => each.value === value) && <option value={value}>{value}</option>}
        <BodyOptions bodies={bodies} />
      </select>
    </label>
  );
}
