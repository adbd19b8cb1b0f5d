/** Why a body got an issue: the reasons of the newest decision, then the facts it rests on. */
import type { IssueInFull } from "../api/types";
import { type Key, currentLanguage, t } from "../i18n";
import { moment } from "../time";
import { Facts } from "../page/Facts";

export function RoutingReasons({ issue, now }: { issue: IssueInFull; now: Date }) {
  const { routing } = issue;
  if (routing === null) return <p class="faint">{issue.awaiting_routing ? t("issue.awaiting") : t("issue.norouting")}</p>;
  const english = currentLanguage() === "en";
  const limit = routing.limit ? t(`limit.${routing.limit.unit}` as Key, { n: routing.limit.value }) : null;
  return (
    <>
      <ol class="reasons">
        {(routing.reasons ?? []).map((reason, index) => (
          <li key={`${reason.code}-${index}`}>{english ? reason.en : reason.zh}</li>
        ))}
      </ol>
      <Facts
        rows={[
          [t("issue.rule"), routing.rule?.label],
          [t("issue.limit"), limit],
          [t("issue.decided"), routing.decided_at && moment(routing.decided_at, now)],
          [t("issue.edition"), routing.edition],
          [t("issue.margin"), margin(routing.margin_m)],
          [t("issue.neighbour"), routing.neighbour?.name],
        ]}
      />
    </>
  );
}

function margin(margin_m: number | null | undefined): string | null {
  if (margin_m === null || margin_m === undefined) return null;
  return margin_m < 1_000 ? t("unit.m", { n: Math.round(margin_m) }) : t("unit.km", { n: (margin_m / 1_000).toFixed(1) });
}
