/** What a worker may say anew of a household: how it wants to be reached, and that another tier would fit. */
import { t } from "../../i18n";
import type { Household } from "../records";
import { usePhone } from "../shell/live";

const CONTACTS = ["door", "phone", "message", "weekend", "evening", "none"] as const;
const TIERS = ["general", "key", "high"] as const;

export function Corrections({ home }: { home: Household }) {
  const { phone } = usePhone();
  const say = (field: string, value: string): void => void phone.client.patch("households", home.id, { [field]: value === "" ? null : value });
  return (
    <details class="patrol-more">
      <summary>{t("patrol.correct")}</summary>
      <label class="patrol-field" for="contact">
        <span>{t("patrol.contact")}</span>
        <select id="contact" value={home.contact ?? ""} onChange={({ currentTarget }) => say("contact_preference", currentTarget.value)}>
          <option value="">{t("patrol.contact.unsaid")}</option>
          {CONTACTS.map((each) => <option key={each} value={each}>{t(`patrol.contact.${each}`)}</option>)}
        </select>
      </label>
      <label class="patrol-field" for="tier">
        <span>{t("patrol.tier.suggest")}</span>
        <select id="tier" value={home.suggestion ?? ""} onChange={({ currentTarget }) => say("risk_tier_suggestion", currentTarget.value)}>
          <option value="">{t("patrol.tier.fits")}</option>
          {TIERS.map((tier) => <option key={tier} value={tier}>{t(`patrol.tier.${tier}`)}</option>)}
        </select>
      </label>
      <p class="faint">{t("patrol.tier.decided")}</p>
    </details>
  );
}
