/** Listening for the server's hints that something changed. They carry no data and may be lost: a pull tells. */

import { backoff, Rest } from "./pace.js";
import { hints, type Line } from "./transport.js";
import { lines } from "./wire.js";

const STEADY_MS = 60_000;

/** Listen until `signal` ends it, opening the stream anew where it breaks. */
export async function listen(
  line: () => Promise<Line>,
  hinted: () => void,
  now: () => number,
  signal: AbortSignal,
): Promise<void> {
  const rest = new Rest();
  for (let failures = 0; !signal.aborted; failures += 1) {
    const began = now();
    try {
      const answer = await hints(await line(), signal);
      // What changed before the stream was open is hinted at by nobody.
      hinted();
      if (answer.body !== null) {
        for await (const each of lines(answer.body)) if (each.startsWith("event:")) hinted();
      }
    } catch {
      // Whatever it was, the exchanges meet it too, and tell.
    }
    if (now() - began > STEADY_MS) failures = 0;
    await rest.of(backoff(failures + 4, Math.random()), signal);
  }
}
