/** The editions, newest first: what each changed on the map, how far records have followed, and the way back. */
import { useEffect, useState } from "preact/hooks";
import { post, read } from "../api/client";
import type { Edition, Move, Plan } from "../api/redraw";
import { t } from "../i18n";
import { Ask } from "../page/Ask";
import { useRead } from "../page/reading";
import { Trouble } from "../page/Staff";
import { moment } from "../time";
import type { Table } from "./table";
import { Working } from "./Publish";

const NOTHING = { type: "FeatureCollection", features: [] } as const;
const FOLLOWING_MS = 1000;

export function Editions({ table }: { table: Table }) {
  const { value, trouble, again } = useRead<{ editions: Edition[] }>("/v1/editions?limit=50", table.ground.tiles);
  const plans = useRead<{ plans: Plan[] }>("/v1/editions/plans", table.ground.tiles);
  const [chosen, setChosen] = useState<number | null>(null);
  const newest = value?.editions[0]?.number ?? null;
  const shown = chosen ?? newest;
  return (
    <>
      {trouble !== null && <Trouble words={trouble} again={again} />}
      <Waiting plans={plans.value?.plans ?? []} />
      <ul class="ground-list">
        {value?.editions.map((edition) => (
          <li key={edition.number}>
            <button type="button" class="ground-row" aria-pressed={shown === edition.number} onClick={() => setChosen(edition.number)}>
              <strong>
                {t("edition.number", { n: edition.number })} {edition.name}
                {edition.ends === null && <span class="mark">{t(isComing(edition) ? "ground.planned" : "ground.inforce")}</span>}
              </strong>
              <span class="faint">
                {t("edition.by", { by: edition.by_name ?? edition.by })} · {edition.begins === null ? t("edition.always") : t("edition.since", { at: at(edition.begins) })}
                {edition.ends !== null && ` · ${t("edition.until", { at: at(edition.ends) })}`}
              </span>
              {edition.note !== "" && <span class="gist">{edition.note}</span>}
            </button>
            {shown === edition.number && (
              <Chosen table={table} edition={edition} newest={edition.number === newest} onRestored={() => { setChosen(null); again(); }} />
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function isComing(edition: Edition): boolean {
  return edition.begins !== null && Date.parse(edition.begins) > Date.now();
}

function at(iso: string): string {
  return moment(iso, new Date());
}

function Waiting({ plans }: { plans: readonly Plan[] }) {
  const waiting = plans.filter((plan) => plan.state === "waiting");
  if (waiting.length === 0) return null;
  return (
    <div class="notice">
      <strong>{t("plan.title")}</strong>
      {waiting.map((plan) => (
        <p key={plan.id}>{plan.name} · {t("plan.at", { at: at(plan.at) })} · {plan.by_name ?? plan.by}</p>
      ))}
    </div>
  );
}

interface ChosenProps {
  table: Table;
  edition: Edition;
  newest: boolean;
  onRestored: () => void;
}

function Chosen({ table, edition, newest, onRestored }: ChosenProps) {
  const moved = useRead<GeoJSON.FeatureCollection>(`/v1/editions/${edition.number}/fragments`);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (moved.value) void table.map?.lay({ areas: { ...NOTHING, features: [] }, moved: moved.value }, true);
  }, [moved.value, table.map]);
  const restore = async (): Promise<void> => {
    setBusy(true);
    try {
      await post(`/v1/editions/${edition.number}/restoration`, { name: t("edition.again", { n: edition.number }) });
    } finally {
      setBusy(false);
    }
    setAsking(false);
    onRestored();
  };
  const count = moved.value?.features.length ?? 0;
  return (
    <div class="ground-chosen">
      {moved.trouble !== null && <Trouble words={moved.trouble} again={moved.again} />}
      {moved.value && <p>{count > 0 ? t("edition.changed", { n: count }) : t("edition.same")}</p>}
      {newest ? <Following number={edition.number} /> : (
        <button type="button" class="quiet" onClick={() => setAsking(true)}>{t("edition.restore")}</button>
      )}
      {asking && (
        <Ask title={t("edition.restore.title", { n: edition.number })} confirm={t("edition.restore")} onConfirm={restore} onClose={() => setAsking(false)}>
          <p>{t("edition.restore.text", { n: edition.number })}</p>
          <Working on={busy} words={t("draft.publishing")} />
        </Ask>
      )}
    </div>
  );
}

/** How far records have followed the newest edition, asked until they all have. */
function Following({ number }: { number: number }) {
  const [move, setMove] = useState<Move | null>(null);
  useEffect(() => {
    const asking = new AbortController();
    let timer = 0;
    const ask = async (): Promise<void> => {
      const told = await read<Move>(`/v1/editions/${number}/move`, asking.signal).catch(() => null);
      if (asking.signal.aborted) return;
      if (told !== null) setMove(told);
      if (told?.stage !== "done") timer = window.setTimeout(() => void ask(), FOLLOWING_MS);
    };
    void ask();
    return () => {
      asking.abort();
      window.clearTimeout(timer);
    };
  }, [number]);
  if (move === null) return null;
  const words = move.stage === "done" ? "move.done" : "move.running";
  return <p role="status">{t(words, { looked: move.looked_at, moved: move.moved, reassigned: move.reassigned })}</p>;
}
