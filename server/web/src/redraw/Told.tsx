/** What is told of a draft before it is published: what the check finds, and what changes for whom. */
import { useState } from "preact/hooks";
import type { Findings, Impact, Load, Pair } from "../api/redraw";
import type { Bounds, Named } from "../api/types";
import { beside, currentLanguage, t } from "../i18n";
import { Concerned } from "./Concerned";
import type { RedrawMap } from "./map";

/** Most telling first; each with a sign of its own, so that nobody needs its colour. */
const SEVERITIES = [["error", "✖"], ["warning", "▲"], ["note", "●"]] as const;
const MOST_SHOWN = 12;
const MOST_PAIRS = 6;

interface CheckProps {
  findings: Findings;
  map: RedrawMap | null;
  /** Where areas lie, for a finding that names no place of its own. */
  placeOf: (codes: readonly string[]) => Bounds | null;
}

export function Check({ findings, map, placeOf }: CheckProps) {
  const errors = findings.features.filter(({ properties }) => properties.severity === "error").length;
  return (
    <section class="panel">
      <h2>{t("gate.title")}</h2>
      {findings.features.length === 0 && <p>{t("gate.open")}</p>}
      {!findings.open && <p class="warning" role="alert">{t("gate.shut", { n: errors })}</p>}
      {SEVERITIES.map(([severity, sign]) => (
        <Group key={severity} severity={severity} sign={sign} findings={findings.features.filter(({ properties }) => properties.severity === severity)} map={map} placeOf={placeOf} />
      ))}
    </section>
  );
}

interface GroupProps {
  severity: (typeof SEVERITIES)[number][0];
  sign: string;
  findings: Findings["features"];
  map: RedrawMap | null;
  placeOf: CheckProps["placeOf"];
}

function Group({ severity, sign, findings, map, placeOf }: GroupProps) {
  const [all, setAll] = useState(false);
  if (findings.length === 0) return null;
  const shown = all ? findings : findings.slice(0, MOST_SHOWN);
  return (
    <div class={`findings is-${severity}`}>
      <h3>
        <span aria-hidden="true">{sign}</span> {t("gate.group", { severity: t(`gate.${severity}`), n: findings.length })}
      </h3>
      <ul class="ground-findings">
        {shown.map(({ properties, geometry }, index) => {
          const box = geometry === null ? placeOf(properties.areas) : null;
          return (
            <li key={index}>
              <span class="unseen">{t(`gate.${severity}`)}</span>
              <span>{typeof properties.text === "string" ? properties.text : properties.text[currentLanguage()]}</span>
              {(geometry !== null || box !== null) && (
                <button type="button" class="quiet" onClick={() => void (box ? map?.goTo(box) : map?.show(geometry))}>{t("gate.show")}</button>
              )}
            </li>
          );
        })}
      </ul>
      {shown.length < findings.length && <button type="button" class="quiet" onClick={() => setAll(true)}>{t("changed.more", { n: findings.length - shown.length })}</button>}
    </div>
  );
}

export function Consequences({ impact }: { impact: Impact }) {
  const groups = grouped(impact.pairs);
  return (
    <section class="panel">
      <h2>{t("impact.title")}</h2>
      {groups.length === 0 && <p>{t("impact.none")}</p>}
      {groups.map((group) => <From key={group.from?.code ?? ""} {...group} />)}
      {impact.slivers > 0 && <p class="faint">{t("impact.slivers", { n: impact.slivers })}</p>}
      <Workers impact={impact} />
      <Concerned concerned={impact.concerned} />
    </section>
  );
}

interface Moves {
  from: Named | null;
  pairs: readonly Pair[];
}

/** By the grid that gives; where most moves first. */
export function grouped(pairs: readonly Pair[]): Moves[] {
  const weight = (each: Pair): number => each.households + each.open_issues + each.due_visits;
  const groups = new Map<string, Pair[]>();
  for (const pair of pairs) groups.set(pair.from?.code ?? "", [...(groups.get(pair.from?.code ?? "") ?? []), pair]);
  const heavy = (list: readonly Pair[]): number => list.reduce((sum, each) => sum + weight(each), 0);
  return [...groups.values()]
    .map((list) => list.sort((a, b) => weight(b) - weight(a) || b.area_m2 - a.area_m2))
    .sort((a, b) => heavy(b) - heavy(a))
    .map((list) => ({ from: list[0]?.from ?? null, pairs: list }));
}

function From({ from, pairs }: Moves) {
  const [all, setAll] = useState(false);
  const shown = all ? pairs : pairs.slice(0, MOST_PAIRS);
  return (
    <>
      <table class="rows ground-impact">
        <caption>{t("impact.of", { name: from ? beside(from.name, from.code) : t("impact.nowhere") })}</caption>
        <thead>
          <tr>
            <th scope="col">{t("impact.to")}</th><th scope="col">{t("impact.area")}</th><th scope="col">{t("impact.households")}</th>
            <th scope="col">{t("impact.issues")}</th><th scope="col">{t("impact.visits")}</th><th scope="col">{t("impact.devices")}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((pair) => (
            <tr key={pair.to?.code}>
              <th scope="row">{pair.to ? beside(pair.to.name, pair.to.code) : t("impact.nowhere")}</th>
              <td data-head={t("impact.area")} class="numbers">{area(pair.area_m2)}</td>
              <td data-head={t("impact.households")} class="numbers">{pair.households}</td>
              <td data-head={t("impact.issues")} class="numbers">{pair.open_issues}</td>
              <td data-head={t("impact.visits")} class="numbers">{pair.due_visits}</td>
              <td data-head={t("impact.devices")} class="numbers">{pair.devices}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < pairs.length && <button type="button" class="quiet" onClick={() => setAll(true)}>{t("changed.more", { n: pairs.length - shown.length })}</button>}
    </>
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
