/** Where the focus goes when what lay over the page is gone. */
import { useEffect } from "preact/hooks";

/** What a list may take until it is read anew, and the button in it with it. */
const SETTLED_MS = 5000;

/** While the component is there it has the focus; afterwards what had it before, or, once that is gone, the heading above it. */
export function useFocusBack(): void {
  useEffect(() => {
    const before = document.activeElement;
    const heading = before?.closest("section")?.querySelector("h2") ?? null;
    return () => void window.setTimeout(() => giveBack(before, heading));
  }, []);
}

function giveBack(before: Element | null, heading: HTMLElement | null): void {
  const isLost = (): boolean => document.activeElement === null || document.activeElement === document.body;
  const settle = (): void => {
    if (!isLost()) return;
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    if (!isLost()) return;
    const to = heading?.isConnected ? heading : document.querySelector<HTMLElement>("main h1");
    to?.setAttribute("tabindex", "-1");
    to?.focus();
  };
  settle();
  const changes = new MutationObserver(settle);
  changes.observe(document.body, { childList: true, subtree: true });
  const end = (): void => changes.disconnect();
  window.setTimeout(end, SETTLED_MS);
  for (const act of ["pointerdown", "keydown"]) document.addEventListener(act, end, { once: true, capture: true });
}
