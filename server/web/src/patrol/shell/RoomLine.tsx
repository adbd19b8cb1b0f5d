/** Where the phone has little room or none: said before work is lost, with what to do. */
import { t } from "../../i18n";
import type { Phone } from "../phone";
import { useRoom } from "./room";
import { hrefOf } from "./route";

export function RoomLine({ phone }: { phone: Phone }) {
  const { short, full, seen } = useRoom(phone);
  if (!short && !full) return null;
  return (
    <div class={full ? "warning patrol-room" : "notice patrol-room"} role={full ? "alert" : "status"}>
      <p>{t(full ? "patrol.room.full" : "patrol.room.short")}</p>
      <a href={hrefOf("sync")}>{t("patrol.room.do")}</a>
      {full && <button type="button" class="patrol-plain" onClick={seen}>{t("patrol.room.seen")}</button>}
    </div>
  );
}
