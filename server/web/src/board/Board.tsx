/** The supervisor's page: filters and list on the left, the map, and what was chosen on the right. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Category, Ground, GridCounts, IssueInFull, IssuePoint, IssuePoints, Session } from "../api/types";
import type { Covered, GroundView } from "../ground/view";
import { t, useLanguage } from "../i18n";
import { Header, mayRule } from "../page/Header";
import { clock } from "../time";
import { FilterBar } from "./FilterBar";
import { GridPanel } from "./GridPanel";
import { IssueList } from "./IssueList";
import { IssuePanel } from "./IssuePanel";
import { MapPane } from "./MapPane";
import { type Chosen, chosenFromAddress, writeAddress } from "./address";
import { type Filters, SORTS, apiQuery, fromAddress, narrowing } from "./filters";
import { homeOf, inOrder } from "./ground";
import { type Live, useLive } from "./live";
import { type Height, SheetHandle } from "./SheetHandle";

const ENROLLING = new Set(["supervisor", "dispatcher", "admin", "grid_head"]);
const PANEL_PX = 420;
const EMPTY: readonly IssuePoint[] = [];

interface Props {
  session: Session;
  ground: Ground;
  categories: readonly Category[];
}

export function Board({ session, ground, categories }: Props) {
  useLanguage();
  const [filters, setFilters] = useState<Filters>(() => fromAddress(new URLSearchParams(location.search)));
  const [chosen, setChosen] = useState<Chosen>(() => chosenFromAddress(location.search, ground));
  const [height, setHeight] = useState<Height>(chosen ? "half" : "peek");
  const view = useRef<GroundView>(null);
  const list = useRef<HTMLDivElement>(null);
  const now = new Date();

  const query = apiQuery(filters, now);
  const issues = useLive<IssuePoints>(`/v1/map/issues?${query}`);
  const counts = useLive<GridCounts>(`/v1/map/grids?${query}`);
  const issueId = chosen?.kind === "issue" ? chosen.id : null;
  const inFull = useLive<IssueInFull>(issueId && `/v1/issues/${issueId}`);

  const points = useMemo(() => inOrder(issues.value?.features ?? EMPTY, filters.sort), [issues.value, filters.sort]);
  const byCode = useMemo(() => new Map(categories.map((one) => [one.code, one])), [categories]);
  const gridNames = useMemo(() => new Map(ground.areas.map((area) => [area.code, area.name])), [ground]);
  const home = useMemo(() => homeOf(ground), [ground]);

  useEffect(() => writeAddress(filters, chosen, ground), [filters, chosen]);
  useEffect(() => counts.retry(), [ground.tiles]);
  useEffect(() => {
    if (issues.status === "live") void view.current?.askAgain();
  }, [issues.status]);
  useMarkChosen(view, chosen, points, inFull.value);

  const choose = useCallback((next: Chosen) => {
    setChosen(next);
    if (next) setHeight((was) => (was === "peek" ? "half" : was));
  }, []);
  const openIssue = useCallback(
    (id: string) => {
      choose({ kind: "issue", id });
      const place = points.find((point) => point.id === id)?.geometry?.coordinates;
      if (place) view.current?.goTo(place, covered());
    },
    [choose, points],
  );
  const close = useCallback(() => {
    setChosen(null);
    list.current?.focus({ preventScroll: true });
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && chosen) close();
  };

  const area = chosen?.kind === "grid" ? ground.areas.find((one) => one.id === chosen.id) : undefined;
  return (
    <div class="board" data-panel={chosen ? "open" : "none"} data-height={height} onKeyDown={onKeyDown}>
      <a class="skip" href="#issues">{t("skip.list")}</a>
      <Header here="map" session={session}>
        <LiveMark live={issues} />
      </Header>
      <main class="board-main">
        <section class="side" aria-label={t("list.title")}>
          <SheetHandle height={height} onHeight={setHeight} />
          <ListHead live={issues} filters={filters} shown={points.length} onFilters={setFilters} />
          <FilterBar
            filters={filters}
            ground={ground}
            everywhere={session.charge.everywhere}
            categories={categories}
            onChange={setFilters}
            onOpen={() => setHeight("full")}
          />
          <Trouble live={issues} />
          {points.length === 0 && issues.value && <Nothing filters={filters} ground={ground} session={session} />}
          <IssueList
            points={points}
            categories={byCode}
            gridNames={gridNames}
            open={issueId}
            now={now}
            listRef={list}
            onOpen={openIssue}
          />
        </section>
        <section class="map" aria-label={t("nav.map")}>
          <MapPane
            ground={ground}
            home={home}
            counts={counts.value?.grids ?? []}
            points={points}
            viewRef={view}
            choices={{ onIssue: (id) => choose({ kind: "issue", id }), onGrid: (id) => choose({ kind: "grid", id }), onNothing: () => setChosen(null), covered }}
          />
        </section>
        {chosen && (
          <aside class="panel" aria-label={t(chosen.kind === "issue" ? "list.title" : "grid.title")}>
            <SheetHandle height={height} onHeight={setHeight} />
            {chosen.kind === "issue" && (
              <IssuePanel
                mayRead={mayRule(session)}
                live={inFull.of.endsWith(chosen.id) || inFull.status === "refused" ? inFull : { ...inFull, value: null }}
                now={now}
                onClose={close}
                onShow={(issue) => show(issue, points, view.current)}
              />
            )}
            {area && (
              <GridPanel
                area={area}
                ground={ground}
                count={counts.value?.grids.find((grid) => grid.id === area.id)}
                mayEnrol={session.roles.some((role) => ENROLLING.has(role))}
                now={now}
                onOnly={() => setFilters({ ...filters, place: area.code })}
                onClose={close}
              />
            )}
          </aside>
        )}
      </main>
    </div>
  );
}

function useMarkChosen(
  view: { current: GroundView | null },
  chosen: Chosen,
  points: readonly IssuePoint[],
  issue: IssueInFull | null,
): void {
  const id = chosen?.kind === "issue" ? chosen.id : null;
  const point = points.find((one) => one.id === id) ?? null;
  const accuracy_m = issue && issue.id === id ? (issue.location?.accuracy_m ?? null) : null;
  useEffect(() => void view.current?.choose(point, accuracy_m), [point, accuracy_m]);
  const grid = chosen?.kind === "grid" ? chosen.id : null;
  useEffect(() => void view.current?.chooseGrid(grid), [grid]);
}

function covered(): Covered {
  if (matchMedia("(max-width: 719px)").matches) return { bottom: Math.round(window.innerHeight * 0.5) };
  return { right: PANEL_PX };
}

function show(issue: IssueInFull, points: readonly IssuePoint[], view: GroundView | null): void {
  const place = points.find((point) => point.id === issue.id)?.geometry?.coordinates;
  const exact: [number, number] | null = issue.location ? [issue.location.lon, issue.location.lat] : null;
  const to = place ?? exact;
  if (to) view?.goTo(to, covered());
}

function LiveMark({ live }: { live: Live<unknown> }) {
  const time = live.at ? clock(live.at) : "";
  const offline = live.status === "offline";
  return (
    <p class={`live is-${live.status}`} role="status">
      <i aria-hidden="true" />
      {offline && live.at && <span>{t("live.offline", { time })}</span>}
      {live.status === "live" && <span><b>{t("live.now")}</b> <span class="live-at">{t("live.at", { time })}</span></span>}
      {live.status === "loading" && <span>{t("live.loading")}</span>}
    </p>
  );
}

interface ListHeadProps {
  live: Live<IssuePoints>;
  filters: Filters;
  shown: number;
  onFilters: (filters: Filters) => void;
}

function ListHead({ live, filters, shown, onFilters }: ListHeadProps) {
  const total = live.value?.total ?? 0;
  return (
    <div class="list-head">
      <h1>{t("list.title")}</h1>
      <span class="count" role="status">
        {live.value && (shown < total ? t("list.count.of", { shown, n: total }) : t("list.count", { n: total }))}
      </span>
      <label class="sort">
        <span class="unseen">{t("list.sort")}</span>
        <select value={filters.sort} onChange={(event) => onFilters({ ...filters, sort: event.currentTarget.value as Filters["sort"] })}>
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>{t(`sort.${sort}`)}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

function Trouble({ live }: { live: Live<IssuePoints> }) {
  const shown = live.value?.features.length ?? 0;
  if (live.value?.truncated) return <p class="notice">{t("list.truncated", { shown })}</p>;
  if (live.status !== "refused" && !(live.status === "offline" && live.value === null)) return null;
  return (
    <div class="trouble" role="alert">
      <h2>{t("error.title")}</h2>
      <p>{live.status === "offline" ? t("error.unreachable") : t("error.text", { detail: live.detail })}</p>
      <button type="button" onClick={live.retry}>{t("error.retry")}</button>
    </div>
  );
}

function Nothing({ filters, ground, session }: { filters: Filters; ground: Ground; session: Session }) {
  const mine = ground.areas.some((area) => area.in_charge);
  if (!mine) return <p class="nothing">{t(session.charge.organisations.length > 0 ? "list.nobody" : "list.nocharge")}</p>;
  if (narrowing(filters) === 0 && filters.progress === "open") return <p class="nothing">{t("list.quiet")}</p>;
  return (
    <p class="nothing">
      {t("list.empty")} <span class="faint">{t("list.empty.hint")}</span>
    </p>
  );
}
