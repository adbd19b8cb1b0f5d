/**
 * The list beside the map: every issue of the map, also those without a place, usable by keyboard alone.
 *
 * Only rows near the view are drawn. Focus rests on the list and `aria-activedescendant` names the row:
 * a refresh that moves rows about then never throws the reader out of the list.
 */
import { type RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Category, IssuePoint } from "../api/types";
import { signOf } from "../ground/icons";
import { pick, t, tData } from "../i18n";
import { Sign } from "../page/Sign";
import { usePrinting } from "../page/printing";
import { leftOf } from "../time";
import { nextRow, scrollTo, windowOf } from "../page/rows";

interface Props {
  /** Of the list and of its rows in the document: the page may show two. */
  name?: string;
  points: readonly IssuePoint[];
  categories: ReadonlyMap<string, Category>;
  gridNames: ReadonlyMap<string, string>;
  open: string | null;
  now: Date;
  listRef: RefObject<HTMLDivElement | null>;
  onOpen: (id: string) => void;
}

export function IssueList({ name = "issues", points, categories, gridNames, open, now, listRef, onOpen }: Props) {
  const [active, setActive] = useState<string | null>(open);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [rowPx, setRowPx] = useState(92);
  const sizer = useRef<HTMLElement>(null);
  const rowId = (id: string): string => `${name === "issues" ? "row" : name}-${id}`;
  const index = points.findIndex((point) => point.id === active);

  useLayoutEffect(() => {
    const list = listRef.current;
    if (!list || !sizer.current) return undefined;
    const measured = new ResizeObserver(() => {
      setView({ top: list.scrollTop, height: list.clientHeight });
      setRowPx(sizer.current?.offsetHeight || 92);
    });
    measured.observe(list);
    measured.observe(sizer.current);
    return () => measured.disconnect();
  }, []);
  useEffect(() => {
    if (open === null) return;
    setActive(open);
    reveal(points.findIndex((point) => point.id === open));
  }, [open]);

  const reveal = (row: number): void => {
    const list = listRef.current;
    if (list && row >= 0) list.scrollTop = scrollTo(row, list.scrollTop, list.clientHeight, rowPx);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const chosen = points[index];
    if ((event.key === "Enter" || event.key === " ") && chosen) {
      event.preventDefault();
      return onOpen(chosen.id);
    }
    const next = nextRow(event.key, index, points.length, Math.max(1, Math.floor(view.height / rowPx) - 1));
    if (next === null) return undefined;
    event.preventDefault();
    setActive((points[next] as IssuePoint).id);
    return reveal(next);
  };
  const onFocus = (): void => {
    if (index < 0 && points[0]) setActive(points[0].id);
  };

  const printing = usePrinting();
  const [from, to] = printing ? [0, points.length] : windowOf(view.top, view.height, points.length, rowPx);
  return (
    <div
      ref={listRef}
      id={name}
      class="list"
      role="listbox"
      tabIndex={0}
      aria-label={`${t("list.title")}. ${t("list.keys")}`}
      aria-activedescendant={index >= from && index < to && active ? rowId(active) : undefined}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
      onKeyDown={onKeyDown}
      onFocus={onFocus}
    >
      <i ref={sizer} class="list-sizer" aria-hidden="true" />
      <div class="list-all" role="presentation" style={{ height: `${points.length * rowPx}px` }}>
        {points.slice(from, to).map((point, offset) => (
          <Row
            key={point.id}
            id={rowId(point.id)}
            point={point}
            category={categories.get(point.properties.category)}
            grid={point.properties.grid ? (gridNames.get(point.properties.grid) ?? "") : null}
            top={(from + offset) * rowPx}
            height={rowPx}
            place={[from + offset + 1, points.length]}
            active={point.id === active}
            open={point.id === open}
            now={now}
            onOpen={() => {
              setActive(point.id);
              onOpen(point.id);
            }}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  id: string;
  point: IssuePoint;
  category: Category | undefined;
  grid: string | null;
  top: number;
  height: number;
  place: [position: number, of: number];
  active: boolean;
  open: boolean;
  now: Date;
  onOpen: () => void;
}

function Row({ id, point, category, grid, top, height, place, active, open, now, onOpen }: RowProps) {
  const issue = point.properties;
  const sign = signOf(issue);
  return (
    <div
      id={id}
      class={`row${active ? " is-active" : ""}${open ? " is-open" : ""}`}
      role="option"
      aria-selected={open}
      aria-posinset={place[0]}
      aria-setsize={place[1]}
      style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
      onClick={onOpen}
    >
      <Sign light={sign} />
      <div class="row-text">
        <div class="row-head">
          <strong>{category ? pick(category) : issue.category}</strong>
          <Marks point={point} />
        </div>
        <div class="row-line">{issue.masked ? t("masked.text") : (issue.summary ?? issue.address ?? t("issue.nodescription"))}</div>
        <div class="row-line is-faint">{[grid === null ? t("mark.outside") : grid, issue.masked ? null : issue.address].filter(Boolean).join(" · ")}</div>
      </div>
      <div class="row-side">
        <span class={`due is-${sign}`}>{issue.closed_at ? t("light.closed") : leftOf(issue, now)}</span>
        <span class="row-state">{tData("state", issue.state)}</span>
      </div>
    </div>
  );
}

export function Marks({ point }: { point: Pick<IssuePoint, "geometry" | "properties"> }) {
  const issue = point.properties;
  return (
    <>
      {issue.severity === "urgent" && <span class="mark is-urgent">{t("mark.urgent")}</span>}
      {issue.private && <span class="mark">{t("mark.private")}</span>}
      {issue.how === "near" && <span class="mark">{t("mark.near")}</span>}
      {issue.how === "outside" && <span class="mark">{t("mark.outside")}</span>}
      {issue.ambiguous && issue.how === "inside" && <span class="mark">{t("mark.ambiguous")}</span>}
      {issue.how === null && !issue.masked && <span class="mark">{t("mark.nopoint")}</span>}
    </>
  );
}
