/**
 * The cases of the duty page as one list: only rows near the view are drawn, however many there are.
 *
 * Focus rests on the list and `aria-activedescendant` names the row, so that a refresh throws nobody out of it.
 */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { CaseRow } from "../api/cases";
import { nextRow, scrollTo, windowOf } from "../page/rows";
import { pick, t, tData } from "../i18n";
import { usePrinting } from "../page/printing";
import { Sign } from "../page/Sign";
import { leftOf } from "../time";

interface Props {
  rows: readonly CaseRow[];
  active: string | null;
  now: Date;
  listRef: RefObject<HTMLDivElement | null>;
  /** A row is reached by keys, or pressed. */
  onActive: (id: string) => void;
  onOpen: (id: string) => void;
  onNearEnd: () => void;
}

const NEAR_END = 30;

export function CaseList({ rows, active, now, listRef, onActive, onOpen, onNearEnd }: Props) {
  const [view, setView] = useState({ top: 0, height: 600 });
  const [rowPx, setRowPx] = useState(92);
  const sizer = useRef<HTMLElement>(null);
  const index = rows.findIndex(({ id }) => id === active);
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
    const list = listRef.current;
    if (list && index >= 0) list.scrollTop = scrollTo(index, list.scrollTop, list.clientHeight, rowPx);
  }, [active, rowPx]);
  const printing = usePrinting();
  const [from, to] = printing ? [0, rows.length] : windowOf(view.top, view.height, rows.length, rowPx);
  useEffect(() => {
    if (to >= rows.length - NEAR_END) onNearEnd();
  }, [to, rows.length]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
    if (event.key === "Enter" && active !== null) {
      event.preventDefault();
      return onOpen(active);
    }
    const next = nextRow(event.key, index, rows.length, Math.max(1, Math.floor(view.height / rowPx) - 1));
    if (next === null) return undefined;
    event.preventDefault();
    return onActive((rows[next] as CaseRow).id);
  };
  return (
    <div
      ref={listRef}
      id="cases"
      class="case-list"
      role="listbox"
      tabIndex={0}
      aria-label={`${t("list.title")}. ${t("list.keys")}`}
      aria-activedescendant={index >= from && index < to && active ? `case-${active}` : undefined}
      onScroll={(event) => setView({ top: event.currentTarget.scrollTop, height: event.currentTarget.clientHeight })}
      onKeyDown={onKeyDown}
      onFocus={() => index < 0 && rows[0] && onActive(rows[0].id)}
    >
      <i ref={sizer} class="case-sizer" aria-hidden="true" />
      <div class="case-all" role="presentation" style={{ height: `${rows.length * rowPx}px` }}>
        {rows.slice(from, to).map((row, offset) => (
          <Row key={row.id} row={row} top={(from + offset) * rowPx} height={rowPx} place={[from + offset + 1, rows.length]} active={row.id === active} now={now} onOpen={onOpen} />
        ))}
      </div>
    </div>
  );
}

interface RowProps {
  row: CaseRow;
  top: number;
  height: number;
  place: [position: number, of: number];
  active: boolean;
  now: Date;
  onOpen: (id: string) => void;
}

function Row({ row, top, height, place, active, now, onOpen }: RowProps) {
  return (
    <div
      id={`case-${row.id}`}
      class={active ? "case-row is-active" : "case-row"}
      role="option"
      aria-selected={active}
      aria-posinset={place[0]}
      aria-setsize={place[1]}
      style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
      onClick={() => onOpen(row.id)}
    >
      <Sign light={row.light} />
      <div class="case-row-text">
        <p class="case-row-head">
          <strong>{pick({ name_zh: row.category_zh, name_en: row.category_en })}</strong>
          {row.severity === "urgent" && <span class="mark is-urgent">{t("mark.urgent")}</span>}
          {row.private && <span class="mark">{t("mark.private")}</span>}
          {row.asks && <span class="mark">{t("duty.asks")}</span>}
          {row.duplicates > 0 && <span class="mark">{t("mark.duplicates", { n: row.duplicates })}</span>}
        </p>
        <p class="case-row-line">{row.masked ? t("masked.text") : (row.description ?? row.address ?? t("issue.nodescription"))}</p>
        <p class="case-row-line is-faint">{[row.number, row.grid_name ?? row.grid ?? t("mark.outside"), row.body && pick({ name_zh: row.body, name_en: row.body_en ?? row.body })].filter(Boolean).join(" · ")}</p>
      </div>
      <p class="case-row-side">
        <span class={`due is-${row.light}`}>{leftOf(row, now)}</span>
        <span class="faint">{tData("state", row.state)}</span>
      </p>
    </div>
  );
}
