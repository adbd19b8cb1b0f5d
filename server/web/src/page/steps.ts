/**
 * Where the person stands in a page, kept by the browser's own history: Back undoes a step, not the whole visit.
 *
 * A *step* is what a person would call one: an issue, a grid, a draft, a panel opened. Panning and typing only say the
 * present step more exactly. The address is the one truth: a page draws what it says, whoever changed it. Something
 * may lie *opened* over a step, a panel or a dialog, which no link carries: Back closes it and keeps what was chosen in it.
 */
export interface Place {
  /** The query of the address, with its question mark; "" where there is none. */
  search: string;
  /** What lies over the page, by a name of the page's own. */
  opened: string | null;
}

/** The parts of a browser's window that are needed. */
export interface Browser {
  readonly location: { readonly pathname: string; readonly search: string };
  readonly history: {
    readonly state: unknown;
    pushState(state: unknown, unused: string, url: string): void;
    replaceState(state: unknown, unused: string, url: string): void;
    back(): void;
  };
  addEventListener(kind: "popstate", listener: () => void): void;
}

interface Entry extends Place {
  depth: number;
  /** The step that this one was taken from, as it was left. */
  from: Place | null;
}

export class Steps {
  readonly #browser: Browser;
  readonly #listeners = new Set<() => void>();
  #entry: Entry;
  /** Going back takes the browser a moment: what is asked meanwhile waits for it. */
  #waiting: (() => void)[] | null = null;

  constructor(browser: Browser) {
    this.#browser = browser;
    // What lay opened is not drawn by a page that begins anew.
    const kept = asEntry(browser.history.state);
    this.#entry = { search: browser.location.search, opened: null, depth: kept?.depth ?? 0, from: kept?.from ?? null };
    browser.addEventListener("popstate", () => this.#arrived());
  }

  get place(): Place {
    return this.#entry;
  }

  /** Take a step; to where one stands already it is none. */
  take(query: string | URLSearchParams): void {
    this.#inTurn(() => {
      const search = asSearch(query);
      if (search === this.#entry.search && this.#entry.opened === null) return;
      this.#push({ search, opened: null });
    });
  }

  /** Say more exactly where one stands: typing, panning, a choice in what lies opened. */
  settle(query: string | URLSearchParams): void {
    this.#inTurn(() => {
      const search = asSearch(query);
      if (search === this.#entry.search) return;
      this.#replace({ ...this.#entry, search });
    });
  }

  /** Leave the present step for `query`: by going back where it was taken from there, else by a step on. */
  leave(query: string | URLSearchParams): void {
    this.#inTurn(() => {
      const { from } = this.#entry;
      if (from?.search === asSearch(query) && from.opened === null) return this.#back();
      return this.take(query);
    });
  }

  /** Something opens over the page. */
  open(name: string): void {
    this.#inTurn(() => this.#push({ search: this.#entry.search, opened: name }));
  }

  /** It closed by itself: the step that it was is gone, or holds what was chosen in it. */
  close(name: string): void {
    this.#inTurn(() => {
      if (this.#entry.opened !== name) return undefined;
      if (this.#entry.from?.search === this.#entry.search) return this.#back();
      return this.#replace({ ...this.#entry, opened: null });
    });
  }

  /** Call `listener` after each change, until the function returned is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #inTurn(act: () => void): void {
    if (this.#waiting) this.#waiting.push(act);
    else act();
  }

  #push(place: Place): void {
    const { search, opened, depth } = this.#entry;
    this.#entry = { ...place, depth: depth + 1, from: { search, opened } };
    this.#browser.history.pushState(this.#entry, "", this.#address());
    this.#tell();
  }

  #replace(entry: Entry): void {
    this.#entry = entry;
    this.#browser.history.replaceState(this.#entry, "", this.#address());
    this.#tell();
  }

  #back(): void {
    this.#waiting = [];
    this.#browser.history.back();
  }

  #arrived(): void {
    const left = this.#entry;
    const asked = this.#waiting ?? [];
    this.#waiting = null;
    const kept = asEntry(this.#browser.history.state);
    this.#entry = { search: this.#browser.location.search, opened: null, depth: kept?.depth ?? 0, from: kept?.from ?? null };
    const closed = left.opened !== null && left.depth === this.#entry.depth + 1;
    if (closed && left.search !== this.#entry.search) this.#push({ search: left.search, opened: null });
    else this.#tell();
    for (const act of asked) this.#inTurn(act);
  }

  #address(): string {
    return this.#browser.location.pathname + this.#entry.search;
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function asSearch(query: string | URLSearchParams): string {
  const told = query.toString();
  return told === "" || told.startsWith("?") ? told : `?${told}`;
}

function asEntry(state: unknown): Entry | null {
  return typeof state === "object" && state !== null && "depth" in state ? (state as Entry) : null;
}
