/**
 * Speaks to the staff API: cookies, the CSRF token, problem documents, conditional GET.
 *
 * Knows nothing of any page. A failure is always one of two errors, so that a page can tell "the
 * server says no" (`Refused`) from "the server cannot be heard" (`Unreachable`).
 */
import { currentLanguage } from "../i18n";
import type { Problem, Session } from "./types";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.title ?? `HTTP ${status}`);
  }
}

export class Unreachable extends Error {}

const SIGNED_IN = "patrol.signed-in";

let csrf = "";

async function request(path: string, init: RequestInit): Promise<Response> {
  const headers = { "Accept-Language": currentLanguage(), ...init.headers };
  let answer: Response;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  if (answer.status >= 502) throw new Unreachable();
  if (answer.ok || answer.status === 304) return answer;
  throw new Refused(answer.status, await problemOf(answer));
}

async function problemOf(answer: Response): Promise<Partial<Problem>> {
  const type = answer.headers.get("Content-Type") ?? "";
  return type.includes("json") ? ((await answer.json().catch(() => ({}))) as Partial<Problem>) : {};
}

/** One resource that is read again and again: an unchanged answer costs a 304 and yields the same object. */
export class Watched<T> {
  #etag: string | null = null;
  #url = "";
  #value: T | null = null;

  async read(url: string, signal: AbortSignal): Promise<T> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (url === this.#url && this.#etag !== null) headers["If-None-Match"] = this.#etag;
    const answer = await request(url, { headers, signal });
    if (answer.status === 304 && this.#value !== null) return this.#value;
    const value = (await answer.json()) as T;
    [this.#url, this.#etag, this.#value] = [url, answer.headers.get("ETag"), value];
    return value;
  }
}

export async function read<T>(url: string, signal?: AbortSignal): Promise<T> {
  const answer = await request(url, { headers: { Accept: "application/json" }, ...(signal && { signal }) });
  return (await answer.json()) as T;
}

async function send(method: string, url: string, body?: unknown, seen?: string): Promise<Response> {
  const headers: Record<string, string> = { "X-CSRF-Token": csrf, ...(seen !== undefined && { "If-Match": seen }) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return request(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

export async function signIn(login: string, password: string): Promise<Session> {
  return remember((await (await send("POST", "/v1/session", { login, password })).json()) as Session);
}

export async function currentSession(): Promise<Session> {
  return remember(await read<Session>("/v1/session"));
}

/** Change one's own password: every other session ends, and this one goes on as a new one. */
export async function changePassword(current: string, next: string): Promise<Session> {
  return remember((await (await send("POST", "/v1/session/password", { current, new: next })).json()) as Session);
}

export async function signOut(): Promise<void> {
  await send("DELETE", "/v1/session");
  csrf = "";
  keep(null);
}

/** Whether somebody was signed in here and did not sign out: only then can a session have ended. */
export function hadSession(): boolean {
  try {
    return csrf !== "" || localStorage.getItem(SIGNED_IN) !== null;
  } catch {
    return csrf !== ""; // storage may be forbidden
  }
}

export async function post<T>(url: string, body: unknown): Promise<T> {
  return (await (await send("POST", url, body)).json()) as T;
}

/** Put what is to stand at an address. */
export async function put<T>(url: string, body: unknown): Promise<T> {
  return (await (await send("PUT", url, body)).json()) as T;
}

/** Send a file as it is. */
export async function sendFile<T>(url: string, file: File): Promise<T> {
  return (await (await posted(url, file)).json()) as T;
}

/** Send a file that is answered with nothing. */
export async function tellFile(url: string, file: File): Promise<void> {
  await posted(url, file);
}

function posted(url: string, file: File): Promise<Response> {
  return request(url, { method: "POST", headers: { "X-CSRF-Token": csrf, "Content-Type": "application/octet-stream" }, body: file });
}

/** Send what is answered with nothing. */
export async function tell(url: string, body: unknown): Promise<void> {
  await send("POST", url, body);
}

/** Take away what needs no version to be named. */
export async function remove(url: string): Promise<void> {
  await send("DELETE", url);
}

/** Change what was seen in a version (its ETag); refused with 412 where it is another by now. */
export async function change<T>(method: "POST" | "DELETE", url: string, seen: string, body?: unknown): Promise<T | null> {
  const answer = await send(method, url, body, seen);
  return answer.status === 204 ? null : ((await answer.json()) as T);
}

function remember(session: Session): Session {
  csrf = session.csrf;
  keep("yes");
  return session;
}

function keep(signedIn: "yes" | null): void {
  try {
    if (signedIn) localStorage.setItem(SIGNED_IN, signedIn);
    else localStorage.removeItem(SIGNED_IN);
  } catch {
    // Not remembered: then nobody is told that a session ended.
  }
}
