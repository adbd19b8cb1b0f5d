/** The lock: who it is, by name where several use the phone, and the PIN. What it says of a forgotten PIN is the truth. */
import { Dexie } from "dexie";
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import { Phone } from "../phone";
import { useNow } from "../shell/live";
import { PinField } from "./PinField";
import { type Ring, type Rings, WrongPin, photosOf } from "./rings";

interface Props {
  readonly rings: Rings;
  readonly known: readonly Ring[];
  readonly onOpen: (phone: Phone) => Promise<void>;
  readonly onEnrol: () => void;
  readonly onGone: () => Promise<unknown>;
}

export function Unlock({ rings, known, onOpen, onEnrol, onGone }: Props) {
  const [name, setName] = useState("");
  const [pin, setPin] = useState("");
  const [wrong, setWrong] = useState(false);
  const [until, setUntil] = useState(0);
  const [working, setWorking] = useState(false);
  const wait_s = Math.ceil((until - useNow(500)) / 1000);
  const ring = known.length === 1 ? known[0] : known.find((each) => each.name === name);

  const unlock = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (ring === undefined || pin === "") return;
    setWorking(true);
    try {
      await onOpen(await opened(rings, ring, pin));
    } catch (error) {
      if (!(error instanceof WrongPin)) throw error;
      setWrong(true);
      setUntil(Date.now() + error.wait_ms);
      setPin("");
      setWorking(false);
    }
  };

  return (
    <main class="patrol-face">
      <h1>{t(known.length > 1 ? "patrol.unlock.who" : "patrol.unlock", { name: ring ? nameOf(ring) : "" })}</h1>
      {known.length > 1 && (
        <ul class="patrol-people">
          {known.map((each) => (
            <li key={each.name}>
              <button type="button" class="patrol-person" aria-pressed={each.name === name} onClick={() => setName(each.name)}>{nameOf(each)}</button>
            </li>
          ))}
        </ul>
      )}
      {ring !== undefined && (
        <form onSubmit={(event) => void unlock(event)}>
          <PinField id="pin" label={t("patrol.pin")} value={pin} isNew={false} onChange={setPin} />
          {wrong && <p class="warning" role="alert">{t(wait_s > 0 ? "patrol.pin.wait" : "patrol.pin.wrong", { n: wait_s })}</p>}
          <button type="submit" class="wide" disabled={working || wait_s > 0}>{t("patrol.unlock.do")}</button>
        </form>
      )}
      {ring !== undefined && <Forgotten key={ring.name} rings={rings} ring={ring} onGone={onGone} />}
      <button type="button" class="patrol-plain" onClick={onEnrol}>{t("patrol.unlock.other")}</button>
    </main>
  );
}

/** Open a worker's part. Where enrolment broke off, its ring has no name yet: the database knows it. Throws `WrongPin`. */
async function opened(rings: Rings, ring: Ring, pin: string): Promise<Phone> {
  const phone = new Phone(ring, await rings.open(ring.name, pin, Date.now()));
  const { worker } = await phone.client.summary();
  if (worker !== null && ring.worker === "") await rings.belongsTo(ring.name, worker);
  return phone;
}

function nameOf({ worker }: Ring): string {
  return worker || t("patrol.unlock.unnamed");
}

function Forgotten({ rings, ring, onGone }: { rings: Rings; ring: Ring; onGone: () => Promise<unknown> }) {
  const [unsent, setUnsent] = useState<number | null>(null);
  const [sure, setSure] = useState(false);
  useEffect(() => void unsentIn(ring.name).then(setUnsent), [ring.name]);
  return (
    <details class="patrol-more">
      <summary>{t("patrol.pin.forgotten")}</summary>
      <p>{t("patrol.pin.forgotten.text")}</p>
      <p>{unsent === null ? t("live.loading") : t("patrol.pin.forgotten.unsent", { n: unsent })}</p>
      <label class="check"><input type="checkbox" checked={sure} onChange={({ currentTarget }) => setSure(currentTarget.checked)} />{t("patrol.pin.forgotten.sure")}</label>
      <button type="button" class="patrol-grave" disabled={!sure} onClick={() => void rings.drop(ring.name).then(onGone)}>
        {t("patrol.pin.forgotten.do", { name: nameOf(ring) })}
      </button>
    </details>
  );
}

/** Return how much was not sent: states and keys lie open, so that they can be counted without the PIN. */
async function unsentIn(name: string): Promise<number> {
  const records = await countIn(name, async (database) => {
    const waiting = await database.table("outbox").where("state").equals("waiting").count();
    return waiting + (await database.table("pending").count()) + (await database.table("drafts").count());
  });
  return records + (await countIn(photosOf(name), (database) => database.table("photos").where("state").equals("waiting").count()));
}

async function countIn(name: string, count: (database: Dexie) => Promise<number>): Promise<number> {
  const database = new Dexie(name);
  try {
    await database.open();
    return await count(database);
  } catch {
    return 0; // there is no database yet
  } finally {
    database.close();
  }
}
