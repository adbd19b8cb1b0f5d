/** What the server said of this phone, where it is not well: in plain words, with what to do. */
import { useState } from "preact/hooks";
import { t } from "../../i18n";
import { AnotherWorker, Refused, type Summary } from "../../sync/index";
import type { Phone } from "../phone";
import { APP_VERSION, phoneName, platformName } from "../vault/described";

export function Standing({ phone, summary: { enrolled, standing } }: { phone: Phone; summary: Summary }) {
  if (standing.wipe) return <p class="warning" role="alert">{t("patrol.standing.wiped")}</p>;
  if (standing.revoked) return <p class="warning" role="alert">{t("patrol.standing.revoked")}</p>;
  if (standing.outdated) return <p class="notice">{t("patrol.standing.outdated")}</p>;
  if (!enrolled || standing.unknown) return <EnrolAgain phone={phone} words={t(enrolled ? "patrol.standing.unknown" : "patrol.standing.unenrolled")} />;
  return null;
}

/** Enrol over what is there: everything that was entered stays, and is handed in by the new device. */
function EnrolAgain({ phone, words }: { phone: Phone; words: string }) {
  const [code, setCode] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const enrol = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await phone.client.enrol(code.trim(), { name: phoneName(), platform: platformName(), app_version: APP_VERSION });
      phone.client.wake();
    } catch (error) {
      if (error instanceof AnotherWorker) setWrong(t("patrol.enrol.another", { name: error.worker }));
      else setWrong(error instanceof Refused ? error.message : t("patrol.enrol.unreachable"));
    }
  };
  return (
    <form class="notice patrol-again" onSubmit={(event) => void enrol(event)}>
      <p>{words}</p>
      <label class="patrol-field" for="again-code">
        <span>{t("patrol.enrol.code")}</span>
        <input id="again-code" class="patrol-code" value={code} autocomplete="off" onInput={({ currentTarget }) => setCode(currentTarget.value)} />
      </label>
      {wrong !== null && <p class="warning" role="alert">{wrong}</p>}
      <button type="submit" class="wide" disabled={code.trim() === ""}>{t("patrol.enrol.do")}</button>
    </form>
  );
}
