/** On a phone list and panel are one sheet at the foot of the map: this handle raises and lowers it. */
import { useRef } from "preact/hooks";
import { t } from "../i18n";

export type Height = "peek" | "half" | "full";

const ORDER: readonly Height[] = ["peek", "half", "full"];
const FLICK_PX = 32;

export function SheetHandle({ height, onHeight }: { height: Height; onHeight: (height: Height) => void }) {
  const from = useRef<number | null>(null);
  const dragged = useRef(false);
  const step = (by: 1 | -1): void => {
    const next = ORDER[ORDER.indexOf(height) + by];
    if (next) onHeight(next);
  };
  const down = (event: PointerEvent): void => {
    from.current = event.clientY;
    dragged.current = false;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
  };
  const up = (event: PointerEvent): void => {
    const moved = from.current === null ? 0 : from.current - event.clientY;
    from.current = null;
    if (Math.abs(moved) < FLICK_PX) return;
    dragged.current = true;
    step(moved > 0 ? 1 : -1);
  };
  const click = (): void => {
    if (!dragged.current) onHeight(height === "full" ? "peek" : height === "half" ? "full" : "half");
    dragged.current = false;
  };
  return (
    <button
      type="button"
      class="handle"
      aria-expanded={height !== "peek"}
      aria-label={t(height === "full" ? "list.collapse" : "list.expand")}
      onPointerDown={down}
      onPointerUp={up}
      onClick={click}
    >
      <i aria-hidden="true" />
    </button>
  );
}
