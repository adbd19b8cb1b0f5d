/** What is told of a draft before it is published: what the check finds, and what changes for whom. */
import type { Findings, Impact, Load } from "../api/redraw";
import { currentLanguage, t } from "../i18n";
import type { RedrawMap } from "./map";

export function Check({ findings, map }: { findings: Findings; map: RedrawMap | null }) {
  const errors = findings.features.filter(({ properties }) => properties.severity === "error").length;
  return (
    <section class="panel">
      <h2>{t("gate.title")}</h2>
      {findings.features.length === 0 && <p>{t("gate.open")}</p>}
      {!findings.open && <p class="warning" role="alert">{t("gate.shut", { n: errors })}</p>}
      <ul class="ground-findings">
        {findings.features.map(({ properties, geometry }, index) => (
          <li key={index}>
            <span class={properties.severity === "error" ? "mark is-error" : "mark"}>{t(`gate.${properties.severity}`)}</span>
            <span>{typeof properties.text === "string" ? properties.text : properties.text[currentLanguage()]}</span>
            <button type="button" class="quiet" onClick={() => void map?.show(geometry)}>{t("gate.show")}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Consequences({ impact }: { impact: Impact }) {
  if (impact.pairs.length === 0) return <section class="panel"><h2>{t("impact.title")}</h2><p>{t("impact.none")}</p></section>;
  return (
    <section class="panel">
      <h2>{t("impact.title")}</h2>
      <table class="rows ground-impact">
        <thead>
          <tr>
            <th>{t("impact.from")}</th><th>{t("impact.to")}</th><th>{t("impact.area")}</th><th>{t("impact.households")}</th>
            <th>{t("impact.issues")}</th><th>{t("impact.visits")}</th><th>{t("impact.devices")}</th>
          </tr>
        </thead>
        <tbody>
          {impact.pairs.map((pair) => (
            <tr key={`${pair.from?.code}/${pair.to?.code}`}>
              <th data-head={t("impact.from")}>{pair.from?.name ?? t("impact.nowhere")}</th>
              <td data-head={t("impact.to")}>{pair.to?.name ?? t("impact.nowhere")}</td>
              <td data-head={t("impact.area")} class="numbers">{area(pair.area_m2)}</td>
              <td data-head={t("impact.households")} class="numbers">{pair.households}</td>
              <td data-head={t("impact.issues")} class="numbers">{pair.open_issues}</td>
              <td data-head={t("impact.visits")} class="numbers">{pair.due_visits}</td>
              <td data-head={t("impact.devices")} class="numbers">{pair.devices}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Workers impact={impact} />
    </section>
  );
}

function Workers({ impact }: { impact: Impact }) {
  const loads = ["households", "open_issues", "due_visits"] as const;
  const words = { households: "impact.households", open_issues: "impact.issues", due_visits: "impact.visits" } as const;
  const differs = (before: Load, after: Load): boolean => loads.some((load) => before[load] !== after[load]);
  const touched = impact.workers.filter(({ before, after }) => differs(before, after));
  if (touched.length === 0) return null;
  return (
    <>
      <h2>{t("impact.workers")}</h2>
      <table class="rows ground-impact">
        <thead>
          <tr><th>{t("impact.worker")}</th>{loads.map((load) => <th key={load}>{t(words[load])}</th>)}</tr>
        </thead>
        <tbody>
          {touched.map(({ login, name, before, after }) => (
            <tr key={login}>
              <th data-head={t("impact.worker")}>{name}</th>
              {loads.map((load) => (
                <td key={load} data-head={t(words[load])} class="numbers">
                  {before[load] === after[load] ? after[load] : t("impact.change", { before: before[load], after: after[load] })}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

const HECTARE_M2 = 10_000;

function area(square_metres: number): string {
  if (square_metres >= HECTARE_M2) return t("unit.ha", { n: (square_metres / HECTARE_M2).toFixed(2) });
  return t("unit.m2", { n: Math.round(square_metres) });
}
