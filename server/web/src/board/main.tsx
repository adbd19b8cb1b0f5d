/** Starts the map page: who is here, what ground and catalogue there are; then the board. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refused, currentSession, read } from "../api/client";
import type { Category, Ground, Session } from "../api/types";
import { markDocument, t, useLanguage } from "../i18n";
import { followGround } from "../page/following";
import { Header } from "../page/Header";
import { Board } from "./Board";
import { leaveForSignIn } from "./live";
import "../styles/base.css";
import "maplibre-gl/dist/maplibre-gl.css";
import "../styles/board.css";

interface Loaded {
  session: Session;
  ground: Ground;
  categories: readonly Category[];
}

async function load(): Promise<Loaded> {
  const session = await currentSession();
  const [ground, catalogue] = await Promise.all([
    read<Ground>("/v1/areas"),
    read<{ categories: { code: string; parent: string | null; zh: string; en: string }[] }>("/v1/categories"),
  ]);
  const categories = catalogue.categories.map(({ code, parent, zh, en }) => ({ code, parent, name_zh: zh, name_en: en }));
  return { session, ground, categories };
}

function Start() {
  useLanguage();
  const [loaded, setLoaded] = useState<Loaded | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const begin = (): void => {
    setTrouble(null);
    load().then(setLoaded, (error: unknown) => {
      if (error instanceof Refused && error.status === 401) return leaveForSignIn();
      const detail = error instanceof Refused ? (error.problem.detail ?? error.problem.title ?? "") : "";
      setTrouble(detail ? t("error.text", { detail }) : t("error.unreachable"));
    });
  };
  useEffect(begin, []);
  useEffect(
    () => (loaded ? followGround(loaded.ground, (ground) => setLoaded((last) => last && { ...last, ground })) : undefined),
    [loaded !== null],
  );
  if (loaded) return <Board {...loaded} />;
  return (
    <div class="board">
      <Header here="map" session={null} />
      {trouble === null ? (
        <p class="nothing" role="status">{t("live.loading")}</p>
      ) : (
        <div class="trouble" role="alert">
          <h2>{t("error.title")}</h2>
          <p>{trouble}</p>
          <button type="button" onClick={begin}>{t("error.retry")}</button>
        </div>
      )}
    </div>
  );
}

markDocument();
render(<Start />, document.getElementById("app") as HTMLElement);
