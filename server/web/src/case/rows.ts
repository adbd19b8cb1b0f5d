/** The open cases of a page: read piece by piece as one scrolls, and again every fifteen seconds while the page is seen. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { read } from "../api/client";
import { refuseOrLeave } from "../page/reading";

const EVERY_MS = 15_000;
/** A hint comes for each change: what changes much is asked for once in this time. */
const REST_MS = 400;

export interface Page<R> {
  rows: readonly R[];
  cursor: string | null;
}

export interface Rows<R> {
  rows: readonly R[];
  hasMore: boolean;
  busy: boolean;
  trouble: string | null;
  /** When they were last read. */
  at: Date | null;
  /** How many came that were not there when they were last read. */
  fresh: number;
  more: () => void;
  again: () => void;
}

interface State<R> {
  rows: readonly R[];
  cursor: string | null;
  at: Date | null;
  fresh: number;
  of: string;
}

/** `url` has a query; `open` reads a page of what it answers. */
export function useCaseRows<R extends { id: string }>(url: string, open: (answer: never) => Page<R>): Rows<R> {
  const [state, setState] = useState<State<R>>({ rows: [], cursor: null, at: null, fresh: 0, of: "" });
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const pages = useRef(1);
  const asking = useRef(new AbortController());
  const known = useRef<ReadonlySet<string>>(new Set());
  const timer = useRef(0);

  const ask = useCallback(async (): Promise<void> => {
    asking.current.abort();
    const mine = (asking.current = new AbortController());
    setBusy(true);
    try {
      const { rows, cursor } = await readPages(url, pages.current, open, mine.signal);
      const before = known.current;
      known.current = new Set(rows.map(({ id }) => id));
      setTrouble(null);
      setState((last) => ({ rows, cursor, at: new Date(), of: url, fresh: last.of === url && last.at ? countNew(rows, before, last) : 0 }));
    } catch (error) {
      if (!mine.signal.aborted) refuseOrLeave(error, setTrouble);
    } finally {
      if (!mine.signal.aborted) setBusy(false);
    }
  }, [url]);

  useEffect(() => {
    pages.current = 1;
    known.current = new Set();
    void ask();
    const every = window.setInterval(() => document.hidden || void ask(), EVERY_MS);
    const seen = (): void => void (document.hidden || ask());
    document.addEventListener("visibilitychange", seen);
    return () => {
      window.clearInterval(every);
      window.clearTimeout(timer.current);
      document.removeEventListener("visibilitychange", seen);
      asking.current.abort();
    };
  }, [ask]);

  return {
    rows: state.of === url ? state.rows : [],
    hasMore: state.cursor !== null,
    busy,
    trouble,
    at: state.of === url ? state.at : null,
    fresh: state.fresh,
    more: () => {
      if (busy || state.cursor === null) return;
      pages.current += 1;
      void ask();
    },
    again: useCallback(() => {
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(() => void ask(), REST_MS);
    }, [ask]),
  };
}

async function readPages<R>(url: string, pages: number, open: (answer: never) => Page<R>, signal: AbortSignal): Promise<Page<R>> {
  const rows: R[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < pages; page += 1) {
    const answer = await read<never>(cursor === null ? url : `${url}&cursor=${encodeURIComponent(cursor)}`, signal);
    const next = open(answer);
    rows.push(...next.rows);
    cursor = next.cursor;
    if (cursor === null) break;
  }
  return { rows, cursor };
}

/** Rows beyond those that were read before are not new: one scrolled further. */
function countNew<R extends { id: string }>(rows: readonly R[], before: ReadonlySet<string>, last: State<R>): number {
  const same = last.cursor === null ? rows : rows.slice(0, last.rows.length);
  return same.filter(({ id }) => !before.has(id)).length;
}
