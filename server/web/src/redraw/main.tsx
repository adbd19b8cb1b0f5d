/** The page of the ground: drafts and editions beside the map on which they are drawn. The address says which. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Ground } from "../api/types";
import { homeOf } from "../board/ground";
import { type Camera, canDraw, drawing } from "../ground/view";
import { currentLanguage, t } from "../i18n";
import { mayDraw } from "../page/Header";
import { Icon } from "../page/Icon";
import { steps, usePlace } from "../page/place";
import { type Here, startStaffPage } from "../page/Staff";
import { DraftPage } from "./DraftPage";
import { Drafts } from "./Drafts";
import { Editions } from "./Editions";
import { type Hands, RedrawMap } from "./map";
import { Qgis } from "./Qgis";
import type { Table } from "./table";
import "../styles/redraw.css";
import "../styles/drawing.css";

const TABS = ["drafts", "editions", "qgis"] as const;
type Tab = (typeof TABS)[number];

const IDLE: Hands = { onArea: () => undefined, onPoint: () => undefined, onMissed: () => undefined };

function GroundPage({ session, ground }: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const draft = Number(asked.get("draft")) || null;
  const tab: Tab = TABS.find((each) => asked.has(each)) ?? "drafts";
  const [map, setMap] = useState<RedrawMap | null>(null);
  const hands = useRef<Hands>(IDLE);
  const table: Table = { ground, map, hands };
  const open = (id: number | null, on: Tab = "drafts"): void => steps.take(id !== null ? `draft=${id}` : on === "drafts" ? "" : on);
  useLayoutEffect(() => {
    // What lay on the map belongs to where the person stood.
    hands.current = IDLE;
    void map?.lay(null, true);
    void map?.pick([]);
    void map?.show(null);
    void map?.draw(false, []);
  }, [draft, tab]);
  // The ground of this page is the old one then: it is read anew with the page.
  const published = (): void => location.assign("?editions");
  return (
    <div class="ground">
      <section class="ground-side">
        {draft !== null ? (
          <DraftPage key={draft} table={table} id={draft} onClose={() => steps.leave("")} onPublished={published} />
        ) : (
          <>
            <h1>{t("ground.title")}</h1>
            <div class="tabs">
              {TABS.map((each) => (
                <button key={each} type="button" aria-pressed={tab === each} onClick={() => open(null, each)}>
                  {t(`ground.tab.${each}`)}
                </button>
              ))}
            </div>
            {tab === "drafts" && <Drafts table={table} onOpen={(id) => open(id)} />}
            {tab === "editions" && <Editions table={table} />}
            {tab === "qgis" && <Qgis session={session} locating={ground.kinds.find((kind) => kind.is_locating)?.code ?? "grid"} />}
          </>
        )}
      </section>
      <GroundMap ground={ground} hands={hands} onMap={setMap} map={map} />
    </div>
  );
}

interface MapProps {
  ground: Ground;
  hands: { current: Hands };
  map: RedrawMap | null;
  onMap: (map: RedrawMap | null) => void;
}

function GroundMap({ ground, hands, map, onMap }: MapProps) {
  const box = useRef<HTMLDivElement>(null);
  const camera = useRef<Camera | null>(null);
  const drawn = canDraw() && ground.tiles !== null;
  const home = homeOf(ground);
  useEffect(() => {
    if (!drawn || !box.current) return undefined;
    const made = new RedrawMap(
      box.current,
      ground,
      camera.current ?? home,
      { onArea: (code) => hands.current.onArea(code), onPoint: (point) => hands.current.onPoint(point), onMissed: (why) => hands.current.onMissed(why) },
      t("ground.map"),
    );
    onMap(made);
    box.current.dataset["edition"] = String(ground.edition?.number ?? "");
    void made.ready.then(() => box.current?.setAttribute("data-ready", "true"));
    return () => {
      onMap(null);
      camera.current = made.camera;
      made.remove();
    };
  }, [drawing(ground), currentLanguage()]);
  if (!drawn) return <p class="warning map-missing">{t("map.unsupported")}</p>;
  return (
    <div class="ground-map">
      <div ref={box} class="map-canvas" />
      <p class="map-drawing" aria-hidden="true">{t("ground.drawing")}</p>
      <span class="map-middle" aria-hidden="true" />
      <div class="map-buttons">
        <button type="button" aria-label={t("map.zoom.in")} onClick={() => map?.zoomBy(1)}><Icon name="plus" /></button>
        <button type="button" aria-label={t("map.zoom.out")} onClick={() => map?.zoomBy(-1)}><Icon name="minus" /></button>
        {home && <button type="button" aria-label={t("map.home")} onClick={() => map?.goTo(home)}><Icon name="home" /></button>}
      </div>
    </div>
  );
}

startStaffPage("grids", GroundPage, mayDraw, "ground.norole");
