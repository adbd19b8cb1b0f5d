/** The first page: to whom is signed in what waits for them, and their ways on; to others what this is, and the sign-in. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refused, currentSession } from "../api/client";
import type { Session } from "../api/types";
import { type Key, markDocument, t, useLanguage } from "../i18n";
import { Header, doorsFor } from "../page/Header";
import { Icon } from "../page/Icon";
import { wordsOf } from "../page/reading";
import { type Work, workOf } from "./work";
import "../styles/base.css";
import "../styles/start.css";

function Start() {
  useLanguage();
  /** Undefined until it is known who is here; null where nobody is. */
  const [session, setSession] = useState<Session | null>();
  const [trouble, setTrouble] = useState<unknown>(null);
  useEffect(() => {
    currentSession().then(setSession, (error: unknown) => {
      setSession(null);
      if (!(error instanceof Refused && error.status === 401)) setTrouble(error);
    });
  }, []);
  return (
    <div class="page">
      <Header here="start" session={session ?? null} />
      <main class="start">
        {session === undefined && <p class="faint" role="status">{t("live.loading")}</p>}
        {session === null && <Stranger trouble={trouble === null ? null : wordsOf(trouble)} />}
        {session && <Person session={session} />}
      </main>
    </div>
  );
}

function Stranger({ trouble }: { trouble: string | null }) {
  return (
    <>
      <h1>{t("start.title")}</h1>
      <p class="lead">{t("start.lead")}</p>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      <p class="start-in"><a class="wide" href="/signin?next=%2F">{t("nav.signin")}</a></p>
      <ul class="doors">
        {(["worker", "supervisor", "gis"] as const).map((who) => (
          <li key={who} class="door">
            <p class="door-who"><Icon name={({ worker: "phone", supervisor: "map", gis: "layers" } as const)[who]} /> {t(`start.${who}.who`)}</p>
            <p>{t(`start.${who}.text`)}</p>
          </li>
        ))}
      </ul>
      <p class="faint">{t("start.docs")} <a href="/docs">{t("docs.title")}</a></p>
    </>
  );
}

function Person({ session }: { session: Session }) {
  const { everywhere, areas, organisations } = session.charge;
  const [work] = useState(() => workOf(session));
  const charge = everywhere ? t("start.everywhere") : [...areas, ...organisations].slice(0, 6).map(({ name }) => name).join(t("list.comma"));
  const more = areas.length + organisations.length > 6 && !everywhere ? t("start.charge.more", { n: areas.length + organisations.length }) : "";
  const doors = doorsFor(session);
  return (
    <>
      <h1>{t("start.hello", { name: session.person.name })}</h1>
      <p class="lead">{charge ? t("start.charge", { areas: charge + more }) : t("list.nocharge")}</p>
      {work.length > 0 && (
        <section aria-labelledby="work">
          <h2 id="work">{t("start.work")}</h2>
          <ul class="work">
            {work.map((each) => (
              <Tile key={each.words} work={each} />
            ))}
          </ul>
        </section>
      )}
      <section aria-labelledby="ways">
        <h2 id="ways">{t("start.ways")}</h2>
        <ul class="ways">
          {doors.map(({ to, words }) => (
            <li key={to}>
              <a class="way" href={to}><strong>{t(words)}</strong> <span>{t(`start.to.${to.slice(1)}` as Key)}</span></a>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}

function Tile({ work }: { work: Work }) {
  const [count, setCount] = useState<number | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => void work.count().then(setCount, () => setFailed(true)), []);
  const told = failed ? t("work.unknown") : count === null ? "…" : String(count);
  return (
    <li>
      <a class={work.grave && count !== null && count > 0 ? "tile is-grave" : "tile"} href={work.to} aria-busy={count === null && !failed}>
        <span>{t(work.words)}</span> <b>{told}</b>
      </a>
    </li>
  );
}

markDocument();
render(<Start />, document.getElementById("app") as HTMLElement);
