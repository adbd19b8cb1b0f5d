/** The place of the phone: read only while a form that needs it is open, and only after the worker allowed it. */
import { useEffect, useState } from "preact/hooks";
import type { Spot } from "../records";

export type Finding = "idle" | "working" | "denied" | "failed" | "found";
const GOOD_M = 15;
const PATIENCE_MS = 20_000;

/** Whether a fix is better than the one before it. */
function isBetter(fix: Spot, before: Spot | null): boolean {
  return before === null || (fix.accuracy_m ?? Infinity) <= (before.accuracy_m ?? Infinity);
}

/**
 * Look for the place while `on`, telling each better fix; ends by itself when it is good, or after twenty seconds.
 * `onSpot` is called outside of rendering.
 */
export function usePosition(on: boolean, onSpot: (spot: Spot) => void): Finding {
  const [finding, setFinding] = useState<Finding>("idle");
  useEffect(() => {
    if (!on) return undefined;
    if (!("geolocation" in navigator)) {
      setFinding("failed");
      return undefined;
    }
    let best: Spot | null = null;
    setFinding("working");
    const stop = (): void => {
      navigator.geolocation.clearWatch(watching);
      clearTimeout(timer);
    };
    const watching = navigator.geolocation.watchPosition(
      ({ coords: { longitude, latitude, accuracy } }) => {
        const fix = { lon: longitude, lat: latitude, accuracy_m: accuracy };
        if (!isBetter(fix, best)) return;
        best = fix;
        setFinding("found");
        onSpot(fix);
        if (accuracy <= GOOD_M) stop();
      },
      ({ code, PERMISSION_DENIED }) => {
        setFinding(code === PERMISSION_DENIED ? "denied" : best === null ? "failed" : "found");
        stop();
      },
      { enableHighAccuracy: true, maximumAge: 0, timeout: PATIENCE_MS },
    );
    const timer = setTimeout(stop, PATIENCE_MS);
    return stop;
  }, [on]);
  return finding;
}

/** Whether the place may be read without asking: it was allowed before. */
export async function isAllowed(): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: "geolocation" })).state === "granted";
  } catch {
    return false;
  }
}
