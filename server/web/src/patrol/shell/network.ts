/** Whether the server answers: what the worker is told when something cannot be sent. */

export type Reach = "unknown" | "reached" | "offline" | "unreachable" | "trouble";

/** Listens to every request of the sync client. Owns nothing but the last thing it heard. */
export class Network {
  reach: Reach = navigator.onLine ? "unknown" : "offline";
  readonly #listeners = new Set<() => void>();

  readonly fetch: typeof fetch = async (...asked) => {
    try {
      const answer = await globalThis.fetch(...asked);
      this.#note(answer.status >= 500 ? "trouble" : "reached");
      return answer;
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) this.#note(navigator.onLine ? "unreachable" : "offline");
      throw error;
    }
  };

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    const changed = (): void => this.#note(navigator.onLine ? "unknown" : "offline");
    addEventListener("online", changed);
    addEventListener("offline", changed);
    return () => {
      this.#listeners.delete(listener);
      removeEventListener("online", changed);
      removeEventListener("offline", changed);
    };
  }

  #note(reach: Reach): void {
    if (reach === this.reach) return;
    this.reach = reach;
    for (const each of this.#listeners) each();
  }
}
