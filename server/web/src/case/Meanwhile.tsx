/** Two acted at once: who was first and what they did, and how the case stands now. */
import type { CaseLife, Possible } from "../api/cases";
import { t, tData } from "../i18n";
import { moment } from "../time";
import { actorOf, worded } from "./words";

interface Props {
  step: Possible;
  /** How many entries the time line had when the form of the step was opened. */
  seen: number;
  life: CaseLife;
  now: Date;
  /** Whether the form is there still, with what was filled in. */
  kept?: boolean;
}

export function Meanwhile({ step, seen, life, now, kept = false }: Props) {
  const happened = life.timeline.slice(seen);
  const state = tData("state", life.state);
  return (
    <div class="warning" role="alert">
      <p><b>{t(kept && happened.length === 0 ? "step.gone" : "step.overtaken", { step: worded(step) })}</b></p>
      {happened.map((entry, index) => (
        <p key={index}>{t("step.happened", { who: actorOf(entry), step: worded(entry), at: moment(entry.at, now) })}</p>
      ))}
      <p>{t(kept ? "step.state.kept" : "step.state.now", { state })}</p>
    </div>
  );
}
