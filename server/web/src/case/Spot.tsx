/** Where a case is, on a small map that one looks at; its program comes when the rest of the page stands. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Ground, IssueInFull, IssuePoint } from "../api/types";
import { readCharge } from "../page/areas";
import { canDraw } from "../ground/canvas";
import type { Choices, GroundView } from "../ground/view";
import { t } from "../i18n";
import { useScheme } from "../page/scheme";

const ZOOM = 16;
const NO_CHOICES: Choices = { onIssue: () => undefined, onGrid: () => undefined, onSpot: () => undefined, onNothing: () => undefined, covered: () => ({}) };

export function Spot({ issue }: { issue: IssueInFull }) {
  const scheme = useScheme();
  const box = useRef<HTMLDivElement>(null);
  const [ground, setGround] = useState<Ground | null>(null);
  const at = issue.location;
  useEffect(() => void readCharge().then(setGround, () => undefined), []); // the page says that the server cannot be heard
  const drawn = at !== null && ground?.tiles != null && canDraw();
  useEffect(() => {
    if (!drawn || !at) return undefined;
    let view: GroundView | null = null;
    let left = false;
    void import("../ground/view").then(({ GroundView: View }) => {
      if (left || !box.current) return;
      view = new View(box.current, ground as Ground, { center: [at.lon, at.lat], zoom: ZOOM }, NO_CHOICES, { label: t("case.map") }, scheme);
      void view.showIssues([pointOf(issue)]);
      void view.choose(pointOf(issue), at.accuracy_m);
    });
    return () => {
      left = true;
      view?.remove();
    };
  }, [drawn, issue.id, at?.lon, at?.lat, scheme]);
  if (!drawn) return null;
  return <div class="case-map"><div ref={box} class="map-canvas" /></div>;
}

function pointOf(issue: IssueInFull): IssuePoint {
  const { lon, lat } = issue.location as NonNullable<IssueInFull["location"]>;
  const brief = { ...issue, category: issue.category.code, summary: issue.description, grid: issue.grid?.code ?? null, body: issue.body?.code ?? null };
  return { type: "Feature", id: issue.id, geometry: { type: "Point", coordinates: [lon, lat] }, properties: brief };
}
