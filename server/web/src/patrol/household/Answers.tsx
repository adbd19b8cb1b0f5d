/** The three answers, and the rarer ones behind them. One tap enters the visit. */
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Outcome } from "../records";
import { outcomeWords } from "./words";

const MAIN = ["met", "no_answer", "refused"] as const;
const GLYPHS: Readonly<Record<(typeof MAIN)[number], string>> = { met: "m4 13 5 5L20 6", no_answer: "M7 3h10v18H7zM14 12v1", refused: "M6 6l12 12M18 6 6 18" };

export function Answers({ onAnswer }: { onAnswer: (outcome: Outcome, appointment: string | null) => Promise<void> }) {
  const [more, setMore] = useState(false);
  const [when, setWhen] = useState("");
  return (
    <div class="patrol-answers" role="group" aria-label={t("patrol.answer")}>
      <div class="patrol-three">
        {MAIN.map((outcome) => (
          <button key={outcome} type="button" class={`patrol-answer is-${outcome}`} onClick={() => void onAnswer(outcome, null)}>
            <svg class="icon" width="28" height="28" viewBox="0 0 24 24" aria-hidden="true"><path d={GLYPHS[outcome]} /></svg>
            <span>{outcomeWords(outcome)}</span>
          </button>
        ))}
      </div>
      <button type="button" class="patrol-plain" aria-expanded={more} onClick={() => setMore(!more)}>{t("patrol.more")}</button>
      {more && (
        <div class="patrol-others">
          <button type="button" class="patrol-plain" onClick={() => void onAnswer("moved", null)}>{outcomeWords("moved")}</button>
          <button type="button" class="patrol-plain" onClick={() => void onAnswer("vacant", null)}>{outcomeWords("vacant")}</button>
          <label class="patrol-field" for="appointment">
            <span>{t("patrol.appointment.when")}</span>
            <input id="appointment" type="datetime-local" value={when} onInput={({ currentTarget }) => setWhen(currentTarget.value)} />
          </label>
          <button type="button" class="patrol-plain" disabled={when === ""} onClick={() => void onAnswer("appointment", inCity(when))}>{t("patrol.appointment.do")}</button>
        </div>
      )}
    </div>
  );
}

/** A day and minute as they are typed are the city's, whatever the zone of the phone. */
function inCity(typed: string): string {
  return new Date(`${typed}:00+08:00`).toISOString();
}
