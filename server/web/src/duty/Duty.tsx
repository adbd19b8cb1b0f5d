/** The duty page: what came in, by light; beside the list the case at hand with its steps. Everything by keys, too. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseRow } from "../api/cases";
import type { WaitingWork } from "../api/work";
import { CaseList } from "../case/CaseList";
import { CaseView } from "../case/CaseView";
import { stepOfKey } from "../case/fields";
import { LightChips } from "../case/LightChips";
import { type Page, useCaseRows } from "../case/rows";
import { useCase } from "../case/useCase";
import { pick, t, tData } from "../i18n";
import { steps, usePlace } from "../page/place";
import { AreaSelect } from "../page/AreaChoice";
import { useRead } from "../page/reading";
import { type Here, Select, Trouble, Words } from "../page/Staff";
import { clock } from "../time";
import { KeyHelp } from "./KeyHelp";
import { keysOn, switchKeys, useKeys } from "./keys";
import { followWork } from "../case/work";
import { FINISHED, STAGES, WAITING, type Wanted, addressOf, fromAddress } from "./wanted";
import "../styles/case.css";

const AT_ONCE = 200;
/** A row that the keys pass by is not read. */
const RESTED_MS = 150;

interface Answer {
  cases: CaseRow[];
  cursor: string | null;
  total?: number;
}

const open = (answer: Answer): Page<CaseRow> => ({ rows: answer.cases, cursor: answer.cursor });

export function Duty({ ground, categories }: Here) {
  const { search } = usePlace();
  const wanted = fromAddress(search);
  const id = new URLSearchParams(search).get("case");
  const list = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string | null>(id);
  const [chosen, choose] = useState<string | null>(null);
  const [help, setHelp] = useState(false);
  const [keys, setKeys] = useState(keysOn);
  const rows = useCaseRows<CaseRow>(`/v1/duty?${addressOf(wanted, { limit: String(AT_ONCE) })}`, open as never);
  const waiting = useRead<WaitingWork>("/v1/work", rows.at);
  const one = useCase(id);
  const now = new Date();

  useEffect(() => followWork(rows.again), [rows.again]);
  useEffect(() => choose(null), [id]);
  const had = useRef(id);
  useEffect(() => {
    if (id === null && had.current !== null) list.current?.focus();
    had.current = id;
  }, [id]);
  const show = (next: string | null): void => {
    const to = addressOf(wanted, { case: next });
    if (id === null || next === null) next === null ? steps.leave(to) : steps.take(to);
    else steps.settle(to);
  };
  useEffect(() => {
    if (active === null || active === id || !wide()) return undefined;
    const timer = window.setTimeout(() => had.current === active || show(active), RESTED_MS);
    return () => window.clearTimeout(timer);
  }, [active]);
  const narrow = (part: Partial<Wanted>): void => steps.settle(addressOf({ ...wanted, ...part }, { case: id }));
  const move = (by: number): void => {
    const at = rows.rows.findIndex((row) => row.id === active);
    const next = rows.rows[Math.min(rows.rows.length - 1, Math.max(0, at + by))];
    if (next) setActive(next.id);
    list.current?.focus({ preventScroll: true });
  };
  const openCase = (of: string): void => {
    setActive(of);
    show(of);
  };
  const pressed = (key: string): boolean => {
    if (key === "?") setHelp(true);
    else if (key === "/") document.querySelector<HTMLElement>(".work-picks input")?.focus();
    else if (key === "j" || key === "k") move(key === "j" ? 1 : -1);
    else {
      const step = one.life && stepOfKey(key, one.life.possible);
      if (!step) return false;
      choose(step.step);
    }
    return true;
  };
  useKeys(keys && chosen === null, pressed);

  return (
    <div class={id === null ? "work is-list" : "work is-open"} onKeyDown={(event) => event.key === "Escape" && id !== null && !wide() && show(null)}>
      <h1 class="unseen">{t("nav.duty")}</h1>
      <section class="work-side" aria-label={t("duty.list")}>
        <div class="work-head">
          <p class="work-title" aria-hidden="true">{t("nav.duty")}</p>
          <p class="faint numbers" role="status">
            {rows.at && t(rows.hasMore ? "duty.count.more" : "duty.count", { n: rows.rows.length })} {rows.fresh > 0 && t("duty.fresh", { n: rows.fresh })}
          </p>
          <button type="button" class="quiet" aria-keyshortcuts={keys ? "?" : undefined} onClick={() => setHelp(true)}>{t("duty.keys")}</button>
        </div>
        <LightChips counts={waiting.value?.duty?.lights ?? null} chosen={wanted.light} onChoose={(light) => narrow({ light })} />
        <Picks ground={ground} categories={categories} wanted={wanted} change={narrow} />
        {rows.trouble !== null && <Trouble words={rows.trouble} again={rows.again} />}
        {rows.at && rows.rows.length === 0 && <p class="nothing">{t("duty.none")}</p>}
        <CaseList rows={rows.rows} active={active} now={now} listRef={list} onActive={setActive} onOpen={openCase} onNearEnd={rows.more} />
        {rows.at && <p class="work-foot faint">{t("live.at", { time: clock(rows.at) })}</p>}
      </section>
      <section class="work-case" aria-label={t("duty.case")}>
        {id === null ? <p class="nothing">{t("duty.choose")}</p> : (
          <CaseView
            key={id}
            one={{ ...one, changed: (life) => { one.changed(life); rows.again(); } }}
            chosen={chosen}
            keys={keys}
            focused={!wide()}
            now={now}
            onChoose={choose}
            onClose={() => show(null)}
          />
        )}
      </section>
      {help && (
        <KeyHelp
          on={keys}
          onSwitch={(on) => {
            switchKeys(on);
            setKeys(on);
          }}
          onClose={() => setHelp(false)}
        />
      )}
    </div>
  );
}

function wide(): boolean {
  return matchMedia("(min-width: 64em)").matches;
}

/** Not a state: a body at work asks for more time. */
const ASKS = "asks";

const STATES = (): [string, string][] => [
  ["", t("filter.state.any")],
  [WAITING, t("work.duty.waiting")],
  [FINISHED, t("work.duty.done")],
  [ASKS, t("duty.asks")],
  ...STAGES.map((each): [string, string] => [each, tData("state", each)]),
];

type PicksProps = Pick<Here, "ground" | "categories"> & { wanted: Wanted; change: (part: Partial<Wanted>) => void };

function Picks({ ground, categories, wanted, change }: PicksProps) {
  const firsts = [...categories.values()].filter((each) => each.parent === null);
  const [open, setOpen] = useState(() => wide() || ["state", "category", "area"].some((name) => wanted[name as keyof Wanted] !== ""));
  return (
    <div class={open ? "picks work-picks is-open" : "picks work-picks"}>
      <Words value={wanted.words} hint={t("duty.search")} onChange={(words) => change({ words })} />
      <button type="button" class="quiet work-more" aria-expanded={open} onClick={() => setOpen(!open)}>{t("filter.title")}</button>
      <Select name={t("filter.state")} value={wanted.asks ? ASKS : wanted.state} options={STATES()} onChange={(state) => change(state === ASKS ? { state: "", asks: "true" } : { state, asks: "" })} />
      <Select name={t("filter.category")} value={wanted.category} options={[["", t("filter.category.any")], ...firsts.map((each) => [each.code, `${each.code} ${pick(each)}`] as const)]} onChange={(category) => change({ category })} />
      <AreaSelect ground={ground} value={wanted.area} onChange={(area) => change({ area })} />
    </div>
  );
}
