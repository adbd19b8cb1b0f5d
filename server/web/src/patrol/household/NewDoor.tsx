/** A door that is not in the list: the visit says where it is in words. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Outcome } from "../records";
import { usePhone } from "../shell/live";
import { go, goBack } from "../shell/route";
import { useBusy } from "../shell/updates";
import { Answers } from "./Answers";
import { outcomeWords } from "./words";

const DRAFT = "door";

export function NewDoor() {
  const { phone } = usePhone();
  const [address, setAddress] = useState("");
  const [asked, setAsked] = useState(false);
  useBusy(DRAFT, address !== "");
  useEffect(() => {
    void phone.drafts.get(DRAFT).then((found) => found && setAddress(found.value as string));
  }, [phone]);
  const change = (next: string): void => {
    setAddress(next);
    setAsked(false);
    void phone.draft(DRAFT, next === "" ? null : next);
  };
  const answer = async (outcome: Outcome, appointment: string | null): Promise<void> => {
    const place = address.trim();
    if (place === "") return setAsked(true);
    const started_at = new Date().toISOString();
    const data = { address_text: place, outcome, purpose: "routine", started_at, ...(appointment !== null && { extra: { appointment_at: appointment } }) };
    await phone.enter({ id: phone.newId(), collection: "visits", data, with: [], told: `${place} ${outcomeWords(outcome)}` });
    await phone.draft(DRAFT, null);
    go("today");
  };
  return (
    <div class="patrol-part">
      <button type="button" class="patrol-back" onClick={goBack}>{t("patrol.back")}</button>
      <h1>{t("patrol.door.new")}</h1>
      <label class="patrol-field" for="address">
        <span>{t("patrol.door.where")}</span>
        <input id="address" value={address} maxLength={200} autocomplete="off" placeholder={t("patrol.door.example")} onInput={({ currentTarget }) => change(currentTarget.value)} />
      </label>
      {asked && <p class="warning" role="alert">{t("patrol.door.missing")}</p>}
      <Answers onAnswer={answer} />
    </div>
  );
}
