/** What the app says of the phone when it is enrolled: as much as staff need to tell one phone from another. */

export const APP_VERSION = "1.0.0";

/** The model where the browser tells it, else the kind of device. */
export function phoneName(): string {
  const model = /\(Linux; Android [^;]+; ([^)]+?)(?: Build[^)]*)?\)/.exec(navigator.userAgent)?.[1];
  return model && model !== "K" ? model : platformName();
}

export function platformName(): string {
  const agent = navigator.userAgent;
  if (/Android/.test(agent)) return "Android";
  if (/iPhone|iPad/.test(agent)) return "iOS";
  return "web";
}
