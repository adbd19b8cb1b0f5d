/** The line that is always there: how much is not sent, and why, or when the phone last heard the server. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Summary } from "../../sync/index";
import { cityDate, clock, moment } from "../../time";
import type { Phone } from "../phone";
import { useLive } from "./live";
import type { Reach } from "./network";
import { hrefOf } from "./route";

export function SyncLine({ phone, summary, here }: { phone: Phone; summary: Summary; here: boolean }) {
  const reach = useReach(phone);
  const unsent = useLive(() => phone.unsent(), [phone]) ?? summary.waiting;
  const files = useLive(() => phone.photos.waiting(), [phone]) ?? [];
  const memos = files.filter(({ type }) => type.startsWith("audio/")).length;
  const photos = files.length - memos;
  const safe = unsent === 0 && files.length === 0 && reach !== "offline" && reach !== "unreachable" && reach !== "trouble";
  return (
    <a class={safe ? "patrol-sync is-safe" : "patrol-sync"} href={here ? hrefOf("today") : hrefOf("sync")} aria-current={here ? "page" : undefined}>
      <span>{unsent > 0 ? t("patrol.sync.unsent", { n: unsent }) : t(files.length > 0 ? "patrol.sync.words" : "patrol.sync.sent")}</span>
      {photos > 0 && <span>{t("patrol.sync.photos", { n: photos })}</span>}
      {memos > 0 && <span>{t("patrol.sync.memos", { n: memos })}</span>}
      <span>{lineOf(reach, unsent + files.length, summary)}</span>
    </a>
  );
}

function lineOf(reach: Reach, unsent: number, { position, standing }: Summary): string {
  if (standing.revoked) return t("patrol.sync.revoked");
  if (reach === "offline") return t("patrol.sync.offline");
  if (reach === "unreachable" || reach === "trouble") return t(`patrol.sync.${reach}`);
  if (unsent > 0) return t("patrol.sync.going");
  return position.pulled_at === null ? t("patrol.sync.filling") : t("patrol.sync.last", { at: momentOf(position.pulled_at) });
}

/** The minute where it was today, else day and minute. */
export function momentOf(at: number): string {
  const [then, now] = [new Date(at), new Date()];
  return cityDate(then) === cityDate(now) ? clock(then).slice(0, 5) : moment(then.toISOString(), now);
}

export function useReach({ network }: Phone): Reach {
  const [reach, setReach] = useState(network.reach);
  useEffect(() => {
    setReach(network.reach);
    return network.listen(() => setReach(network.reach));
  }, [network]);
  return reach;
}
