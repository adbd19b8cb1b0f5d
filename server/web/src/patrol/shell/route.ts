/** Which screen is shown: `#/household/ID`. Kept in the address, so that Back works and a locked app opens where it was. */
import { useEffect, useState } from "preact/hooks";

export const SCREENS = ["today", "report", "mine", "map", "me", "household", "door", "issue", "task", "sync"] as const;
export type ScreenName = (typeof SCREENS)[number];

export interface Route {
  readonly screen: ScreenName;
  readonly id: string | null;
}

export function routeOf(hash: string): Route {
  const [screen, id] = hash.replace(/^#\//, "").split("/");
  const known = SCREENS.find((each) => each === screen);
  return { screen: known ?? "today", id: known && id ? decodeURIComponent(id) : null };
}

export function hrefOf(screen: ScreenName, id?: string): string {
  return `#/${screen}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
}

export function go(screen: ScreenName, id?: string): void {
  location.hash = hrefOf(screen, id);
}

/** Leave a screen for the one before it. */
export function goBack(): void {
  if (history.length > 1) history.back();
  else go("today");
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return routeOf(hash);
}

/** The enrolment code behind the # of the address, empty where there is a screen or nothing. */
export function codeIn(hash: string): string {
  if (hash.startsWith("#/")) return "";
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return hash.slice(1);
  }
}
