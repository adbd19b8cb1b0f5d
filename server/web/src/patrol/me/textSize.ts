/** How large letters are: 18 to 30 px by one setting, remembered by this browser; everything is measured in rem. */

export const SIZES_PX = [18, 21, 24, 27, 30] as const;
const STORED_AS = "patrol.text-size";
/** The text of the app in rem, as `patrol.css` has it. */
const TEXT_REM = 1.125;

export function textSize(): number {
  const stored = Number(read());
  return SIZES_PX.find((size) => size === stored) ?? SIZES_PX[0];
}

export function chooseTextSize(size: number): void {
  try {
    localStorage.setItem(STORED_AS, String(size));
  } catch {
    // Not remembered, but in force until the app is closed.
  }
  applyTextSize(size);
}

export function applyTextSize(size = textSize()): void {
  document.documentElement.style.fontSize = `${size / TEXT_REM}px`;
}

function read(): string | null {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}
