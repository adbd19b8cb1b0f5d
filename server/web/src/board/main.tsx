/** Starts the map page: who is here, what ground and catalogue there are; then the board. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refused, currentSession, read } from "../api/client";
import type { Category, Ground, Session } from "../api/types";
import { markDocument, t, useLanguage } from "../i18n";
import { Header } from "../page/Header";
import { Board } from "./Board";
import { leaveForSignIn } from "./live";
import "../styles/base.css";
import "maplibre-gl/dist/maplibre-gl.css";
import "../styles/board.css";

const FOLLOW_MS = 2_000;

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

/** Ask every two seconds, while the page is seen, whether another edition is in force, and read its ground then. */
function following(ground: Ground, changed: (ground: Ground) => void): () => void {
  const asking = new AbortController();
  const ask = async (): Promise<void> => {
    if (document.hidden) return;
    const { number } = await read<{ number: number }>("/v1/editions/in-force", asking.signal);
    if (number !== ground.edition?.number) changed(await read<Ground>("/v1/areas", asking.signal));
  };
  // Whatever keeps it from being heard, the list beside the map meets too, and says so.
  const timer = window.setInterval(() => void ask().catch(() => undefined), FOLLOW_MS);
  return () => {
    asking.abort();
    window.clearInterval(timer);
  };
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
  useEffect(() => (loaded ? following(loaded.ground, (ground) => setLoaded({ ...loaded, ground })) : undefined), [loaded]);
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
