/** Which of its faces the app shows: enrolment, the lock, or the worker's day. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { t, useLanguage } from "../i18n";
import { ALL, Phone } from "./phone";
import { Shell } from "./shell/Shell";
import { toldWhereFull } from "./shell/room";
import { codeIn } from "./shell/route";
import { takeOver } from "./shell/updates";
import { Enrol } from "./vault/Enrol";
import { Unlock } from "./vault/Unlock";
import { useIdleLock } from "./vault/idle";
import { type Ring, Rings } from "./vault/rings";

export function App() {
  useLanguage();
  if (!isSecureContext || !("subtle" in crypto)) return <NotSecure />;
  return <Faces />;
}

function Faces() {
  const [rings] = useState(() => new Rings());
  const [known, setKnown] = useState<readonly Ring[] | null>(null);
  const [code, setCode] = useState(() => codeIn(location.hash));
  const [enrolling, setEnrolling] = useState(() => codeIn(location.hash) !== "");
  const [phone, setPhone] = useState<Phone | null>(null);

  const look = useCallback(() => rings.all().then(setKnown), [rings]);
  useEffect(() => void look(), [look]);
  useEffect(() => {
    const scanned = (): void => {
      const found = codeIn(location.hash);
      if (found) setCode(found);
      if (found) setEnrolling(true);
    };
    addEventListener("hashchange", scanned);
    return () => removeEventListener("hashchange", scanned);
  }, []);

  /** Whose the screen is that stands in the address: another begins with their own day. */
  const last = useRef<string | null>(null);
  const open = useCallback(async (opened: Phone, isNew = false) => {
    const another = last.current !== null && last.current !== opened.client.store.name;
    if (isNew || another || codeIn(location.hash)) history.replaceState(null, "", "#/today");
    last.current = opened.client.store.name;
    await opened.promote(ALL).catch(toldWhereFull);
    opened.start();
    setCode("");
    setEnrolling(false);
    setPhone(opened);
  }, []);
  const giveUp = (): void => {
    setCode("");
    setEnrolling(false);
  };
  const lock = useCallback(() => {
    phone?.close();
    setPhone(null);
    takeOver();
    void look();
  }, [phone, look]);

  const leave = useCallback(async () => {
    if (phone === null) return;
    const { name } = phone.client.store;
    phone.close();
    await rings.drop(name);
    setPhone(null);
    await look();
  }, [phone, rings, look]);

  if (phone !== null && !enrolling) return <Open phone={phone} onLock={lock} onLeave={leave} />;
  if (known === null) return <p class="patrol-wait" role="status">{t("live.loading")}</p>;
  const people = known.filter(({ worker }) => worker !== "");
  if (enrolling || known.length === 0) {
    const back = known.length > 0 ? giveUp : null;
    return <Enrol rings={rings} code={code} others={people} onOpen={open} onBack={back} />;
  }
  return <Unlock rings={rings} known={known} onOpen={open} onEnrol={() => setEnrolling(true)} onGone={look} />;
}

function Open({ phone, onLock, onLeave }: { phone: Phone; onLock: () => void; onLeave: () => Promise<void> }) {
  const onHide = useCallback(() => void phone.promote(ALL), [phone]);
  useIdleLock(onHide, onLock);
  return <Shell phone={phone} onLock={onLock} onLeave={onLeave} />;
}

/** Where the address is not safe, browsers give no keys, no place and no offline use: nothing is begun that would be lost. */
function NotSecure() {
  return (
    <main class="patrol-face">
      <h1>{t("patrol.insecure")}</h1>
      <p>{t("patrol.insecure.why")}</p>
      <p>{t("patrol.insecure.do", { address: `https://${location.host}/patrol` })}</p>
    </main>
  );
}
