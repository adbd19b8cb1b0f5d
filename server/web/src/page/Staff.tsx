/** What the staff's working pages share: who is signed in, the ground and the catalogue, and words for what is wrong. */
import { type ComponentChildren, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { currentSession, read } from "../api/client";
import type { Category, Ground, Session } from "../api/types";
import { type Key, markDocument, t, useLanguage } from "../i18n";
import { readCharge } from "./areas";
import { followGround } from "./following";
import { Header, mayRule } from "./Header";
import { refuseOrLeave } from "./reading";
import "../styles/base.css";
import "../styles/staff.css";

export interface Here {
  session: Session;
  ground: Ground;
  categories: ReadonlyMap<string, Category>;
}

/** `whole`: with every area down to the grids, as only the page that draws on them needs. */
async function load(whole: boolean): Promise<Here> {
  const session = await currentSession();
  const [ground, catalogue] = await Promise.all([
    whole ? read<Ground>("/v1/areas") : readCharge(),
    read<{ categories: { code: string; parent: string | null; zh: string; en: string }[] }>("/v1/categories"),
  ]);
  const named = catalogue.categories.map(({ code, parent, zh, en }) => ({ code, parent, name_zh: zh, name_en: en }));
  return { session, ground, categories: new Map(named.map((each) => [each.code, each])) };
}

/** Pages that are as high as the window, and scroll within. */
const MAIN: Partial<Record<string, string>> = { grids: "staff is-ground", desk: "staff is-work", duty: "staff is-work" };

/** Draw a page of the staff's, for those who may use it; `norole` tells the others whom it is for. */
export function startStaffPage(
  here: "support" | "review" | "grids" | "calendar" | "catalogue" | "rules" | "case" | "desk" | "duty" | "people" | "account",
  Body: (props: Here) => ComponentChildren,
  may: (session: Session) => boolean = mayRule,
  norole: Key = "staff.norole",
): void {
  function Page() {
    useLanguage();
    const [loaded, setLoaded] = useState<Here | null>(null);
    const [trouble, setTrouble] = useState<string | null>(null);
    const begin = (): void => {
      setTrouble(null);
      load(here === "grids").then(setLoaded, (error: unknown) => refuseOrLeave(error, setTrouble));
    };
    useEffect(begin, []);
    useEffect(() => {
      if (here !== "grids" || !loaded) return undefined; // the others draw no ground
      return followGround(loaded.ground, (ground) => setLoaded((last) => last && { ...last, ground }));
    }, [loaded !== null]);
    const isFor = loaded === null || may(loaded.session);
    return (
      <div class="page">
        <Header here={here} session={loaded?.session ?? null} />
        <main class={(isFor ? MAIN[here] : undefined) ?? "staff"}>
          {trouble !== null && <Trouble words={trouble} again={begin} />}
          {!loaded && trouble === null && <p class="nothing" role="status">{t("live.loading")}</p>}
          {loaded && (isFor ? <Body {...loaded} /> : <NotForThem here={t(`nav.${here}`)} words={t(norole)} />)}
        </main>
      </div>
    );
  }
  markDocument(`nav.${here}`);
  render(<Page />, document.getElementById("app") as HTMLElement);
}

function NotForThem({ here, words }: { here: string; words: string }) {
  return (
    <>
      <h1>{here}</h1>
      <p class="notice" role="alert">{words}</p>
      <p class="way-home"><a href="/">{t("nav.start")}</a></p>
    </>
  );
}

export function Trouble({ words, again }: { words: string; again?: () => void }) {
  return (
    <div class="warning trouble" role="alert">
      <span>{words}</span>
      {again && <button type="button" class="quiet" onClick={again}>{t("error.retry")}</button>}
    </div>
  );
}

interface SelectProps {
  name: string;
  value: string;
  options: readonly (readonly [value: string, words: string])[];
  onChange: (value: string) => void;
}

export function Select({ name, value, options, onChange }: SelectProps) {
  return (
    <label class="pick">
      <span>{name}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([each, words]) => (
          <option key={each} value={each}>{words}</option>
        ))}
      </select>
    </label>
  );
}

/** Words to look for; the list is asked once the typing rests. */
export function Words({ value, hint, onChange }: { value: string; hint: string; onChange: (words: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => typed !== value && onChange(typed), 300);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <label class="pick is-words">
      <span>{t("staff.search")}</span>
      <input type="search" value={typed} maxLength={100} placeholder={hint} onInput={(event) => setTyped(event.currentTarget.value)} />
    </label>
  );
}

export function More({ busy, onMore }: { busy: boolean; onMore: () => void }) {
  return (
    <button type="button" class="quiet more" disabled={busy} onClick={onMore}>
      {t(busy ? "live.loading" : "staff.more")}
    </button>
  );
}
