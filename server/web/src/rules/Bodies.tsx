/** The bodies that cases are given to, for who may retire one: once it has no open case and nothing gives it any. */
import { useState } from "preact/hooks";
import { Refused, remove } from "../api/client";
import { listed, pick, t, tData } from "../i18n";
import { type BodyChoice, grouped, readBodiesAnew, useBodies } from "../case/bodies";
import { Ask } from "../page/Ask";
import { refuseOrLeave } from "../page/reading";
import type { Here } from "../page/Staff";

/** A case that has no number yet is named by its id. */
const UUID_LENGTH = 36;

/** What still holds a body, as the server tells it. */
interface Held {
  open_cases: number;
  numbers: string[];
  rules: string[];
  categories: string[];
  is_default_desk: boolean;
}

export function Bodies({ categories }: Pick<Here, "categories">) {
  const bodies = useBodies();
  const [retiring, setRetiring] = useState<BodyChoice | null>(null);
  const [told, setTold] = useState<string | null>(null);
  const name = (body: BodyChoice): string => pick({ name_zh: body.zh, name_en: body.en });
  return (
    <section class="rules-bodies">
      <h2>{t("rules.bodies")}</h2>
      <p class="faint">{t("rules.bodies.about")}</p>
      <p role="status">{told}</p>
      {grouped(bodies).map(([kind, some]) => (
        <details key={kind}>
          <summary>{tData("body.kind", kind)} {some.length}</summary>
          <ul class="rules-body">
            {some.map((body) => (
              <li key={body.value}>
                <span>{name(body)} <span class="faint">{body.value}</span></span>
                <button type="button" class="quiet is-grave" aria-label={`${t("rules.retire")} ${name(body)}`} onClick={() => setRetiring(body)}>{t("rules.retire")}</button>
              </li>
            ))}
          </ul>
        </details>
      ))}
      {retiring && (
        <Retire
          body={retiring}
          categories={categories}
          name={name(retiring)}
          onClose={() => setRetiring(null)}
          done={() => { setTold(t("rules.bodies.retired", { name: name(retiring) })); setRetiring(null); readBodiesAnew(); }}
        />
      )}
    </section>
  );
}

interface RetireProps {
  body: BodyChoice;
  categories: Here["categories"];
  name: string;
  done: () => void;
  onClose: () => void;
}

function Retire({ body, categories, name, done, onClose }: RetireProps) {
  const [held, setHeld] = useState<Held | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const category = (code: string): string => {
    const found = categories.get(code);
    return found ? `${code} ${pick(found)}` : code;
  };
  const retire = (): Promise<void> => remove(`/v1/bodies/${encodeURIComponent(body.value)}`).then(done, (error: unknown) => {
    setHeld(error instanceof Refused && "open_cases" in error.problem ? (error.problem as unknown as Held) : null);
    refuseOrLeave(error, setTrouble);
    throw error;
  });
  return (
    <Ask grave title={t("rules.bodies.ask", { name })} confirm={t("rules.retire")} onConfirm={retire} onClose={onClose}>
      <p>{t("rules.bodies.text")}</p>
      {trouble !== null && held && (
        <dl class="rules-held">
          {held.open_cases > 0 && <><dt>{t("rules.bodies.cases", { n: held.open_cases })}</dt><dd>{held.numbers.map((number) => <a key={number} href={`/case?${number.length === UUID_LENGTH ? "id" : "number"}=${encodeURIComponent(number)}`}>{number}</a>)}{held.open_cases > held.numbers.length && <span class="faint">{t("rules.bodies.more", { n: held.open_cases - held.numbers.length })}</span>}</dd></>}
          {held.rules.length > 0 && <><dt>{t("rules.title")}</dt><dd>{listed(held.rules)}</dd></>}
          {held.categories.length > 0 && <><dt>{t("nav.catalogue")}</dt><dd>{listed(held.categories.map(category))}</dd></>}
          {held.is_default_desk && <dt>{t("rules.bodies.default")}</dt>}
        </dl>
      )}
    </Ask>
  );
}
