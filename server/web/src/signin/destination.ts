/** Where signing in leads: only ever to a page of this site. Pure. */
export function destination(search: string): string {
  const next = new URLSearchParams(search).get("next") ?? "";
  // "//host" and "/\host" are addresses of other hosts to a browser.
  return /^\/(?![/\\])/.test(next) ? next : "/map";
}
