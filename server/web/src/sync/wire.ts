/** Bodies as they go over the wire: JSON in UTF-8, packed where it pays, and lines of a stream. */

const PACK_FROM = 1024;
const utf8 = new TextEncoder();

export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return utf8.encode(JSON.stringify(value));
}

/** Return a body and its `Content-Encoding`: gzip where the platform has it and the body is not small. */
export async function packed(body: Uint8Array<ArrayBuffer>): Promise<[BodyInit, string | null]> {
  if (body.byteLength < PACK_FROM || typeof CompressionStream === "undefined") return [body, null];
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  return [await new Response(stream).arrayBuffer(), "gzip"];
}

/** Yield the lines of a body as they arrive. A last line without its end was cut off and is not yielded. */
export async function* lines(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) if (line !== "") yield line;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
