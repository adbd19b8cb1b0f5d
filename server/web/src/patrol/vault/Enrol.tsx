/** Enrolment: a code and a PIN make this phone a worker's. A second worker gets a part of their own. */
import { useState } from "preact/hooks";
import { listed, t } from "../../i18n";
import { Busy, Refused } from "../../sync/index";
import { Phone } from "../phone";
import { APP_VERSION, phoneName, platformName } from "./described";
import { PinField } from "./PinField";
import { PIN_SHAPE, type Ring, type Rings } from "./rings";

interface Props {
  readonly rings: Rings;
  readonly code: string;
  readonly others: readonly Ring[];
  readonly onOpen: (phone: Phone, isNew: boolean) => Promise<void>;
  readonly onBack: (() => void) | null;
}

export function Enrol({ rings, code: scanned, others, onOpen, onBack }: Props) {
  const [code, setCode] = useState(scanned);
  /** A scanned code is not changed by hand, until it turns out that it does not open anything. */
  const [byHand, setByHand] = useState(scanned === "");
  const [pin, setPin] = useState("");
  const [again, setAgain] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [working, setWorking] = useState(false);

  const begin = async (event: Event): Promise<void> => {
    event.preventDefault();
    const said = wrongWith(code, pin, again);
    setWrong(said);
    if (said !== null) return;
    setWorking(true);
    try {
      await onOpen(await enrolled(rings, code.trim(), pin), true);
    } catch (error) {
      setWrong(wordsOf(error));
      setByHand(byHand || error instanceof Refused);
      setWorking(false);
    }
  };

  return (
    <main class="patrol-face">
      <h1>{t("patrol.enrol")}</h1>
      {others.length > 0 && <p class="notice">{t("patrol.enrol.others", { names: listed(others.map(({ worker }) => worker)) })}</p>}
      <form onSubmit={(event) => void begin(event)} noValidate>
        {!byHand ? (
          <p>{t("patrol.enrol.scanned")} <span class="patrol-code">{code}</span></p>
        ) : (
          <label class="patrol-field" for="code">
            <span>{t("patrol.enrol.code")}</span>
            <input id="code" class="patrol-code" value={code} autocomplete="off" autocapitalize="characters" spellcheck={false} onInput={({ currentTarget }) => setCode(currentTarget.value)} />
            <span class="faint">{t("patrol.enrol.typed")}</span>
          </label>
        )}
        <PinField id="pin" label={t("patrol.pin.choose")} value={pin} isNew onChange={setPin} />
        <PinField id="again" label={t("patrol.pin.again")} value={again} isNew onChange={setAgain} />
        <p class="faint">{t("patrol.pin.why")}</p>
        {wrong !== null && <p class="warning" role="alert">{wrong}</p>}
        <button type="submit" class="wide" disabled={working}>{t(working ? "patrol.enrol.working" : "patrol.enrol.do")}</button>
      </form>
      {onBack !== null && <button type="button" class="patrol-plain" onClick={onBack}>{t("patrol.enrol.back")}</button>}
    </main>
  );
}

/** Make a ring and a database, and enrol into it; a code that is refused leaves neither behind. */
async function enrolled(rings: Rings, code: string, pin: string): Promise<Phone> {
  const { ring, key } = await rings.make(pin);
  const phone = new Phone(ring, key);
  try {
    const { worker } = await phone.client.enrol(code, { name: phoneName(), platform: platformName(), app_version: APP_VERSION });
    await rings.belongsTo(ring.name, worker);
    return phone;
  } catch (error) {
    phone.close();
    await rings.drop(ring.name);
    throw error;
  }
}

function wrongWith(code: string, pin: string, again: string): string | null {
  if (code.trim() === "") return t("patrol.enrol.nocode");
  if (!PIN_SHAPE.test(pin)) return t("patrol.pin.shape");
  return pin === again ? null : t("patrol.pin.differ");
}

function wordsOf(error: unknown): string {
  if (error instanceof Busy) return t("patrol.enrol.busy");
  return error instanceof Refused ? error.message : t("patrol.enrol.unreachable");
}
