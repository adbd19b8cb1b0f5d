/** The supervisor's page: filters and list on the left, the map, and what was chosen on the right. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Area, Category, Ground, GridCounts, GridInFull, IssueInFull, IssuePoint, IssuePoints, Session } from "../api/types";
import type { Counts, Covered, GroundView } from "../ground/view";
import { t, useLanguage } from "../i18n";
import { Header, mayRule } from "../page/Header";
import { steps, usePlace } from "../page/place";
import { clock } from "../time";
import { type Chosen, addressOf, chosenFromAddress } from "./address";
import { useArea } from "../page/areas";
import { FilterBar } from "./FilterBar";
import { type Filters, SORTS, apiQuery, areaOf, fromAddress, narrowing } from "./filters";
import { GridPanel } from "./GridPanel";
import { homeOf, inOrder } from "./ground";
import { IssueList } from "./IssueList";
import { IssuePanel } from "./IssuePanel";
import { type Live, useLive } from "./live";
import { MapPane } from "./MapPane";
import { type Height, SheetHandle } from "./SheetHandle";
import { type LonLat, atSpot } from "./spot";
import { SpotPanel } from "./SpotPanel";

const ENROLLING = new Set(["supervisor", "dispatcher", "admin", "grid_head"]);
const PANEL_PX = 420;
const EMPTY: readonly IssuePoint[] = [];
const NO_COUNTS: Counts = { grids: [], quiet: [] };

/** What is read at the beginning comes piece by piece: each part of the page stands as soon as it can. */
interface Props {
  session: Session | null;
  ground: Ground | null;
  categories: readonly Category[];
}

export function Board({ session, ground, categories }: Props) {
  useLanguage();
  const { search } = usePlace();
  const filters = useMemo(() => fromAddress(new URLSearchParams(search)), [search]);
  const chosen = useMemo(() => chosenFromAddress(search), [search]);
  const [height, setHeight] = useState<Height>(chosen ? "half" : "peek");
  const [view, setView] = useState<GroundView | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const now = new Date();

  const query = apiQuery(filters, now);
  const issues = useLive<IssuePoints>(`/v1/map/issues?${query}`);
  const counts = useLive<GridCounts>(`/v1/map/grids?${query}`);
  const gridCode = chosen?.kind === "grid" ? chosen.code : null;
  const gridInFull = useLive<GridInFull>(gridCode && `/v1/map/grids/${encodeURIComponent(gridCode)}?${query}`);
  const issueId = chosen?.kind === "issue" ? chosen.id : null;
  const inFull = useLive<IssueInFull>(issueId && `/v1/issues/${issueId}`);
  const tiles = ground?.tiles ?? null;
  const place = useArea(areaOf(filters), tiles);
  const grid = useArea(gridCode, tiles);
  const points = useMemo(() => inOrder(issues.value?.features ?? EMPTY, filters.sort), [issues.value, filters.sort]);
  const byCode = useMemo(() => new Map(categories.map((one) => [one.code, one])), [categories]);
  const gridNames = useMemo(() => new Map(Object.entries(issues.value?.grid_names ?? {})), [issues.value]);
  const home = useMemo(() => ground && homeOf(ground), [ground]);
  const spot = chosen?.kind === "spot" ? chosen.at : null;
  const there = useMemo(() => spot && atSpot(points, spot), [points, spot]);

  const drawn = useRef(tiles);
  useEffect(() => {
    if (drawn.current !== null && drawn.current !== tiles) counts.retry(); // other grids, other numbers
    drawn.current = tiles;
  }, [tiles]);
  useEffect(() => {
    if (issues.status === "live") void view?.askAgain();
  }, [issues.status]);

  const setFilters = (next: Filters): void => {
    const typing = steps.place.opened !== null || next.search !== filters.search || next.sort !== filters.sort;
    if (typing) steps.settle(addressOf(next, chosen));
    else steps.take(addressOf(next, chosen));
  };
  const choose = useCallback(
    (next: Chosen) => {
      const to = addressOf(filters, next);
      if (next) steps.take(to);
      else steps.leave(to);
    },
    [filters],
  );
  const close = useCallback(() => choose(null), [choose]);
  const seen = useApproach(view, chosen, points, inFull.value, grid, place);
  useMarkChosen(view, chosen, points, inFull.value, grid, place);
  const opened = useRef(chosen !== null);
  useEffect(() => {
    if (chosen) setHeight((was) => (was === "peek" ? "half" : was));
    else if (opened.current) list.current?.focus({ preventScroll: true }); // what had the focus is gone
    opened.current = chosen !== null;
  }, [chosen]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && chosen) close();
  };
  const openGrid = (id: number, code: string | null, at: LonLat): void => {
    const known = code ?? counts.value?.grids.find((one) => one.id === id)?.code;
    if (known === undefined) return view?.goTo(at, covered()); // from nearer the tiles tell its code
    seen.current = `grid ${known}`;
    return choose({ kind: "grid", code: known });
  };

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
            kinds={ground?.kinds ?? []}
            area={place}
            everywhere={session?.charge.everywhere ?? false}
            categories={categories}
            onChange={setFilters}
            onOpen={() => setHeight("full")}
          />
          <Trouble live={issues} />
          {points.length === 0 && issues.value && session && <Nothing filters={filters} session={session} />}
          <IssueList
            points={points}
            categories={byCode}
            gridNames={gridNames}
            open={issueId}
            now={now}
            listRef={list}
            onOpen={(id) => choose({ kind: "issue", id })}
          />
        </section>
        <section class="map" aria-label={t("nav.map")}>
          {ground && (issues.value || issues.status !== "loading") && (
            <MapPane
              ground={ground}
              home={home}
              begin={place?.bounds ?? null}
              counts={counts.value ?? NO_COUNTS}
              points={points}
              view={view}
              onView={setView}
              choices={{
                onIssue: (id) => {
                  seen.current = `issue ${id}`;
                  choose({ kind: "issue", id });
                },
                onGrid: openGrid,
                onSpot: (at) => choose({ kind: "spot", at }),
                onNothing: () => chosen && choose(null),
                covered,
              }}
            />
          )}
        </section>
        {chosen && (
          <aside class="panel" aria-label={t(chosen.kind === "grid" ? "grid.title" : "list.title")}>
            <SheetHandle height={height} onHeight={setHeight} />
            {chosen.kind === "issue" && (
              <IssuePanel
                mayRead={session !== null && mayRule(session)}
                live={inFull.of.endsWith(chosen.id) || inFull.status === "refused" ? inFull : { ...inFull, value: null }}
                now={now}
                onClose={close}
                onShow={(issue) => {
                  const to = placeOf(issue.id, points, issue);
                  if (to) view?.goTo(to, covered());
                }}
              />
            )}
            {there && (
              <SpotPanel
                points={there}
                categories={byCode}
                gridNames={gridNames}
                now={now}
                onOpen={(id) => choose({ kind: "issue", id })}
                onClose={close}
              />
            )}
            {chosen.kind === "grid" && (
              <GridPanel
                code={chosen.code}
                area={grid}
                live={gridInFull}
                mayEnrol={session?.roles.some((role) => ENROLLING.has(role)) ?? false}
                now={now}
                onOnly={() => setFilters({ ...filters, place: chosen.code })}
                onClose={close}
              />
            )}
          </aside>
        )}
      </main>
    </div>
  );
}

