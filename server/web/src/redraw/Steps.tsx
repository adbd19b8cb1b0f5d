/** The steps of a draft, each leading to its place on the map; and the way back and forth through them. */
import type { Areas, Done } from "../api/redraw";
import type { Ground } from "../api/types";
import { type Key, t } from "../i18n";
import { Balanced, balanceOf } from "./Even";
import type { RedrawMap } from "./map";
import { codesOf, placeOf } from "./places";

interface Props {
  done: readonly Done[];
  open: boolean;
  busy: boolean;
  ground: Ground;
  areas: Areas;
  map: RedrawMap | null;
  onUndo: () => void;
  onRedo: () => void;
}

const MOST_NAMED = 3;

export function Steps({ done, open, busy, ground, areas, map, onUndo, onRedo }: Props) {
  return (
    <section class="panel">
      <div class="head">
        <h2>{t("draft.steps")}</h2>
        {open && (
          <span class="links">
            <button type="button" class="quiet" disabled={busy || !done.some((step) => !step.undone)} onClick={onUndo}>{t("draft.undo")}</button>
            <button type="button" class="quiet" disabled={busy || !done.some((step) => step.undone)} onClick={onRedo}>{t("draft.redo")}</button>
          </span>
        )}
      </div>
      {done.length === 0 && <p class="faint">{t("draft.nosteps")}</p>}
      <ol class="ground-steps">
        {done.map((step) => {
          const place = placeOf(step, ground, areas);
          return (
            <li key={step.position} class={step.undone ? "is-undone" : ""}>
              {place === null ? <span>{wordsOf(step)}</span> : (
                <button type="button" class="step-place" title={t("gate.show")} onClick={() => map?.goTo(place)}>{wordsOf(step)}</button>
              )}
              <Outcome step={step} />
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function Outcome({ step }: { step: Done }) {
  const balance = balanceOf(step.parameters);
  return balance === null ? null : <Balanced balance={balance} />;
}

function wordsOf(step: Done): string {
  return t(`redraw.${step.kind}` as Key, { codes: spoken(step) });
}

function spoken(step: Done): string {
  const { code, codes, file, areas } = step.parameters as { code?: string; codes?: string[]; file?: string; areas?: { code: string }[] };
  if (file !== undefined) return t("import.step", { file, n: areas?.length ?? 0 });
  const named = codes ?? (code === undefined ? codesOf(step) : [code]);
  const more = named.length > MOST_NAMED ? t("draft.step.more", { n: named.length - MOST_NAMED }) : "";
  return named.slice(0, MOST_NAMED).join(t("draft.even.and")) + more;
}
