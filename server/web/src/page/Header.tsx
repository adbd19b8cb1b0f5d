/** The bar at the head of every page: whose it is, the way between pages, the language, who is signed in. */
import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { currentSession, signOut } from "../api/client";
import type { Session } from "../api/types";
import { chooseLanguage, currentLanguage, t } from "../i18n";
import markUrl from "../mark.svg";
import { Icon } from "./Icon";
import { useBackCloses } from "./place";
import { doorsFor } from "./roles";

export { doorsFor, mayDispatch, mayDraw, mayHandle, mayRule } from "./roles";

interface Props {
  here: "start" | "map" | "calendar" | "catalogue" | "rules" | "case" | "desk" | "duty" | "support" | "review" | "grids" | "signin" | "docs" | "missing" | "people" | "account";
  session?: Session | null;
  children?: ComponentChildren;
}

export function Header({ here, session, children }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <header class="bar" data-menu={open ? "open" : "shut"} onKeyDown={(event) => open && event.key === "Escape" && close()}>
      <a class="bar-name" href="/" aria-label={`${t("app.name")} ${t("nav.start")}`}>
        <img src={markUrl} alt="" width="26" height="26" />
        <span>{t("app.name")}</span>
      </a>
      <button ref={button} type="button" class="bar-menu" aria-expanded={open} aria-controls="bar-rest" onClick={() => setOpen(!open)}>
        <Icon name={open ? "close" : "menu"} /> {t("nav.menu")}
      </button>
      {open && <Opened onBack={() => setOpen(false)} />}
      <div class="bar-rest" id="bar-rest">
        <nav class="bar-nav" aria-label={t("nav.pages")}>
          {doorsFor(session ?? null, here).map(({ to, words }) => (
            <Link key={to} to={to} current={to === `/${here}`} words={t(words)} />
          ))}
        </nav>
        <div class="bar-middle">{children}</div>
        <div class="bar-tail">
          <LanguageButton />
          {session ? <Person session={session} /> : here !== "signin" && <Link to="/signin" current={false} words={t("nav.signin")} />}
        </div>
      </div>
    </header>
  );
}

/** Back folds the menu. */
function Opened({ onBack }: { onBack: () => void }) {
  useBackCloses("menu", onBack);
  return null;
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
      <a class="bar-link bar-who" href="/account" aria-label={`${t("nav.account")} ${session.person.name}`} aria-current={location.pathname === "/account" ? "page" : undefined}>{session.person.name}</a>
      <button type="button" class="bar-link" onClick={() => void leave()}>
        {t("nav.signout")}
      </button>
    </div>
  );
}

