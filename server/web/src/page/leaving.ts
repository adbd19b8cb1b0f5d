/** The way to the sign-in and back: told as an ended session only to whom had one. */
import { hadSession } from "../api/client";

export function leaveForSignIn(): void {
  const next = encodeURIComponent(location.pathname + location.search);
  location.replace(`/signin?${hadSession() ? "expired=1&" : ""}next=${next}`);
}
