/** What an address shows behind which there is no page: that it is so, and where to go from here. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { currentSession } from "../api/client";
import type { Session } from "../api/types";
import { markDocument, t, useLanguage } from "../i18n";
import { Header, doorsFor } from "../page/Header";
import "../styles/base.css";
import "../styles/start.css";

function Missing() {
  useLanguage();
  const [session, setSession] = useState<Session | null>(null);
  useEffect(() => void currentSession().then(setSession, () => undefined), []);
  return (
    <div class="page">
      <Header here="missing" session={session} />
      <main class="start">
        <h1>{t("missing.title")}</h1>
        <p class="lead">{t("missing.text", { path: location.pathname })}</p>
        <ul class="ways">
          <li><a class="wide" href="/">{t("nav.start")}</a></li>
          {doorsFor(session).filter(({ to }) => to !== "/docs").map(({ to, words }) => (
            <li key={to}><a class="wide" href={to}>{t(words)}</a></li>
          ))}
        </ul>
      </main>
    </div>
  );
}

markDocument("missing.title");
render(<Missing />, document.getElementById("app") as HTMLElement);
