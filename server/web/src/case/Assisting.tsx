/** The bodies that assist: added by a choice, each taken out by a press. `not`: the one that leads, which is none of them. */
import { t } from "../i18n";
import { BodyOptions } from "./BodyOptions";
import { useBodies, useBodyName } from "./bodies";

interface Props {
  id?: string | undefined;
  codes: readonly string[];
  not: string | null;
  required?: boolean;
  wrong?: boolean;
  onChange: (codes: string[]) => void;
}

export function Assisting({ id, codes, not, required = false, wrong = false, onChange }: Props) {
  const known = useBodies();
  const nameOf = useBodyName();
  const others = known.filter((each) => each.value !== not && !codes.includes(String(each.value)));
  const add = (code: string): void => {
    if (code !== "") onChange([...codes, code]);
  };
  return (
    <>
      <label class="pick">
        <span>{t("step.assisting")}</span>
        <select id={id} required={required} aria-invalid={wrong} value="" onChange={(event) => add(event.currentTarget.value)}>
          <option value="">{t("step.assisting.add")}</option>
          <BodyOptions bodies={others} />
        </select>
      </label>
      {codes.length > 0 && (
        <ul class="assisting">
          {codes.map((code) => (
            <li key={code}>
              <button type="button" class="quiet" aria-label={t("step.assisting.drop", { name: nameOf(code) })} onClick={() => onChange(codes.filter((each) => each !== code))}>{nameOf(code)} ×</button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
