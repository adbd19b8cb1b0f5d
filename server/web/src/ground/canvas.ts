/** What is asked of a map before its program is there: whether it can be drawn, and whether it must be drawn anew. */
import type { Ground } from "../api/types";

let drawable: boolean | null = null;

/** Whether this browser can draw a map at all. Asked once: a browser has only a few contexts to give. */
export function canDraw(): boolean {
  drawable ??= document.createElement("canvas").getContext("webgl2") !== null;
  return drawable;
}

/** What a map is drawn from, as one text: where it is the same, what else is known of the ground draws nothing anew. */
export function drawing({ tiles, kinds }: Ground): string {
  return `${tiles} ${kinds.map((kind) => kind.code).join(" ")}`;
}
