/** Whether the person asked their machine for dark colours: what is drawn by a program must follow it, as styles do. */
import { useEffect, useState } from "preact/hooks";
import type { Scheme } from "../ground/palette";

const DARK = matchMedia("(prefers-color-scheme: dark)");

const present = (): Scheme => (DARK.matches ? "dark" : "light");

export function useScheme(): Scheme {
  const [scheme, setScheme] = useState(present);
  useEffect(() => {
    const changed = (): void => setScheme(present());
    DARK.addEventListener("change", changed);
    return () => DARK.removeEventListener("change", changed);
  }, []);
  return scheme;
}
