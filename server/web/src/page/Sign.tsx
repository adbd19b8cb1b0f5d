/** The sign of a light, drawn as on the map: shape and colour, with its words for those who see neither. */
import { t } from "../i18n";
import type { Sign as Kind } from "../ground/icons";

const SHAPES: Record<Kind, string> = {
  green: "M12 4.500a7.500 7.500 0 1 1 0 15 7.500 7.500 0 0 1 0-15Z",
  yellow: "M12 2.500 21.500 12 12 21.500 2.500 12Z",
  red: "M12 3 22 20.500H2Z",
  none: "M12 5a7 7 0 1 1 0 14 7 7 0 0 1 0-14Z",
  closed: "M12 7.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9Z",
};

export function Sign({ light, silent = false }: { light: Kind; silent?: boolean }) {
  const words = silent ? { "aria-hidden": true as const } : { role: "img" as const, "aria-label": t(`light.${light}`) };
  return (
    <svg class={`sign is-${light}`} viewBox="0 0 24 24" {...words}>
      <path d={SHAPES[light]} />
    </svg>
  );
}
