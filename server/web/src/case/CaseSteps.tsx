/** What the person may do now with a case: a button for each step, the form of the chosen one, and what came of it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseEntry, CaseLife, Likely, Possible, Worded } from "../api/cases";
import { t, tData } from "../i18n";
import { written } from "../redraw/lines";
import { moment } from "../time";
import { type Draft, STEP_KEYS } from "./fields";
import { type Overtaken, StepForm } from "./StepForm";
import { actorOf, worded } from "./words";
import "../styles/case.css";

interface Props {
  life: CaseLife;
  /** Cases that it may be merged into. */
  likely?: readonly Likely[];
  /** What is filled in already in the form that opens. */
  preset?: Draft;
  /** The step whose form is open; the page may open it by a key. */
  chosen: string | null;
  /** Whether letters are told beside the buttons. */
  keys?: boolean;
  now: Date;
  onChoose: (step: string | null) => void;
  /** The case as it is after a step, by this person or by another. */
  onChanged: (life: CaseLife | null) => void;
}

export function CaseSteps({ life, likely = [], preset = {}, chosen, keys = false, now, onChoose, onChanged }: Props) {
  const box = useRef<HTMLElement>(null);
  const [told, setTold] = useState<string | null>(null);
  const [overtaken, setOvertaken] = useState<Overtaken | null>(null);
  useEffect(() => {
    setTold(null);
    setOvertaken(null);
  }, [life.id]);
  const step = life.possible.find((each) => each.step === chosen) ?? null;
  const open = (each: Possible): void => {
    setTold(null);
    setOvertaken(null);
    onChoose(each.step);
  };
  const close = (): void => {
    onChoose(null);
    box.current?.focus();
  };
  return (
    <section ref={box} class="steps-now" tabIndex={-1} aria-label={t("case.steps")}>
      {told !== null && <p class="step-told" role="status">{told}</p>}
      {overtaken && <Meanwhile overtaken={overtaken} timeline={life.timeline} state={life.state} now={now} />}
      {step ? (
        <StepForm
          key={`${life.id} ${step.step}`}
          life={life}
          likely={likely}
          preset={preset}
          at={life.location ? written([life.location.lon, life.location.lat]) : null}
          step={step}
          onTaken={(after) => {
            setTold(t("step.taken", { step: worded(step), state: tData("state", after.state) }));
            close();
            onChanged(after);
          }}
          onOvertaken={(what) => {
            setOvertaken(what);
            close();
            onChanged(null);
          }}
          onClose={close}
        />
      ) : (
        <Buttons possible={life.possible} keys={keys} onOpen={open} />
      )}
    </section>
  );
}

/** Steps that bring a case nearer to its end: the first of them comes first, and stands out. */
const ONWARD = new Set(["accept", "verify", "file", "dispatch", "receive", "start", "done", "assist_done", "grant_extension", "resume", "check", "close", "score"]);

function Buttons({ possible, keys, onOpen }: { possible: readonly Possible[]; keys: boolean; onOpen: (step: Possible) => void }) {
  const onward = possible.find(({ step, seen }) => ONWARD.has(step) && !seen);
  const inOrder = onward ? [onward, ...possible.filter((each) => each !== onward)] : possible;
  if (possible.length === 0) return <p class="faint">{t("case.steps.none")}</p>;
  return (
    <ul class="step-buttons">
      {inOrder.map((each) => {
        const key = keys ? STEP_KEYS[each.step] : undefined;
        return (
          <li key={each.step}>
            <button type="button" class={each === onward ? "do" : "quiet"} aria-keyshortcuts={key} onClick={() => onOpen(each)}>
              {worded(each)}{key && <kbd aria-hidden="true">{key.toUpperCase()}</kbd>}
            </button>
          </li>
        );
      })}
    </ul>
  );
}

interface Told extends Partial<Overtaken["problem"]> {
  why?: string;
  guard_words?: Worded | null;
}

/** Two acted at once: who was first and what they did; or what must be so before this step, and is not. */
function Meanwhile({ overtaken, timeline, state, now }: { overtaken: Overtaken; timeline: readonly CaseEntry[]; state: string; now: Date }) {
  const problem = overtaken.problem as Told;
  const step = worded(overtaken.step);
  if (problem.why === "guard") {
    return <p class="warning" role="alert"><b>{t("step.not", { step })}</b> {problem.guard_words ? worded(problem.guard_words) : problem.detail}</p>;
  }
  return (
    <div class="warning" role="alert">
      <p><b>{t("step.overtaken", { step })}</b></p>
      {timeline.slice(overtaken.seen).map((entry, index) => (
        <p key={index}>{t("step.happened", { who: actorOf(entry), step: worded(entry), at: moment(entry.at, now) })}</p>
      ))}
      <p>{t("step.state.now", { state: tData("state", state) })}</p>
    </div>
  );
}
