/** Where signing in leads: only ever to a page of this site. Pure. */
const HOME = "/";

/**
 * Returns the path asked for by `next`, as a browser would read it, or the first page, which shows what waits for this person, where it leads anywhere else.
 * What browsers drop from an address (tabs, line ends) or take for a slash (a backslash) is in no page of ours.
 */
export function destination(search: string, origin: string): string {
  const next = new URLSearchParams(search).get("next") ?? "";
  if (!next.startsWith("/") || /[\p{C}\p{Z}\\]/u.test(next)) return HOME;
  const url = parse(next, origin);
  // "/a/..//host" is of this origin; its path by itself would not be.
  if (url === null || url.origin !== origin || url.pathname.startsWith("//")) return HOME;
  return url.pathname + url.search + url.hash;
}

function parse(next: string, origin: string): URL | null {
  try {
    return new URL(next, origin);
  } catch {
    return null;
  }
}
