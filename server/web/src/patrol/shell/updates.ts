/**
 * New versions of the app: told by one line, taken when nothing is being entered.
 *
 * Owns the registration of the service worker. `busy` holds names of what is being entered (a form with something in it,
 * an undo that runs); while there is one, a new version waits.
 */
import { useEffect, useState } from "preact/hooks";
import { TAKE_OVER } from "./takeOver";

const busy = new Set<string>();
const listeners = new Set<() => void>();
let waiting: ServiceWorker | null = null;
const HOUR_MS = 3_600_000;

/** Register the service worker, and look for a new version when the app comes to the front. */
export async function keepAppWhole(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const first = navigator.serviceWorker.controller === null;
  const registered = await navigator.serviceWorker.register("/patrol-worker.js", { scope: "/patrol", updateViaCache: "none" });
  noteWaiting(registered.waiting);
  registered.addEventListener("updatefound", () => {
    const coming = registered.installing;
    coming?.addEventListener("statechange", () => {
      if (coming.state === "installed" && navigator.serviceWorker.controller !== null) noteWaiting(coming);
    });
  });
  let reloaded = first;
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (!reloaded) location.reload();
    reloaded = true;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") takeOver();
  });
  setInterval(() => void registered.update().catch(() => undefined), HOUR_MS);
}

/** Say that something is being entered, or no longer. */
export function beBusy(name: string, on: boolean): void {
  if (on) busy.add(name);
  else busy.delete(name);
  tell();
}

/** Take the new version, where there is one and nothing is being entered. */
export function takeOver(): void {
  if (busy.size === 0) waiting?.postMessage(TAKE_OVER);
}

function noteWaiting(worker: ServiceWorker | null): void {
  waiting = worker ?? waiting;
  tell();
}

function tell(): void {
  for (const each of listeners) each();
}

/** `waiting`: a new version is there; `free`: it may be taken now. */
export function useUpdate(): { waiting: boolean; free: boolean } {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = (): void => redraw((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return { waiting: waiting !== null, free: busy.size === 0 };
}

/** While the component is there and `on`, a new version waits. */
export function useBusy(name: string, on: boolean): void {
  useEffect(() => {
    beBusy(name, on);
    return () => beBusy(name, false);
  }, [name, on]);
}
