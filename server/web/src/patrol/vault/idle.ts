/** When the app locks itself: after a quarter of an hour out of sight. */
import { useEffect } from "preact/hooks";

export const LOCKS_AFTER_MS = 15 * 60_000;

/** Call `onLock` when the app was hidden for so long, and `onHide` at once whenever it is hidden. */
export function useIdleLock(onHide: () => void, onLock: () => void): void {
  useEffect(() => {
    let since: number | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = (): void => {
      clearTimeout(timer);
      if (document.visibilityState === "hidden") {
        since = Date.now();
        timer = setTimeout(onLock, LOCKS_AFTER_MS);
        onHide();
      } else if (since !== null && Date.now() - since >= LOCKS_AFTER_MS) onLock(); // timers of hidden pages may rest
    };
    document.addEventListener("visibilitychange", changed);
    addEventListener("pagehide", onHide);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", changed);
      removeEventListener("pagehide", onHide);
    };
  }, [onHide, onLock]);
}
