/** Keys of the duty page: letters take steps and move on, unless somebody is typing, or switched them off. */
import { useEffect, useRef } from "preact/hooks";

const STORED_AS = "patrol.duty-keys";
const TYPED_IN = "input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable], dialog, dialog *";

export function keysOn(): boolean {
  try {
    return localStorage.getItem(STORED_AS) !== "off";
  } catch {
    return true; // storage may be forbidden
  }
}

export function switchKeys(on: boolean): void {
  try {
    localStorage.setItem(STORED_AS, on ? "on" : "off");
  } catch {
    // Then they are off until the page is left.
  }
}

/** Call `pressed` with each letter that no field takes; it returns whether the letter meant something. */
export function useKeys(on: boolean, pressed: (key: string) => boolean): void {
  const latest = useRef(pressed);
  latest.current = pressed;
  useEffect(() => {
    if (!on) return undefined;
    const listener = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (event.target instanceof Element && event.target.matches(TYPED_IN)) return;
      if (event.key.length === 1 && latest.current(event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, [on]);
}
