/** The worker's grids with doors and reports, drawn on the phone without a network; its program comes when it is first opened. */
import { useEffect, useRef, useState } from "preact/hooks";
import { canDraw } from "../../ground/canvas";
import { t } from "../../i18n";
import { Icon } from "../../page/Icon";
import { useScheme } from "../../page/scheme";
import type { Spot } from "../records";
import { usePosition } from "../report/position";
import { usePhone } from "../shell/live";
import { go } from "../shell/route";
import type { GroundMap } from "./groundMap";
import { useNeighbours } from "./neighbours";

export function MapScreen() {
  const { phone, book } = usePhone();
  const around = useNeighbours(phone, book);
  const scheme = useScheme();
  const box = useRef<HTMLDivElement>(null);
  const [map, setMap] = useState<GroundMap | null>(null);
  const [failed, setFailed] = useState(false);
  const [asked, setAsked] = useState(false);
  const [here, setHere] = useState<Spot | null>(null);
  const finding = usePosition(asked, setHere);

  useEffect(() => {
    let [left, made] = [false, null as GroundMap | null];
    const begin = async (): Promise<void> => {
      const { GroundMap: Made } = await import("./groundMap");
      if (left || box.current === null) return;
      made = new Made(box.current, scheme, t("map.label"), { onHousehold: (id) => go("household", id), onIssue: (id) => go("issue", id) });
      setMap(made);
      await made.ready;
      box.current?.setAttribute("data-ready", "true");
    };
    if (canDraw()) begin().catch(() => setFailed(true));
    return () => {
      left = true;
      setMap(null);
      made?.remove();
    };
  }, [scheme]);
  useEffect(() => void map?.show(book, around), [map, book, around]);
  useEffect(() => {
    if (here !== null) map?.showHere(here);
  }, [map, here]);

  if (!canDraw() || failed) return <p class="warning">{t(failed ? "patrol.map.failed" : "map.unsupported")}</p>;
  return (
    <div class="patrol-map">
      <h1 class="unseen">{t("patrol.map")}</h1>
      <div ref={box} class="patrol-map-canvas" />
      <div class="patrol-map-buttons">
        <button type="button" aria-label={t("map.zoom.in")} onClick={() => map?.zoomBy(1)}><Icon name="plus" size={24} /></button>
        <button type="button" aria-label={t("map.zoom.out")} onClick={() => map?.zoomBy(-1)}><Icon name="minus" size={24} /></button>
        <button type="button" aria-label={t("map.home")} onClick={() => map?.fit(book.grids)}><Icon name="home" size={24} /></button>
        <button type="button" aria-label={t("patrol.map.here")} onClick={() => setAsked(true)}><Icon name="pin" size={24} /></button>
      </div>
      {(finding === "denied" || finding === "failed") && <p class="notice" role="alert">{t(`patrol.place.${finding}`)}</p>}
      <p class="patrol-map-key">
        <span><i class="patrol-key is-due" /> {t("patrol.map.due")}</span>
        <span><i class="patrol-key is-door" /> {t("patrol.map.door")}</span>
        <span><i class="patrol-key is-issue" /> {t("patrol.map.issue")}</span>
        {around.length > 0 && <span><i class="patrol-key is-around" /> {t("patrol.map.around")}</span>}
      </p>
    </div>
  );
}
