/** What is said of a door: where it is, whether and why it is due. */
import { t, tData } from "../../i18n";
import type { Household, Tier } from "../records";
import { momentOf } from "../shell/SyncLine";
import { weekday } from "../../time";
import { type Due, INTERVAL_DAYS, cityDay } from "./due";

export function placeWords({ building, unit, room }: Household): string {
  return [building, unit, room].filter(Boolean).join(" ");
}

/** Until when a door is taken: its last day. */
export function lastDay(until: number): string {
  return weekday(new Date(until - 1));
}

export function dueWords({ why, by, last, tries, claim }: Due, tier: Tier, now: number): string {
  const days = by === null ? 0 : Math.abs(cityDay(by) - cityDay(now));
  switch (why) {
    case "task": return by === null ? t("patrol.due.task") : t("patrol.due.task.by", { at: momentOf(by) });
    case "appointment": return t("patrol.due.appointment", { at: momentOf(by ?? now) });
    case "never": return t("patrol.due.never");
    case "interval": return t("patrol.due.interval", { n: INTERVAL_DAYS[tier], over: days });
    case "again": return t("patrol.due.again", { n: tries });
    case "taken": return t("patrol.claim.other", { name: claim?.by ?? "", until: lastDay(by ?? now) });
    case "tried": return t("patrol.due.tried");
    case "rest": return t("patrol.due.rest", { n: days });
    case "left": return tData("choice.outcome", last?.outcome ?? "");
    case "seen": return seenWords(last, by, days);
  }
}

function seenWords(last: Due["last"], by: number | null, days: number): string {
  const when = last?.at ? momentOf(last.at) : "";
  const said = tData("choice.outcome", last?.outcome ?? "met");
  return by === null || last?.outcome !== "met" ? t("patrol.due.told", { outcome: said, at: when }) : t("patrol.due.seen", { outcome: said, at: when, n: days });
}
