/**
 * One photo by tus 1.0.0: tus-js-client over the requests of the device protocol (`../sync/transport.ts`).
 *
 * Owns which address an upload has and what each refusal means for the place in it; keeps nothing. The library's own
 * memory of addresses is not used: a photo's id is its upload's, and where it stands is asked of the server.
 */

import { DetailedError, type HttpRequest, type HttpResponse, type HttpStack, Upload, type UploadOptions } from "tus-js-client";
import { answered, type Line, orUnreachable, problemIn, Refused, request, Unreachable } from "../sync/transport.js";
import type { Photo } from "./store.js";

const FILES = "/v1/files";
/** What a refusal says of the place in the upload, not of the photo: where it stands is asked, and it goes on there. */
const OF_THE_PLACE: ReadonlySet<string> = new Set([
  "upload-offset-conflict",
  "upload-taken",
  "upload-interrupted",
  "upload-too-much",
  // The whole was not what was announced: the server has let go of it, and the photo here is right.
  "checksum-mismatch",
  // It expired, or the server was restored from before it; one that was refused is refused again when it is begun anew.
  "upload-gone",
  "unknown-upload",
]);
/** How long to wait (ms) before an upload that does not come on is looked at again; after the last it is left for later. */
const TURNS_MS = [0, 100, 200, 400, 800];

/** How the server says that an upload stands. */
export interface Standing {
  readonly state: "open" | "finished" | "refused";
  readonly offset: number;
}

/** `before`: called before bytes go out, with how many the server has; what it throws ends the upload. */
export interface Course {
  readonly chunk_bytes: number;
  readonly before: (offset: number) => Promise<void>;
}

/**
 * Send a photo until the server has all of it, from where it has got to. Throws `Unreachable`, `Busy`, `Refused`, or what
 * `before` throws.
 */
export function upload(line: Line, photo: Photo, content: Uint8Array<ArrayBuffer>, { chunk_bytes, before }: Course): Promise<void> {
  const { id, collection, record, sha256, type, name } = photo;
  const isBegun = photo.sent > 0 || photo.failures > 0;
  const options: UploadOptions = {
    endpoint: line.url + FILES,
    uploadUrl: isBegun ? `${line.url}${FILES}/${id}` : null,
    metadata: { id, collection, record, sha256, filetype: type, filename: name },
    chunkSize: chunk_bytes,
    retryDelays: TURNS_MS,
    storeFingerprintForResuming: false,
    fingerprint: () => Promise.resolve(id),
    fileReader: { openFile: () => Promise.resolve(sourceOf(content)) },
    httpStack: stackOf(line, id),
    onBeforeRequest: (asked) => (asked.getMethod() === "PATCH" ? before(Number(asked.getHeader("Upload-Offset"))) : undefined),
    onShouldRetry: (error) => OF_THE_PLACE.has(refusalIn(error)?.code ?? ""),
  };
  return new Promise((resolve, reject) => {
    const under = { onSuccess: () => resolve(), onError: (error: Error | DetailedError) => reject(meant(error)) };
    // The library takes a source of any kind by its `fileReader`; its types know a few.
    new Upload(content as never, { ...options, ...under }).start();
  });
}

export async function standing(line: Line, id: string): Promise<Standing> {
  return (await (await request(line, `${FILES}/${id}/status`)).json()) as Standing;
}

/** What of a failure of the library's an uploader goes by. */
function meant(error: Error | DetailedError): Error {
  const cause = error instanceof DetailedError ? error.causingError : null;
  if (cause !== null && cause !== undefined) return cause;
  const refused = refusalIn(error);
  if (refused === null) return new Unreachable(error.message, { cause: error });
  return OF_THE_PLACE.has(refused.code) ? new Unreachable("an upload that does not come on") : refused;
}

function refusalIn(error: Error | DetailedError): Refused | null {
  const answer = error instanceof DetailedError ? error.originalResponse : null;
  if (answer === null || answer.getStatus() < 400) return null;
  return new Refused(answer.getStatus(), problemIn(answer.getBody(), answer.getStatus()));
}

/** The parts of a photo in memory; the library asks each for its `size`. */
function sourceOf(content: Uint8Array<ArrayBuffer>) {
  const size = content.byteLength;
  const part = (start: number, end: number) => Object.assign(content.slice(start, end), { size: Math.min(end, size) - start });
  return { size, slice: (start: number, end: number) => Promise.resolve({ value: part(start, end), done: end >= size }), close: () => undefined };
}

/** The library's requests as those of the device: to where the photo is, whatever way the server calls it by. */
function stackOf(line: Line, id: string): HttpStack {
  const path = (method: string): string => (method === "POST" ? FILES : `${FILES}/${id}`);
  return { createRequest: (method) => requestOf(line, method, path(method)), getName: () => "device protocol" };
}

function requestOf(line: Line, method: string, path: string): HttpRequest {
  const headers: Record<string, string> = {};
  return {
    getMethod: () => method,
    getURL: () => line.url + path,
    setHeader: (name, value) => void (headers[name] = value),
    getHeader: (name) => headers[name],
    setProgressHandler: () => undefined,
    async send(body: Uint8Array<ArrayBuffer> | null | undefined) {
      const answer = await answered(line, path, { method, headers, ...(body && { body }) });
      return answerOf(answer, await orUnreachable(() => answer.text()));
    },
    abort: () => Promise.resolve(),
    getUnderlyingObject: () => undefined,
  };
}

function answerOf(answer: Response, body: string): HttpResponse {
  return {
    getStatus: () => answer.status,
    getHeader: (name) => answer.headers.get(name) ?? undefined,
    getBody: () => body,
    getUnderlyingObject: () => answer,
  };
}

