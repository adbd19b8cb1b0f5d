/**
 * Follows the work: tells a page to read its list again when the server hints that a record in its charge changed.
 *
 * A hint carries nothing and may be lost; the page reads seldom beside it. While the page is hidden no stream is held.
 */
const HINTS = "/v1/work/events";
const AGAIN_MS = 60_000;

/** Call `changed` with each hint, until the function returned is called. */
export function followWork(changed: () => void): () => void {
  let stream: EventSource | null = null;
  const close = (): void => {
    stream?.close();
    stream = null;
  };
  const turn = (): void => {
    if (document.hidden) return close();
    if (stream !== null && stream.readyState !== EventSource.CLOSED) return undefined;
    stream = new EventSource(HINTS);
    stream.addEventListener("work", changed);
  };
  document.addEventListener("visibilitychange", turn);
  const timer = window.setInterval(turn, AGAIN_MS);
  turn();
  return () => {
    document.removeEventListener("visibilitychange", turn);
    window.clearInterval(timer);
    close();
  };
}
