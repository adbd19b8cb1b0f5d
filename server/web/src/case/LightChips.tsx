/** How many cases wait, by light: each a filter. Never by colour alone. */
import type { Light } from "../api/types";
import { t } from "../i18n";
import { Sign } from "../page/Sign";

const LIGHTS: readonly ("" | Light)[] = ["", "red", "yellow", "green", "none"];

interface Props {
  counts: Readonly<Record<string, number>> | null;
  chosen: string;
  onChoose: (light: string) => void;
}

export function LightChips({ counts, chosen, onChoose }: Props) {
  const all = counts && Object.values(counts).reduce((sum, one) => sum + one, 0);
  return (
    <div class="chips" role="group" aria-label={t("legend.lights")}>
      {LIGHTS.map((each) => (
        <button key={each} type="button" class="chip" aria-pressed={chosen === each} onClick={() => onChoose(each)}>
          {each !== "" && <Sign light={each} silent />} {each === "" ? t("filter.all") : t(`light.${each}`)} <b>{counts && (each === "" ? all : (counts[each] ?? 0))}</b>
        </button>
      ))}
    </div>
  );
}
