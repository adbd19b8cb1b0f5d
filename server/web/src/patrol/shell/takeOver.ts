/** What the app says to a new version of its service worker when nothing is being entered. */
export const TAKE_OVER = "take-over";