function placeOf(id: string, points: readonly IssuePoint[], issue: IssueInFull | null): LonLat | null {
  const exact: LonLat | null = issue?.id === id && issue.location ? [issue.location.lon, issue.location.lat] : null;
  return points.find((point) => point.id === id)?.geometry?.coordinates ?? exact;
}

/** Bring what is chosen into view once its place is known; whoever chose it on the map sees it already and says so. */
function useApproach(
  view: GroundView | null,
  chosen: Chosen,
  points: readonly IssuePoint[],
  issue: IssueInFull | null,
  grid: Area | null,
  place: Area | null,
): { current: string } {
  const seen = useRef("");
  const fitted = useRef(place?.code ?? "");
  useEffect(() => {
    if (!view) return;
    const area = place?.code ?? "";
    if (place && fitted.current !== area) view.fit(place.bounds);
    fitted.current = area;
  }, [view, place]);
  useEffect(() => {
    if (!view || chosen === null || chosen.kind === "spot") return;
    const name = chosen.kind === "issue" ? `issue ${chosen.id}` : `grid ${chosen.code}`;
    if (seen.current === name) return;
    const to = chosen.kind === "issue" ? placeOf(chosen.id, points, issue) : null;
    if (to) view.goTo(to, covered());
    else if (grid && chosen.kind === "grid") view.fit(grid.bounds);
    else return;
    seen.current = name;
  }, [view, chosen, points, issue, grid]);
  return seen;
}

function useMarkChosen(
  view: GroundView | null,
  chosen: Chosen,
  points: readonly IssuePoint[],
  issue: IssueInFull | null,
  grid: Area | null,
  place: Area | null,
): void {
  const id = chosen?.kind === "issue" ? chosen.id : null;
  const spot = chosen?.kind === "spot" ? chosen.at : null;
  const point = points.find((one) => one.id === id) ?? null;
  const accuracy_m = issue && issue.id === id ? (issue.location?.accuracy_m ?? null) : null;
  useEffect(() => void (spot ? view?.chooseSpot(spot) : view?.choose(point, accuracy_m)), [view, spot, point, accuracy_m]);
  useEffect(() => void view?.chooseGrid(grid?.id ?? null), [view, grid]);
  useEffect(() => void view?.chooseArea(place), [view, place]);
}

function covered(): Covered {
  if (matchMedia("(max-width: 44.99em)").matches) return { bottom: Math.round(window.innerHeight * 0.5) };
  return { right: PANEL_PX };
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

function Nothing({ filters, session }: { filters: Filters; session: Session }) {
  const mine = session.charge.everywhere || session.charge.areas.length > 0;
  if (!mine) return <p class="nothing">{t(session.charge.organisations.length > 0 ? "list.nobody" : "list.nocharge")}</p>;
  if (narrowing(filters) === 0 && filters.progress === "open") return <p class="nothing">{t("list.quiet")}</p>;
  return (
    <p class="nothing">
      {t("list.empty")} <span class="faint">{t("list.empty.hint")}</span>
    </p>
  );
}
