/** Reads lists and single things for a page: once, or page by page; a session that ended leads to sign-in. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Refused, read } from "../api/client";
import type { Fault } from "../api/support";
import { currentLanguage, t } from "../i18n";
import { leaveForSignIn } from "./leaving";

/** What went wrong in the server's words, or that it cannot be heard. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Refused)) return t("error.unreachable");
  const { title, detail } = error.problem;
  return [title, detail].filter(Boolean).join(" · ") || t("error.text", { detail: error.status });
}

/** The fields at fault, where the server names them. */
export function faultsOf(error: unknown): readonly Fault[] {
  if (!(error instanceof Refused)) return [];
  return (error.problem as { errors?: Fault[] }).errors ?? [];
}

/** The one field that a refusal is about. */
export function fieldOf(error: unknown): string | null {
  return error instanceof Refused ? ((error.problem as { field?: string }).field ?? null) : null;
}

export function refuseOrLeave(error: unknown, told: (words: string) => void): void {
  if (error instanceof Refused && error.status === 401) return leaveForSignIn();
  if (error instanceof DOMException && error.name === "AbortError") return;
  told(wordsOf(error));
}

export interface Reading<T> {
  value: T | null;
  trouble: string | null;
  again: () => void;
}

/** Read what an address tells, nothing where there is none; and again when `since` is another. */
export function useRead<T>(url: string | null, since?: unknown): Reading<T> {
  const [value, setValue] = useState<T | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (url === null) return setValue(null);
    const asking = new AbortController();
    setTrouble(null);
    read<T>(url, asking.signal).then(setValue, (error: unknown) => refuseOrLeave(error, setTrouble));
    return () => asking.abort();
  }, [url, turn, since, currentLanguage()]); // reasons come in the language that is asked for
  return { value, trouble, again: useCallback(() => setTurn((n) => n + 1), []) };
}

export interface Paged<P, R> {
  /** The newest page that was read: counts and the like. */
  page: P | null;
  rows: readonly R[];
  /** How many were dropped since that page was read. */
  dropped: number;
  hasMore: boolean;
  busy: boolean;
  trouble: string | null;
  more: () => void;
  again: () => void;
  drop: (gone: (row: R) => boolean) => void;
}

/** A list read page by page; a new address begins anew, and what answers late is not taken. */
export function usePaged<P, R>(first: string, rowsOf: (page: P) => R[], next: (page: P, rows: readonly R[]) => string | null): Paged<P, R> {
  const [state, setState] = useState<{ page: P | null; rows: readonly R[]; dropped: number }>({ page: null, rows: [], dropped: 0 });
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  const asking = useRef(new AbortController());

  const ask = (suffix: string, before: readonly R[]): void => {
    asking.current.abort();
    const mine = (asking.current = new AbortController());
    setBusy(true);
    setTrouble(null);
    read<P>(first + suffix, mine.signal)
      .then(
        (page) => setState({ page, rows: [...before, ...rowsOf(page)], dropped: 0 }),
        (error: unknown) => refuseOrLeave(error, setTrouble),
      )
      .finally(() => mine.signal.aborted || setBusy(false));
  };
  useEffect(() => {
    ask("", []);
    return () => asking.current.abort();
  }, [first, turn, currentLanguage()]);

  const on = state.page === null ? null : next(state.page, state.rows);
  return {
    ...state,
    hasMore: on !== null,
    busy,
    trouble,
    more: () => on !== null && ask(on, state.rows),
    again: () => setTurn((n) => n + 1),
    drop: (gone) =>
      setState((last) => {
        const rows = last.rows.filter((row) => !gone(row));
        return { ...last, rows, dropped: last.dropped + last.rows.length - rows.length };
      }),
  };
}

/** The query of a list, without what is empty; also written into the page's address, so that a link shows the same. */
export function query(wanted: Record<string, string | number>): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) if (value !== "" && value !== 0) set.set(name, String(value));
  return set.toString();
}
