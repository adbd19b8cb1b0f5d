/** Doors that the worker takes for some days, so that no colleague knocks too: one door, or what is due of a building. */
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Household } from "../records";
import { useLive, useNow, usePhone } from "../shell/live";
import { weekday } from "../../time";
import { lastDay } from "../today/words";
import { askFor, waiting } from "./claims";

const DAY_MS = 86_400_000;
const DAYS = [1, 3, 7] as const;

/** `building`: the name, where it is asked for the doors of one; else it is asked for a single door. */
export function Claiming({ doors, building }: { doors: readonly Household[]; building?: string }) {
  const { phone } = usePhone();
  const now = useNow();
  const questions = useLive(() => waiting(phone), [phone]) ?? [];
  const [open, setOpen] = useState(false);
  const asked = new Map(questions.flatMap(({ households, until }) => households.map((id) => [id, until] as const)));
  const standing = doors.filter(({ claim }) => claim !== null && claim.until > now);
  const mine = standing.filter(({ id, claim }) => claim?.mine && !asked.has(id));
  const waits = doors.filter(({ id }) => typeof asked.get(id) === "number");
  const free = doors.filter(({ id, claim }) => !asked.has(id) && !(claim !== null && claim.until > now));
  const other = building === undefined ? standing.find(({ claim }) => !claim?.mine)?.claim : undefined;
  const ask = async (these: readonly Household[], days: number | null): Promise<void> => {
    setOpen(false);
    await askFor(phone, these.map(({ id }) => id), days);
  };
  const whole = building !== undefined;
  return (
    <div class="patrol-claiming">
      {other && <p class="notice">{t("patrol.claim.other.text", { name: other.by, until: lastDay(other.until) })}</p>}
      {waits.length > 0 && <p class="notice" role="status">{t("patrol.claim.waits", { n: waits.length })}</p>}
      {mine[0]?.claim && !whole && <p class="patrol-safe">{t("patrol.claim.mine", { until: lastDay(mine[0].claim.until) })}</p>}
      {mine.length + waits.length > 0 && (
        <button type="button" class="patrol-plain" onClick={() => void ask([...mine, ...waits], null)}>
          {whole ? t("patrol.claim.back.building", { n: mine.length + waits.length }) : t("patrol.claim.back")}
        </button>
      )}
      {free.length > 0 && (
        <details class="patrol-more" open={open} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
          <summary>{whole ? t("patrol.claim.building", { n: free.length }) : t("patrol.claim.one")}</summary>
          <p>{t("patrol.claim.why")}</p>
          <div class="patrol-categories" role="group" aria-label={t("patrol.claim.until")}>
            {DAYS.map((days) => (
              <button key={days} type="button" onClick={() => void ask(free, days)}>
                {days === 1 ? t("patrol.claim.today") : t("patrol.claim.to", { until: weekday(new Date(now + (days - 1) * DAY_MS)) })}
              </button>
            ))}
          </div>
        </details>
      )}
    </div>
  );
}
