/** Keeps a resource fresh: reads it at once, then every fifteen seconds while the page is seen. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Refused, Unreachable, Watched } from "../api/client";
import { leaveForSignIn } from "../page/leaving";

const EVERY_MS = 15_000;
const AGAIN_MS = 5_000;

export type Status = "loading" | "live" | "offline" | "refused";

export interface Live<T> {
  value: T | null;
  /** The address that `value` answers: differs from the asked one while a new answer is on its way. */
  of: string;
  status: Status;
  at: Date | null;
  detail: string;
  /** Whether the server says that there is no such thing here. */
  gone: boolean;
  retry: () => void;
}

export function useLive<T>(url: string | null): Live<T> {
  const watched = useRef(new Watched<T>());
  const [live, setLive] = useState<Omit<Live<T>, "retry">>({ value: null, of: "", status: "loading", at: null, detail: "", gone: false });
  const [turn, setTurn] = useState(0);
  const retry = useCallback(() => setTurn((n) => n + 1), []);

  useEffect(() => {
    if (url === null) return undefined;
    const asking = new AbortController();
    let timer = 0;
    const again = (ms: number): void => {
      window.clearTimeout(timer); // waking and waiting may cross: one turn at a time is left
      timer = window.setTimeout(() => void ask(), ms);
    };
    const ask = async (): Promise<void> => {
      if (document.hidden) return again(EVERY_MS);
      try {
        const value = await watched.current.read(url, asking.signal);
        if (asking.signal.aborted) return undefined;
        setLive({ value, of: url, status: "live", at: new Date(), detail: "", gone: false });
        return again(EVERY_MS);
      } catch (error) {
        if (asking.signal.aborted) return undefined;
        if (error instanceof Refused && error.status === 401) return leaveForSignIn();
        setLive((last) => ({ ...last, ...failure(error) }));
        return again(error instanceof Refused ? EVERY_MS : AGAIN_MS);
      }
    };
    const seen = (): void => {
      if (document.hidden) return;
      window.clearTimeout(timer);
      void ask();
    };
    void ask();
    document.addEventListener("visibilitychange", seen);
    window.addEventListener("online", seen);
    return () => {
      asking.abort();
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      window.removeEventListener("online", seen);
    };
  }, [url, turn]);

  return { ...live, retry };
}

function failure(error: unknown): { status: Status; detail: string; gone: boolean } {
  if (error instanceof Refused) {
    const detail = error.problem.detail ?? error.problem.title ?? String(error.status);
    return { status: "refused", detail, gone: error.status === 404 };
  }
  if (error instanceof Unreachable) return { status: "offline", detail: "", gone: false };
  throw error;
}
