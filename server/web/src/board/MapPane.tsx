/** The map's half of the page: the map, its buttons, the colour switch and the legend. Its program comes when the list stands. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Bounds, Ground, IssuePoint } from "../api/types";
import { canDraw, drawing } from "../ground/canvas";
import { LIGHT_COLOURS, type Sign as Light } from "../ground/icons";
import { PALETTES } from "../ground/palette";
import { type Measure, breaks, label, shade } from "../ground/shades";
import type { Camera, Choices, Counts, GroundView } from "../ground/view";
import { currentLanguage, t } from "../i18n";
import { Icon } from "../page/Icon";
import { useScheme } from "../page/scheme";
import { Sign } from "../page/Sign";

interface Props {
  ground: Ground;
  home: Bounds | null;
  /** Where the map begins, if not at home. */
  begin: Bounds | null;
  counts: Counts;
  points: readonly IssuePoint[];
  choices: Choices;
  view: GroundView | null;
  onView: (view: GroundView | null) => void;
}

export function MapPane({ ground, home, begin, counts, points, choices, view, onView }: Props) {
  const [measure, setMeasure] = useState<Measure>("open");
  const scheme = useScheme();
  const box = useRef<HTMLDivElement>(null);
  const camera = useRef<Camera | null>(null);
  const latest = useRef(choices);
  latest.current = choices;
  const drawn = canDraw() && ground.tiles !== null;

  useEffect(() => {
    if (!drawn) return undefined;
    let made: GroundView | null = null;
    let left = false;
    void import("../ground/view").then(({ GroundView: View }) => {
      if (left || !box.current) return;
      const choose: Choices = {
        onIssue: (id) => latest.current.onIssue(id),
        onGrid: (...grid) => latest.current.onGrid(...grid),
        onSpot: (place) => latest.current.onSpot(place),
        onNothing: () => latest.current.onNothing(),
        covered: () => latest.current.covered(),
      };
      made = new View(box.current, ground, camera.current ?? begin ?? home, choose, { label: t("map.label") }, scheme);
      box.current.dataset["edition"] = String(ground.edition?.number ?? "");
      void made.ready.then(() => left || box.current?.setAttribute("data-ready", "true"));
      onView(made);
    });
    return () => {
      left = true;
      if (!made) return;
      onView(null);
      camera.current = made.camera;
      made.remove();
    };
  }, [drawing(ground), scheme]);
  useEffect(() => view?.relabel({ label: t("map.label") }), [view, currentLanguage()]);
  useEffect(() => void view?.shadeGrids(counts, measure), [view, counts, measure]);
  useEffect(() => void view?.showIssues(points), [view, points]);

  if (!drawn) return <p class="warning map-missing">{t("map.unsupported")}</p>;
  return (
    <>
      <div ref={box} class="map-canvas" />
      <div class="map-buttons">
        <button type="button" aria-label={t("map.zoom.in")} onClick={() => view?.zoomBy(1)}><Icon name="plus" /></button>
        <button type="button" aria-label={t("map.zoom.out")} onClick={() => view?.zoomBy(-1)}><Icon name="minus" /></button>
        {home && <button type="button" aria-label={t("map.home")} onClick={() => view?.fit(home)}><Icon name="home" /></button>}
      </div>
      <Legend counts={counts} measure={measure} onMeasure={setMeasure} />
    </>
  );
}

interface LegendProps {
  counts: Counts;
  measure: Measure;
  onMeasure: (measure: Measure) => void;
}

function Legend({ counts, measure, onMeasure }: LegendProps) {
  const [open, setOpen] = useState(() => matchMedia("(min-width: 45em)").matches);
  const scheme = useScheme();
  const bounds = useMemo(() => breaks(counts.grids.map((grid) => grid[measure])), [counts, measure]);
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
                <i style={{ background: shade(measure, index, bounds.length, scheme) }} />
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
          <ul class="lights" aria-label={t("legend.ground")}>
            <li><i class="legend-doubtful" aria-hidden="true" /> {t("mark.ambiguous")}</li>
            <li><i class="legend-elsewhere" style={{ background: PALETTES[scheme].notInCharge }} aria-hidden="true" /> {t("legend.elsewhere")}</li>
          </ul>
          <p class="faint">{t("legend.cluster")}</p>
        </>
      )}
    </div>
  );
}
