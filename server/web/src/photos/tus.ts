/**
 * The requests of tus 1.0.0, as far as a photo needs them: begin, append, and how an upload stands.
 *
 * Owns their headers; keeps nothing. Beginning the same upload again goes on with it, so an answer that was lost costs
 * one request. They fail as all requests of the device protocol do (`../sync/transport.ts`).
 */

import { type Line, request, Unreachable } from "../sync/transport.js";
import type { Photo } from "./store.js";

const TUS = { "Tus-Resumable": "1.0.0" };

/** How the server says that an upload stands. */
export interface Standing {
  readonly state: "open" | "finished" | "refused";
  readonly offset: number;
}

/** Begin an upload, or go on with the one that was begun; return how many bytes the server has. */
export async function begin(line: Line, photo: Photo): Promise<number> {
  const { id, collection, record, sha256, type, name } = photo;
  const said = Object.entries({ id, collection, record, sha256, filetype: type, filename: name });
  const metadata = said.map(([key, value]) => `${key} ${base64(value)}`).join(",");
  const headers = { ...TUS, "Upload-Length": String(photo.size), "Upload-Metadata": metadata };
  return offsetOf(await request(line, "/v1/files", { method: "POST", headers }));
}

/** Append bytes from an offset on; return how many the server has then. */
export async function append(line: Line, id: string, offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
  return offsetOf(await request(line, `/v1/files/${id}`, { method: "PATCH", headers, body: bytes }));
}

export async function standing(line: Line, id: string): Promise<Standing> {
  return (await (await request(line, `/v1/files/${id}/status`)).json()) as Standing;
}

/** Return the offset that an answer tells. Throws `Unreachable` where somebody between took it out. */
function offsetOf(answer: Response): number {
  const told = answer.headers.get("Upload-Offset") ?? "";
  if (!/^\d+$/.test(told)) throw new Unreachable("an answer without the offset of the upload");
  return Number(told);
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
