/** The first page: three doors, one for each of the people who use the system. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { currentSession } from "../api/client";
import type { Session } from "../api/types";
import { type Key, markDocument, t, useLanguage } from "../i18n";
import { CopyLine } from "../page/CopyLine";
import { Header } from "../page/Header";
import { Icon } from "../page/Icon";
import "../styles/base.css";
import "../styles/start.css";

function Start() {
  useLanguage();
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => void currentSession().then(setSession, () => undefined), []);
  return (
    <div class="page">
      <Header here="start" session={session} />
      <main class="start">
        <Code />
        <h1>{t("start.title")}</h1>
        <p class="lead">{t("start.lead")}</p>
        <div class="doors">
          <Door who="worker" icon="phone">
            <CopyLine words={t("start.worker.step")} line="./patrol enrol --worker LOGIN" />
          </Door>
          <Door who="supervisor" icon="map">
            <a class="wide" href={session ? "/map" : "/signin?next=%2Fmap"}>{t("start.supervisor.link")}</a>
          </Door>
          <Door who="gis" icon="layers">
            <CopyLine words={t("start.gis.step")} line="./patrol import-boundaries FILE --kind grid --dry-run" />
          </Door>
        </div>
        <p class="faint">
          {t("start.docs")} <a href="/docs">{t("docs.title")}</a>
        </p>
      </main>
    </div>
  );
}

/** What a phone's own camera finds behind the QR code: the code, and where to take it. */
function Code() {
  const code = location.pathname === "/enrol" ? decodeURIComponent(location.hash.slice(1)) : "";
  if (!code) return null;
  return (
    <section class="code" aria-labelledby="code">
      <h2 id="code">{t("start.code")}</h2>
      <p><code>{code}</code></p>
      <p>{t("start.code.text", { address: location.origin })}</p>
    </section>
  );
}

interface DoorProps {
  who: "worker" | "supervisor" | "gis";
  icon: "phone" | "map" | "layers";
  children: preact.ComponentChildren;
}

function Door({ who, icon, children }: DoorProps) {
  const say = (part: string): string => t(`start.${who}.${part}` as Key);
  return (
    <section class="door" aria-labelledby={`door-${who}`}>
      <p class="door-who"><Icon name={icon} /> {say("who")}</p>
      <h2 id={`door-${who}`}>{say("title")}</h2>
      <p>{say("text")}</p>
      <div class="door-foot">{children}</div>
    </section>
  );
}

markDocument();
render(<Start />, document.getElementById("app") as HTMLElement);
