/**
 * Follows the ground: tells a page when there is another to draw, by the server's hints.
 *
 * A hint carries nothing and may be lost, so the page asks when it hears one, when the stream opens, and seldom beside
 * it; where no stream can be had, or the one there was fell silent, it asks often. While the page is hidden it does
 * neither: a browser opens six connections to a server for all its pages, and each stream holds one.
 */
import { Refused, read } from "../api/client";
import type { Ground } from "../api/types";

const HINTS = "/v1/map/events";
const SELDOM_MS = 30_000;
const OFTEN_MS = 2_000;
/** The server says every twenty seconds that it is there: it was missed twice. */
const SILENT_MS = 45_000;
/** From hearing of a redraw to asking for its areas, for each area: a fifth of it at least, this much more at most. */
const SPREAD_MS = 0.1;
const AGAIN_MS = 5_000;
/** An answer that is as long on its way is asked for anew. */
const PATIENCE_MS = 60_000;
/** A stream that was refused is asked for again. */
const REFUSED_MS = 60_000;

/**
 * Call `changed` with each ground that is in force after `first`, until the function returned is called.
 *
 * Twice for each: at once with its tiles and the areas of before, and with its own areas when they are read. That takes
 * the server a second or two in a large city, and all open maps hear at one moment: each asks at one of its own.
 */
export function followGround(first: Ground, changed: (ground: Ground) => void, ask: Ask = askAll): () => void {
  const follower = new Follower(first, changed, ask);
  follower.begin();
  return () => follower.end();
}

/** Reads what a page keeps of the ground: all its areas, or fewer. */
export type Ask = (signal: AbortSignal) => Promise<Ground>;

const askAll: Ask = (signal) => read<Ground>("/v1/areas", signal);

class Follower {
  readonly #changed: (ground: Ground) => void;
  readonly #whole: Ask;
  readonly #asking = new AbortController();
  #known: Ground;
  #timer = 0;
  #nameTimer = 0;
  #naming = new AbortController();
  #stream: EventSource | null = null;
  #begunAt = 0;
  #heardAt = 0;
  #askedAt = Date.now();
  #busy = false;
  #again = false;
  /** Whether the last question was answered, or refused to somebody who is signed in no more. */
  #sure = true;
  #out = false;

  constructor(first: Ground, changed: (ground: Ground) => void, whole: Ask) {
    this.#whole = whole;
    this.#known = first;
    this.#changed = changed;
  }

  begin(): void {
    document.addEventListener("visibilitychange", this.#turn);
    this.#timer = window.setInterval(this.#turn, OFTEN_MS);
    this.#turn();
  }

  end(): void {
    document.removeEventListener("visibilitychange", this.#turn);
    window.clearInterval(this.#timer);
    window.clearTimeout(this.#nameTimer);
    this.#asking.abort();
    this.#naming.abort();
    this.#close();
  }

  readonly #turn = (): void => {
    if (document.hidden) return this.#close();
    const now = Date.now();
    const state = this.#stream?.readyState ?? EventSource.CLOSED;
    const silent = state === EventSource.OPEN && now - this.#heardAt > SILENT_MS;
    if (this.#stream === null || silent || (state === EventSource.CLOSED && now - this.#begunAt > REFUSED_MS)) this.#listen(now);
    const hinted = this.#stream?.readyState === EventSource.OPEN && this.#sure;
    if (now - this.#askedAt >= (hinted || this.#out ? SELDOM_MS : OFTEN_MS)) void this.#ask();
  };

  #listen(now: number): void {
    this.#close();
    const stream = new EventSource(HINTS);
    const heard = (): void => {
      this.#heardAt = Date.now();
    };
    const hinted = (): void => {
      heard();
      void this.#ask();
    };
    stream.addEventListener("open", hinted); // what changed before is hinted at by nobody
    stream.addEventListener("ground", hinted);
    stream.addEventListener("here", heard);
    this.#stream = stream;
    this.#begunAt = now;
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = null;
  }

  /** Ask once, and once more for what was hinted at meanwhile: the answer on its way may be older. */
  async #ask(): Promise<void> {
    this.#askedAt = Date.now();
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#look();
      }
      [this.#sure, this.#out] = [true, false];
    } catch (error) {
      // It asks again soon; that the server cannot be heard, others on the page say.
      [this.#sure, this.#out] = [false, error instanceof Refused && error.status === 401];
    } finally {
      this.#busy = false;
    }
  }

  async #look(): Promise<void> {
    const { edition, tiles } = await read<{ edition: number | null; tiles: string | null }>("/v1/map/ground", patient(this.#asking));
    if (tiles === this.#known.tiles) return undefined;
    const { kinds, areas } = this.#known;
    if (edition === null || kinds.length === 0) return this.#name();
    this.#tell({ ...this.#known, edition: { number: edition, name: "" }, tiles });
    return this.#nameIn((0.2 + Math.random()) * SPREAD_MS * areas.length);
  }

  /** Read the areas after a while; what was on its way is of a ground before. */
  #nameIn(ms: number): void {
    this.#naming.abort();
    window.clearTimeout(this.#nameTimer);
    const naming = (this.#naming = new AbortController());
    this.#nameTimer = window.setTimeout(() => void this.#name().catch(() => naming.signal.aborted || this.#nameIn(AGAIN_MS)), ms);
  }

  async #name(): Promise<void> {
    this.#tell(await this.#whole(patient(this.#naming)));
  }

  #tell(ground: Ground): void {
    this.#known = ground;
    this.#changed(ground);
  }
}

function patient(asking: AbortController): AbortSignal {
  return AbortSignal.any([asking.signal, AbortSignal.timeout(PATIENCE_MS)]);
}
