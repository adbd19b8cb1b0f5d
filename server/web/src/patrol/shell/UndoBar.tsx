/** Ten seconds to take back what was just entered. It is on the phone already: the bar only decides whether it stays. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Phone } from "../phone";
import { useLive, useNow } from "./live";
import { useBusy } from "./updates";

export function UndoBar({ phone }: { phone: Phone }) {
  const pending = useLive(() => phone.pending.toArray(), [phone]) ?? [];
  const now = useNow(500);
  const [undone, setUndone] = useState<string | null>(null);
  const last = pending.reduce<(typeof pending)[number] | null>((newest, each) => (newest === null || each.until > newest.until ? each : newest), null);
  const first = Math.min(...pending.map(({ until }) => until));
  useBusy("undo", pending.length > 0);
  useEffect(() => {
    if (pending.length === 0) return undefined;
    const timer = setTimeout(() => void phone.promote(Date.now()), Math.max(0, first - Date.now()) + 20);
    return () => clearTimeout(timer);
  }, [phone, pending.length, first]);
  useEffect(() => {
    if (undone === null) return undefined;
    const timer = setTimeout(() => setUndone(null), 5_000);
    return () => clearTimeout(timer);
  }, [undone]);

  // What was taken back is told first: the button of the entry before it comes only when that has been read.
  if (undone !== null || last === null || last.until <= now) return <p class="patrol-undone" role="status">{undone}</p>;
  const undo = async (): Promise<void> => setUndone(t((await phone.undo(last.id)) ? "patrol.undo.done" : "patrol.undo.late"));
  return (
    <div class="patrol-undo" role="status">
      <span>{t("patrol.undo.entered", { what: last.told })}</span>
      <button type="button" onClick={() => void undo()}>{t("patrol.undo", { n: Math.max(1, Math.ceil((last.until - now) / 1000)) })}</button>
    </div>
  );
}
