/**
 * Sends the photos that wait, in the background, one tab at a time, from where the server has got to.
 *
 * Owns which photo is tried when and what each refusal means for it. What the server has is asked of the
 * server: a browser may be killed at any moment. A photo that the server does not take is kept with the reason, and a
 * photo that breaks off again and again keeps no other waiting.
 */

import { backoff, Rest } from "../sync/pace.js";
import { Busy, type Line, Refused, Unreachable } from "../sync/transport.js";
import type { Problem } from "../sync/types.js";
import { digest } from "./picture.js";
import type { Photo, PhotoStore } from "./store.js";
import * as tus from "./tus.js";

const CHUNK_BYTES = 256 * 1024;
const DAY_MS = 86_400_000;
/** Of a request as such: the photo waits, and goes out with another token or another app. */
const OF_THE_DEVICE: ReadonlySet<number> = new Set([401, 412, 426]);

/** What of an app the uploader needs: `SyncClient` gives the line and the store that tabs agree in. */
export interface Sender {
  line(): Promise<Line>;
  /** Another number, when the server may have forgotten something. */
  generation(): Promise<number>;
  /** Do the work if no other tab is at it; null if one is. `renew` says that it still goes on. */
  alone<T>(what: "photos", work: (renew: () => Promise<void>) => Promise<T>): Promise<T | null>;
}

export interface Uploaded {
  uploaded: number;
  refused: number;
}

export interface UploaderOptions {
  readonly clock?: () => number;
  readonly chance?: () => number;
  readonly chunk_bytes?: number;
  /** How long an uploaded photo is kept, for a server that is restored from a backup. */
  readonly keep_ms?: number;
  readonly every_ms?: number;
}

export class Uploader {
  readonly #sender: Sender;
  readonly #photos: PhotoStore;
  readonly #options: Required<UploaderOptions>;
  readonly #rest = new Rest();
  #running: AbortController | null = null;

  constructor(sender: Sender, photos: PhotoStore, options: UploaderOptions = {}) {
    this.#sender = sender;
    this.#photos = photos;
    const usual = { clock: Date.now, chance: Math.random, chunk_bytes: CHUNK_BYTES, keep_ms: 7 * DAY_MS, every_ms: 300_000 };
    this.#options = { ...usual, ...options };
  }

  /** Send from now on: at once, when woken (a photo was taken, the network is back), and every so often. */
  start(): void {
    if (this.#running !== null) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  wake(): void {
    this.#rest.wake();
  }

  /**
   * Try every photo that waits once; null where another tab is at it. Throws what ended it: `Unreachable`, `Busy` or
   * `Refused`, the last where the server refuses the device; what was sent before is kept.
   */
  async send(): Promise<Uploaded | null> {
    const line = await this.#sender.line();
    return this.#sender.alone("photos", async (renew) => {
      const done: Uploaded = { uploaded: 0, refused: 0 };
      const generation = await this.#sender.generation();
      await this.#photos.prune(this.#options.clock() - this.#options.keep_ms);
      await this.#photos.requeue(generation);
      for (const photo of await this.#photos.waiting()) await this.#try({ line, generation, done, renew }, photo);
      return done;
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      let wait = this.#options.every_ms;
      try {
        // Whoever is at it in another tab may be closed at any moment.
        if ((await this.send()) === null) wait = backoff(4, this.#options.chance());
        failures = 0;
      } catch (error) {
        failures += 1;
        const isRefused = error instanceof Refused || !(error instanceof Busy || error instanceof Unreachable);
        if (!isRefused) wait = error instanceof Busy ? error.wait_ms : backoff(failures, this.#options.chance());
      }
      await this.#rest.of(wait, signal);
    }
  }

  /** Send one photo as far as it goes. */
  async #try(round: Round, photo: Photo): Promise<void> {
    const content = await this.#opened(photo);
    if (content === undefined) return;
    if (content === null || digest(content) !== photo.sha256) {
      return this.#settle(round, photo, { type: "photo-damaged", title: "the photo cannot be read on this device" });
    }
    try {
      if (await this.#upload(round, photo, content)) await this.#settle(round, photo, null);
    } catch (error) {
      if (error instanceof Refused && !OF_THE_DEVICE.has(error.status)) return this.#settle(round, photo, error.problem);
      await this.#photos.learn(photo.id, { failures: photo.failures + 1 });
      throw error;
    }
  }

  /** Return the content; null where it is gone, undefined where it cannot be opened now, as before a PIN was typed. */
  async #opened(photo: Photo): Promise<Uint8Array<ArrayBuffer> | null | undefined> {
    try {
      return await this.#photos.content(photo.id);
    } catch {
      await this.#photos.learn(photo.id, { failures: photo.failures + 1 });
      return undefined;
    }
  }

  /** Return whether the server has the whole photo and took it; false where it still looks at it. */
  async #upload({ line, renew }: Round, photo: Photo, content: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const before = async (sent: number): Promise<void> => {
      await this.#photos.learn(photo.id, { sent });
      await renew();
    };
    const course = { chunk_bytes: this.#options.chunk_bytes, before };
    await tus.upload(line, photo, content, course);
    const { state } = await tus.standing(line, photo.id);
    // Beginning one again that was refused is answered with the reason, in words.
    if (state === "refused") await tus.upload(line, { ...photo, sent: 0, failures: 0 }, content, course);
    return state === "finished";
  }

  async #settle({ done, generation }: Round, photo: Photo, problem: Problem | null): Promise<void> {
    const state = problem === null ? "uploaded" : "refused";
    done[state] += 1;
    const sent = problem === null ? { sent: photo.size } : {};
    const settled_at = this.#options.clock();
    await this.#photos.learn(photo.id, { state, problem, failures: 0, settled_at, generation, ...sent });
  }
}

/** What holds while the photos that wait are tried once. */
interface Round {
  readonly line: Line;
  readonly generation: number;
  readonly done: Uploaded;
  readonly renew: () => Promise<void>;
}
