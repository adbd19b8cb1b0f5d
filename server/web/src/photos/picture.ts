/**
 * A photo as it leaves the phone: upright, at most 2048 px long, a JPEG without a word about its maker.
 *
 * Owns decoding and drawing; keeps nothing. What is drawn anew holds no place, no time and no name of a device: those
 * that matter stand in the record.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

export const MOST_PX = 2048;
export const QUALITY = 0.8;
const TYPE = "image/jpeg";

/** `sha256`: of the content, in hexadecimal. */
export interface Picture {
  readonly content: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
  readonly sha256: string;
  readonly type: string;
}

/** The file is no picture that this browser can show. */
export class NotAPicture extends Error {}

/** Return a picture for sending. Throws `NotAPicture`. */
export async function pictureOf(file: Blob, mostPx = MOST_PX, quality = QUALITY): Promise<Picture> {
  const drawn = await decoded(file);
  const { width, height } = fitted(drawn.width, drawn.height, mostPx);
  const canvas = document.createElement("canvas");
  try {
    [canvas.width, canvas.height] = [width, height];
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new NotAPicture("this browser draws no pictures");
    // What is see-through would be black in a JPEG.
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = "high";
    context.drawImage(drawn.image, 0, 0, width, height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, TYPE, quality));
    if (blob === null) throw new NotAPicture("the picture could not be written");
    const content = new Uint8Array(await blob.arrayBuffer());
    return { content, width, height, sha256: digest(content), type: TYPE };
  } finally {
    drawn.close();
    // A cheap phone gets the memory back at once, not when somebody collects it.
    canvas.width = canvas.height = 0;
  }
}

export function digest(content: Uint8Array): string {
  return bytesToHex(sha256(content));
}

/** Return the size at which a picture is sent; a small one stays as it is. */
export function fitted(width: number, height: number, mostPx: number): { width: number; height: number } {
  const scale = Math.min(1, mostPx / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

interface Drawable {
  readonly image: CanvasImageSource;
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** Decode a file upright: as a bitmap, or as an image element where the browser makes none of it. */
async function decoded(file: Blob): Promise<Drawable> {
  try {
    const image = await createImageBitmap(file, { imageOrientation: "from-image" });
    return { image, width: image.width, height: image.height, close: () => image.close() };
  } catch {
    return elementOf(file);
  }
}

async function elementOf(file: Blob): Promise<Drawable> {
  const url = URL.createObjectURL(file);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    URL.revokeObjectURL(url);
    throw new NotAPicture("the file is no picture that this browser can show");
  }
  return { image, width: image.naturalWidth, height: image.naturalHeight, close: () => URL.revokeObjectURL(url) };
}
