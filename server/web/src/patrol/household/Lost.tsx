/** Doors that the worker asked for and a colleague had first: told once, until it was seen. */
import { t } from "../../i18n";
import { useLive, usePhone } from "../shell/live";
import { lastDay, placeWords } from "../today/words";
import { lost, seen } from "./claims";

const SHOWN = 5;

export function Lost() {
  const { phone, book } = usePhone();
  const doors = useLive(() => lost(phone), [phone]) ?? [];
  if (doors.length === 0) return null;
  const placeOf = (id: string): string => {
    const home = book.households.find((each) => each.id === id);
    return home === undefined ? "" : placeWords(home);
  };
  return (
    <section class="notice patrol-again" aria-labelledby="lost">
      <h2 id="lost">{t("patrol.claim.lost", { n: doors.length })}</h2>
      <ul class="patrol-list">
        {doors.slice(0, SHOWN).map(({ household, by, until }) => <li key={household}>{t("patrol.claim.lost.one", { place: placeOf(household), name: by, until: lastDay(until) })}</li>)}
      </ul>
      <button type="button" class="patrol-plain" onClick={() => void seen(phone)}>{t("patrol.doubtful.known")}</button>
    </section>
  );
}
