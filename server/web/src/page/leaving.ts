/** The way to the sign-in and back: told as an ended session only to whom had one. */
import { hadSession } from "../api/client";

let leaving = false;
// Whoever comes back by the browser's Back finds the page as it was left.
globalThis.addEventListener?.("pageshow", () => {
  leaving = false;
});

/** Once, however many answers say that the session has ended: each further call would break off the one before. */
export function leaveForSignIn(): void {
  if (leaving) return;
  leaving = true;
  const next = encodeURIComponent(location.pathname + location.search);
  location.replace(`/signin?${hadSession() ? "expired=1&" : ""}next=${next}`);
}
