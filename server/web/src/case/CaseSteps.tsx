/** What the person may do now with a case: a button for each step, the form of the chosen one, and what came of it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseLife, Likely, Possible } from "../api/cases";
import { t, tData } from "../i18n";
import { written } from "../redraw/lines";
import { type Draft, STEP_KEYS } from "./fields";
import { Meanwhile } from "./Meanwhile";
import { StepForm } from "./StepForm";
import { worded } from "./words";
import "../styles/case.css";

interface Props {
  life: CaseLife;
  /** Cases that it may be merged into. */
  likely?: readonly Likely[];
  /** What is filled in already in the form that opens. */
  preset?: Draft;
  /** The step whose form is open, null where none is; the page may open it by a key. */
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
  const [overtaken, setOvertaken] = useState<{ step: Possible; seen: number } | null>(null);
  const opened = useRef<{ of: string; step: Possible } | null>(null);
  useEffect(() => {
    setTold(null);
    setOvertaken(null);
  }, [life.id]);
  const offered = life.possible.find((each) => each.step === chosen);
  if (offered) opened.current = { of: life.id, step: offered };
  const step = opened.current?.of === life.id && opened.current.step.step === chosen ? opened.current.step : null;
  if (step === null) opened.current = null;
  useEffect(() => {
    if (step === null && chosen !== null) onChoose(null);
  }, [step, chosen]);
  useEffect(() => () => onChoose(null), []);
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
      {overtaken && <Meanwhile {...overtaken} life={life} now={now} />}
      {step ? (
        <StepForm
          key={`${life.id} ${step.step}`}
          life={life}
          likely={likely}
          preset={preset}
          at={life.location ? written([life.location.lon, life.location.lat]) : null}
          step={step}
          gone={!offered}
          now={now}
          onTaken={(after) => {
            setTold(t("step.taken", { step: worded(step), state: tData("state", after.state) }));
            close();
            onChanged(after);
          }}
          onOvertaken={(seen) => {
            setOvertaken({ step, seen });
            close();
            onChanged(null);
          }}
          onStale={() => onChanged(null)}
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
