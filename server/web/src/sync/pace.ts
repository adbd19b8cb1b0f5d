/** When to try again: doubling, with jitter, so that a city's phones do not come back at the same moment. */

const FIRST_MS = 1_000;
const MOST_MS = 300_000;

/** Return how long to wait (ms) after so many failures in a row; `chance` is between 0 and 1. */
export function backoff(failures: number, chance: number): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.max(0, failures - 1));
  return most / 2 + (most / 2) * chance;
}

/** A rest that can be ended early. Waking somebody who does not rest ends the next rest before it begins. */
export class Rest {
  #end: (() => void) | null = null;
  #woken = false;

  /** Resolve after a time in ms, or when woken, or when `signal` ends it for good. */
  async of(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#woken && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#end = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.#end, { once: true });
      });
      if (this.#end !== null) signal.removeEventListener("abort", this.#end);
      this.#end = null;
    }
    this.#woken = false;
  }

  wake(): void {
    this.#woken = true;
    this.#end?.();
  }
}
