/** Which pages are for whom. Pure; the server holds the rights themselves. */
import type { Session } from "../api/types";
import type { Key } from "../i18n";

/** Who may call the APIs behind the pages of support and review. */
const RULING = new Set(["supervisor", "dispatcher", "admin"]);

export function mayRule(session: Session): boolean {
  return session.roles.some((role) => RULING.has(role));
}

/** Who receives, verifies, files and dispatches cases. */
const DISPATCHING = new Set(["supervisor", "dispatcher"]);

export function mayDispatch(session: Session): boolean {
  return session.roles.some((role) => DISPATCHING.has(role));
}

/** Who makes and retires the rules by which cases find their bodies. */
export function mayRoute(session: Session): boolean {
  return session.roles.some((role) => role === "dispatcher" || role === "admin");
}

/** Who handles cases for a body. */
export function mayHandle(session: Session): boolean {
  return session.roles.includes("handler");
}

/** Who looks after accounts: administrators, and supervisors those of their field workers. */
export function mayTend(session: Session): boolean {
  return session.roles.some((role) => role === "admin" || role === "supervisor");
}

/** Who adds accounts and gives roles. */
export function mayGive(session: Session): boolean {
  return session.roles.includes("admin");
}

/** Who redraws the ground. */
export function mayDraw(session: Session): boolean {
  return session.roles.includes("gis");
}

/** The pages that are for somebody; the page at hand among them until it is known whose it is, so that the bar stays still. */
export function doorsFor(session: Session | null, here = ""): { to: string; words: Key }[] {
  const doors: { to: string; words: Key; open: boolean }[] = [
    { to: "/desk", words: "nav.desk", open: session !== null && mayHandle(session) },
    { to: "/duty", words: "nav.duty", open: session !== null && mayDispatch(session) },
    { to: "/map", words: "nav.map", open: session !== null },
    { to: "/case", words: "nav.case", open: session !== null },
    { to: "/review", words: "nav.review", open: session !== null && mayRule(session) },
    { to: "/support", words: "nav.support", open: session !== null && mayRule(session) },
    { to: "/rules", words: "nav.rules", open: session !== null && mayRoute(session) },
    { to: "/catalogue", words: "nav.catalogue", open: session !== null && mayRule(session) },
    { to: "/calendar", words: "nav.calendar", open: session !== null && mayRule(session) },
    { to: "/grids", words: "nav.grids", open: session !== null && mayDraw(session) },
    { to: "/people", words: "nav.people", open: session !== null && mayTend(session) },
    { to: "/docs", words: "nav.docs", open: true },
  ];
  return doors.filter(({ to, open }) => open || (session === null && to === `/${here}`));
}
