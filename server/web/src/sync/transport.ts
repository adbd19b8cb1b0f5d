/**
 * The requests of the device protocol, and the three ways in which they fail.
 *
 * Owns headers, time limits and the reading of problem documents; keeps nothing. `Unreachable`: no answer, or one
 * from a server in trouble; try again later. `Refused`: the server said no, and says the same if asked again.
 * `Busy`: it said when to come again.
 */

import type { OutboxKey } from "./sealing.js";
import type {
  Change,
  Described,
  DeviceStatus,
  Digest,
  Enrolled,
  Operation,
  Page,
  PageEnd,
  Problem,
  PushAnswer,
} from "./types.js";
import { encode, lines, packed } from "./wire.js";

export class Unreachable extends Error {}

export class Busy extends Error {
  /** `wait_ms`: how long the server asks to wait. */
  constructor(readonly wait_ms: number) {
    super(`the server asks to wait ${wait_ms} ms`);
  }
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem,
  ) {
    super(problem.detail ?? problem.title ?? `HTTP ${status}`);
  }

  /** The last part of the problem's type, as `device-revoked`. */
  get code(): string {
    return this.problem.type.split("/").at(-1) ?? "";
  }
}

export interface Line {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly token: string | null;
  readonly language: string;
  readonly timeout_ms: number;
}

const NDJSON = "application/x-ndjson";
const WAIT_MS = 30_000;

export async function enrol(line: Line, code: string, device: Described): Promise<Enrolled> {
  const answer = await request(line, "/v1/devices", json({ code, device }));
  return read<Enrolled>(answer);
}

export async function push(line: Line, batchId: string, sentAt: string, ops: readonly Operation[]): Promise<PushAnswer> {
  const [body, coding] = await packed(encode({ batch_id: batchId, sent_at: sentAt, ops }));
  const headers = { "Content-Type": "application/json", ...(coding && { "Content-Encoding": coding }) };
  return read<PushAnswer>(await request(line, "/v1/sync/push", { method: "POST", body, headers }));
}

/** Pull one page. */
export async function pull(line: Line, cursor: string | null, limit: number): Promise<Page> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor !== null && { cursor }) });
  return read<Page>(await request(line, `/v1/sync/pull?${query}`));
}

/** Pull everything in one answer, page by page as it arrives. Throws `Unreachable` where the stream breaks off. */
export async function* stream(line: Line, cursor: string | null): AsyncGenerator<Page> {
  const query = cursor === null ? "" : `?${new URLSearchParams({ cursor })}`;
  const answer = await request(line, `/v1/sync/pull${query}`, { headers: { Accept: NDJSON } }, false);
  if (!(answer.headers.get("Content-Type") ?? "").startsWith(NDJSON)) {
    yield await read<Page>(answer);
    return;
  }
  let changes: Change[] = [];
  for await (const told of rows<Change | PageEnd>(answer)) {
    if ("cursor" in told) {
      yield { ...told, changes };
      changes = [];
    } else changes.push(told);
  }
}

export async function digest(line: Line): Promise<{ readonly digests: readonly Digest[] }> {
  return read(await request(line, "/v1/sync/digest"));
}

/** Return all records of one grid, as they are now. */
export async function recordsOf(line: Line, grid: string): Promise<Change[]> {
  const answer = await request(line, `/v1/sync/records?${new URLSearchParams({ grid })}`);
  const changes: Change[] = [];
  for await (const change of rows<Change>(answer)) changes.push(change);
  return changes;
}

export async function status(line: Line): Promise<DeviceStatus> {
  return read<DeviceStatus>(await request(line, "/v1/sync/status"));
}

/** Return the key for which a file is encrypted that is carried to the server. */
export async function outboxKey(line: Line): Promise<OutboxKey> {
  return read<OutboxKey>(await request(line, "/v1/devices/outbox-key"));
}

/** One of the worker's devices in use; `this`: the one that asks. */
export interface OwnDevice {
  readonly id: string;
  readonly name: string;
  readonly platform: string;
  readonly enrolled_at: string;
  readonly last_exchange_at: string | null;
  readonly this: boolean;
}

/** Return which devices the worker has in use. */
export async function ownDevices(line: Line): Promise<readonly OwnDevice[]> {
  return (await read<{ devices: OwnDevice[] }>(await request(line, "/v1/devices/mine"))).devices;
}

/** Revoke one of the worker's devices; `wipe`: it shall also forget what it holds. */
export async function revokeOwn(line: Line, device: string, wipe = false): Promise<void> {
  await request(line, `/v1/devices/mine/${device}/revoke`, json({ wipe }));
}

/** Tell the server that the device has wiped itself. */
export async function wiped(line: Line): Promise<void> {
  await request(line, "/v1/devices/wiped", { method: "POST" });
}

/** Open the stream of hints; it stays open until it breaks or `signal` ends it. */
export async function hints(line: Line, signal: AbortSignal): Promise<Response> {
  return request(line, "/v1/sync/events", { headers: { Accept: "text/event-stream" }, signal }, false);
}

function json(body: unknown): RequestInit {
  return { method: "POST", body: encode(body), headers: { "Content-Type": "application/json" } };
}

/** Ask something of the protocol that has no function here. */
export async function request(line: Line, path: string, init: RequestInit = {}, limited = true): Promise<Response> {
  const answer = await answered(line, path, init, limited);
  if (answer.ok) return answer;
  throw new Refused(answer.status, problemIn(await answer.text().catch(() => ""), answer.status));
}

/** The same, for whoever reads refusals without their words: a refusal is an answer. Throws `Unreachable` or `Busy`. */
export async function answered(line: Line, path: string, init: RequestInit = {}, limited = true): Promise<Response> {
  const headers = {
    "Accept-Language": line.language,
    ...(line.token !== null && { Authorization: `Bearer ${line.token}` }),
    ...init.headers,
  };
  const signal = limited ? { signal: AbortSignal.timeout(line.timeout_ms) } : {};
  const answer = await orUnreachable(() => line.fetch(line.url + path, { ...signal, ...init, headers }));
  if (answer.status === 429 || answer.status === 503) throw new Busy(waitAsked(answer));
  if (answer.status >= 500 || answer.status === 408) throw new Unreachable(`HTTP ${answer.status}`);
  return answer;
}

function waitAsked(answer: Response): number {
  const seconds = Number(answer.headers.get("Retry-After") ?? "");
  return seconds > 0 ? seconds * 1000 : WAIT_MS;
}

/** Return the problem that the body of a refusal tells; one of the status alone where it tells none. */
export function problemIn(body: string, status: number): Problem {
  const unknown: Problem = { type: "about:blank", title: `HTTP ${status}` };
  try {
    return { ...unknown, ...(JSON.parse(body) as Partial<Problem>) };
  } catch {
    return unknown;
  }
}

/** Read an answer to its end: one that is cut off, or that a proxy made up, is none. */
async function read<T>(answer: Response): Promise<T> {
  return orUnreachable(async () => (await answer.json()) as T);
}

async function* rows<T>(answer: Response): AsyncGenerator<T> {
  if (answer.body === null) throw new Unreachable("an answer without a body");
  const each = lines(answer.body);
  for (;;) {
    const next = await orUnreachable(() => each.next());
    if (next.done) return;
    yield JSON.parse(next.value) as T;
  }
}

export async function orUnreachable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof Refused ? error : new Unreachable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
