/** The map's half of the page: the map, its buttons, the colour switch and the legend. */
import { type RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Bounds, Ground, GridCount, IssuePoint } from "../api/types";
import { LIGHT_COLOURS, type Sign as Light } from "../ground/icons";
import { type Measure, breaks, label, shade } from "../ground/shades";
import { type Camera, type Choices, GroundView, canDraw, drawing } from "../ground/view";
import { currentLanguage, t } from "../i18n";
import { Icon } from "../page/Icon";
import { Sign } from "../page/Sign";

interface Props {
  ground: Ground;
  home: Bounds | null;
  counts: readonly GridCount[];
  points: readonly IssuePoint[];
  choices: Choices;
  viewRef: RefObject<GroundView | null>;
}

export function MapPane({ ground, home, counts, points, choices, viewRef }: Props) {
  const [measure, setMeasure] = useState<Measure>("open");
  const box = useRef<HTMLDivElement>(null);
  const camera = useRef<Camera | null>(null);
  const latest = useRef(choices);
  latest.current = choices;
  const drawn = canDraw() && ground.tiles !== null;

  useEffect(() => {
    if (!drawn || !box.current) return undefined;
    const view = new GroundView(
      box.current,
      ground,
      camera.current ?? home,
      {
        onIssue: (id) => latest.current.onIssue(id),
        onGrid: (id) => latest.current.onGrid(id),
        onNothing: () => latest.current.onNothing(),
        covered: () => latest.current.covered(),
      },
      { label: t("map.label") },
    );
    viewRef.current = view;
    box.current.dataset["edition"] = String(ground.edition?.number ?? "");
    void view.ready.then(() => box.current?.setAttribute("data-ready", "true"));
    return () => {
      viewRef.current = null;
      camera.current = view.camera;
      view.remove();
    };
  }, [drawing(ground)]);
  useEffect(() => viewRef.current?.relabel({ label: t("map.label") }), [currentLanguage()]);
  useEffect(() => void viewRef.current?.shadeGrids(counts, measure), [counts, measure, ground]);
  useEffect(() => void viewRef.current?.showIssues(points), [points, ground]);

  if (!drawn) return <p class="warning map-missing">{t("map.unsupported")}</p>;
  return (
    <>
      <div ref={box} class="map-canvas" />
      <div class="map-buttons">
        <button type="button" aria-label={t("map.zoom.in")} onClick={() => viewRef.current?.zoomBy(1)}><Icon name="plus" /></button>
        <button type="button" aria-label={t("map.zoom.out")} onClick={() => viewRef.current?.zoomBy(-1)}><Icon name="minus" /></button>
        {home && <button type="button" aria-label={t("map.home")} onClick={() => viewRef.current?.goHome(home)}><Icon name="home" /></button>}
      </div>
      <Legend counts={counts} measure={measure} onMeasure={setMeasure} />
    </>
  );
}

interface LegendProps {
  counts: readonly GridCount[];
  measure: Measure;
  onMeasure: (measure: Measure) => void;
}

function Legend({ counts, measure, onMeasure }: LegendProps) {
  const [open, setOpen] = useState(() => matchMedia("(min-width: 720px)").matches);
  const bounds = breaks(counts.map((grid) => grid[measure]));
  return (
    <div class={open ? "legend" : "legend is-folded"}>
      <button type="button" class="legend-toggle" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="layers" /> <span>{t("legend.toggle")}</span>
      </button>
      {open && (
        <>
          <fieldset class="segments is-small">
            <legend>{t("colour.title")}</legend>
            {(["open", "overdue"] as const).map((one) => (
              <label key={one}>
                <input type="radio" name="measure" checked={measure === one} onChange={() => onMeasure(one)} />
                <span>{t(`colour.${one}`)}</span>
              </label>
            ))}
          </fieldset>
          <ol class="ramp" aria-label={`${t(`colour.${measure}`)} ${t("legend.issues")}`}>
            {[0, ...bounds].map((_, index) => (
              <li key={index}>
                <i style={{ background: shade(measure, index, bounds.length) }} />
                <span>{label(index, bounds)}</span>
              </li>
            ))}
          </ol>
          <ul class="lights" aria-label={t("legend.lights")}>
            {(Object.keys(LIGHT_COLOURS) as Light[]).map((light) => (
              <li key={light}>
                <Sign light={light} silent /> {t(`light.${light}`)}
              </li>
            ))}
          </ul>
          <p class="faint">{t("legend.cluster")}</p>
        </>
      )}
    </div>
  );
}
