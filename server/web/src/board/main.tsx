/** Starts the map page: the list is asked for at once, and beside it who is here, what is in their charge, and the catalogue. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { currentSession, read } from "../api/client";
import type { Category, Ground, Session } from "../api/types";
import { markDocument, t, useLanguage } from "../i18n";
import { followGround } from "../page/following";
import { refuseOrLeave } from "../page/reading";
import { readCharge } from "../page/areas";
import { Board } from "./Board";
import "../styles/base.css";
import "../styles/board.css";

const NONE: readonly Category[] = [];

async function readCatalogue(): Promise<readonly Category[]> {
  const { categories } = await read<{ categories: { code: string; parent: string | null; zh: string; en: string }[] }>("/v1/categories");
  return categories.map(({ code, parent, zh, en }) => ({ code, parent, name_zh: zh, name_en: en }));
}

function Start() {
  useLanguage();
  const [session, setSession] = useState<Session | null>(null);
  const [ground, setGround] = useState<Ground | null>(null);
  const [categories, setCategories] = useState(NONE);
  const [trouble, setTrouble] = useState<string | null>(null);
  const begin = (): void => {
    setTrouble(null);
    const refused = (error: unknown): void => refuseOrLeave(error, setTrouble);
    currentSession().then(setSession, refused);
    readCatalogue().then(setCategories, refused);
    readCharge().then(setGround, refused);
  };
  useEffect(begin, []);
  useEffect(() => (ground ? followGround(ground, setGround, readCharge) : undefined), [ground !== null]);
  return (
    <>
      {trouble !== null && (
        <div class="trouble is-above" role="alert">
          <h2>{t("error.title")}</h2>
          <p>{trouble}</p>
          <button type="button" onClick={begin}>{t("error.retry")}</button>
        </div>
      )}
      <Board session={session} ground={ground} categories={categories} />
    </>
  );
}

markDocument("nav.map");
render(<Start />, document.getElementById("app") as HTMLElement);
