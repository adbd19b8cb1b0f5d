/** What a draft changes: each area that is new, gone or other than it was, before and after, leading to its place. */
import { useState } from "preact/hooks";
import type { Areas, Changes } from "../api/redraw";
import type { Ground } from "../api/types";
import { t } from "../i18n";
import type { RedrawMap } from "./map";
import { boxOf } from "./places";

interface Props {
  changes: readonly Changes[];
  areas: Areas;
  ground: Ground;
  map: RedrawMap | null;
  /** Show the ground as it was, or as it will be. */
  onShow: (after: boolean) => void;
}

interface Change {
  code: string;
  how: "new" | "gone" | "renamed" | "moved";
  before: string | null;
  after: string | null;
}

const SHOWN = 20;

export function Changed({ changes, areas, ground, map, onShow }: Props) {
  const [all, setAll] = useState(false);
  const found = changesOf(changes, areas, ground);
  if (found.length === 0) return null;
  const shown = all ? found : found.slice(0, SHOWN);
  const go = ({ code, how }: Change): void => {
    const box = boxOf(code, ground, areas);
    onShow(how !== "gone");
    if (box) map?.goTo(box);
  };
  return (
    <section class="panel">
      <h2>{t("changed.title", { n: found.length })}</h2>
      <ul class="changed">
        {shown.map((change) => (
          <li key={change.code}>
            <button type="button" class="step-place" title={t("gate.show")} onClick={() => go(change)}>
              <span class={`mark is-${change.how}`}>{t(`changed.${change.how}`)}</span>
              <span>{[change.before, change.after].filter((name) => name !== null).join(" → ")}</span>
              <code>{change.code}</code>
            </button>
          </li>
        ))}
      </ul>
      {shown.length < found.length && <button type="button" class="quiet" onClick={() => setAll(true)}>{t("changed.more", { n: found.length - shown.length })}</button>}
    </section>
  );
}

/** The new first, then what is gone, then what is otherwise; each once. */
export function changesOf(changes: readonly Changes[], areas: Areas, ground: Ground): Change[] {
  const before = new Map(ground.areas.map((area) => [area.code, area.name]));
  const after = new Map(areas.features.map(({ properties }) => [properties.code, properties.name]));
  const gone = new Set(changes.flatMap((each) => each.gone));
  // What became of an area, the server tells: the ground of today may be that of the draft already.
  const became = new Set(changes.flatMap(({ lineage }) => lineage.map(({ target, how }) => `${how} ${target}`)));
  const found: Change[] = [];
  for (const [code, name] of after) {
    const was = before.get(code) ?? null;
    if (became.has(`added ${code}`)) found.push({ code, how: "new", before: null, after: name });
    else if (became.has(`renamed ${code}`)) found.push({ code, how: "renamed", before: was === name ? null : was, after: name });
    else found.push({ code, how: "moved", before: null, after: name });
  }
  for (const code of gone) found.push({ code, how: "gone", before: before.get(code) ?? code, after: null });
  const order = ["new", "gone", "renamed", "moved"];
  return found.sort((a, b) => order.indexOf(a.how) - order.indexOf(b.how) || a.code.localeCompare(b.code));
}
