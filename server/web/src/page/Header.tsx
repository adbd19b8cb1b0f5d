/** The bar at the head of every page: whose it is, the way between pages, the language, who is signed in. */
import type { ComponentChildren } from "preact";
import { currentSession, signOut } from "../api/client";
import type { Session } from "../api/types";
import { chooseLanguage, currentLanguage, t } from "../i18n";
import markUrl from "../mark.svg";

interface Props {
  here: "start" | "map" | "support" | "review" | "grids" | "signin" | "docs";
  session?: Session | null;
  children?: ComponentChildren;
}

/** Who may call the APIs behind the pages of support and review. */
const RULING = new Set(["supervisor", "dispatcher", "admin"]);

export function mayRule(session: Session): boolean {
  return session.roles.some((role) => RULING.has(role));
}

/** Who redraws the ground. */
export function mayDraw(session: Session): boolean {
  return session.roles.includes("gis");
}

export function Header({ here, session, children }: Props) {
  return (
    <header class="bar">
      <a class="bar-name" href="/" aria-label={`${t("app.name")} ${t("nav.start")}`}>
        <img src={markUrl} alt="" width="26" height="26" />
        <span>{t("app.name")}</span>
      </a>
      <nav class="bar-nav" aria-label={t("app.name")}>
        <Link to="/map" current={here === "map"} words={t("nav.map")} />
        {session && mayRule(session) && (
          <>
            <Link to="/review" current={here === "review"} words={t("nav.review")} />
            <Link to="/support" current={here === "support"} words={t("nav.support")} />
          </>
        )}
        {session && mayDraw(session) && <Link to="/grids" current={here === "grids"} words={t("nav.grids")} />}
        <Link to="/docs" current={here === "docs"} words={t("nav.docs")} />
      </nav>
      <div class="bar-middle">{children}</div>
      <LanguageButton />
      {session ? <Person session={session} /> : here !== "signin" && <Link to="/signin" current={false} words={t("nav.signin")} />}
    </header>
  );
}

function Link({ to, current, words }: { to: string; current: boolean; words: string }) {
  return (
    <a class="bar-link" href={to} aria-current={current ? "page" : undefined}>
      {words}
    </a>
  );
}

function LanguageButton() {
  const other = currentLanguage() === "zh" ? "en" : "zh";
  return (
    <button type="button" class="bar-link" lang={other === "en" ? "en" : "zh-CN"} onClick={() => chooseLanguage(other)} title={t("language.switch")}>
      {t("language.other")}
    </button>
  );
}

function Person({ session }: { session: Session }) {
  const leave = async (): Promise<void> => {
    await currentSession().then(signOut, () => undefined);
    location.assign("/signin");
  };
  return (
    <div class="bar-person">
      <span class="bar-who">{session.person.name}</span>
      <button type="button" class="bar-link" onClick={() => void leave()}>
        {t("nav.signout")}
      </button>
    </div>
  );
}

