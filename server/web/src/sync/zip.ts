/**
 * A ZIP whose entries are stored as they are: what goes into it is photos, and is encrypted afterwards.
 *
 * Owns the records of the format (APPNOTE 6.3, sizes of 32 bits). Nothing is compressed, so nothing that is read can
 * grow.
 */

const utf8 = new TextEncoder();
const STORED = 0;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
/** 1980-01-01: when a photo was taken stands in its record. */
const DATE = 0x21;

export class Zip {
  readonly #parts: Blob[] = [];
  readonly #list: BlobPart[] = [];
  #count = 0;
  #size = 0;
  #listed = 0;

  add(name: string, content: Uint8Array<ArrayBuffer>): void {
    const named = utf8.encode(name);
    const facts = [VERSION, UTF8_NAMES, STORED, 0, DATE] as const;
    const sizes = [crc32(content), content.byteLength, content.byteLength] as const;
    const local = record(0x04034b50, facts, sizes, [named.byteLength, 0]);
    const listed = record(0x02014b50, [VERSION, ...facts], sizes, [named.byteLength, 0, 0, 0, 0], [0, this.#size]);
    // As a blob, which the platform may keep on disk: a cheap phone has no room for a day of photos in memory.
    this.#parts.push(new Blob([local, named, content]));
    this.#list.push(listed, named);
    this.#count += 1;
    this.#size += local.byteLength + named.byteLength + content.byteLength;
    this.#listed += listed.byteLength + named.byteLength;
  }

  /** Return the whole; nothing can be added to it. */
  blob(): Blob {
    const end = record(0x06054b50, [0, 0, this.#count, this.#count], [this.#listed, this.#size], [0]);
    return new Blob([...this.#parts, ...this.#list, end]);
  }
}

/** Return numbers of 16 and 32 bits by turns, least byte first, behind a mark of 32. */
function record(mark: number, ...groups: (readonly number[])[]): Uint8Array<ArrayBuffer> {
  const widths = groups.map((_, index) => (index % 2 === 0 ? 2 : 4));
  const view = new DataView(new ArrayBuffer(4 + groups.reduce((sum, group, index) => sum + group.length * (widths[index] ?? 0), 0)));
  view.setUint32(0, mark, true);
  let at = 4;
  for (const [index, group] of groups.entries()) {
    for (const number of group) {
      if (widths[index] === 2) view.setUint16(at, number, true);
      else view.setUint32(at, number, true);
      at += widths[index] ?? 0;
    }
  }
  return new Uint8Array(view.buffer);
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

export function crc32(content: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of content) rest = (rest >>> 8) ^ (TABLE[(rest ^ byte) & 0xff] ?? 0);
  return ~rest >>> 0;
}
