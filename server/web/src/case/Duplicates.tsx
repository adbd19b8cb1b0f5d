/** What may be of the same matter, beside the case; and photos that were handed in before. A person judges both. */
import { useState } from "preact/hooks";
import type { Likely, ReusedPhoto } from "../api/cases";
import { tell } from "../api/client";
import type { IssueInFull } from "../api/types";
import { pick, t, tData } from "../i18n";
import { Section } from "../page/Facts";
import { refuseOrLeave, useRead } from "../page/reading";
import { moment } from "../time";
import { Photos } from "./Photos";
import { worded } from "./words";

interface Props {
  issue: IssueInFull;
  likely: readonly Likely[];
  now: Date;
  onMerge: (of: string) => void;
  onDismissed: () => void;
}

export function Duplicates({ issue, likely, now, onMerge, onDismissed }: Props) {
  const [trouble, setTrouble] = useState<string | null>(null);
  const standing = likely.filter(({ dismissed }) => !dismissed);
  if (standing.length === 0) return null;
  const dismiss = (other: string): void => {
    setTrouble(null);
    tell(`/v1/cases/${issue.id}/duplicates/${other}/dismissal`, {}).then(onDismissed, (error: unknown) => refuseOrLeave(error, setTrouble));
  };
  return (
    <Section name={t("case.duplicates", { n: standing.length })}>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      <ul class="beside">
        {standing.map((each) => (
          <li key={each.id}>
            <div class="beside-two">
              <div>
                <b>{t("case.this")}</b>
                <p>{issue.description ?? t("issue.nodescription")}</p>
                <p class="faint">{[moment(issue.captured_at, now), issue.address].filter(Boolean).join(" · ")}</p>
                <Photos photos={issue.photos} />
              </div>
              <div>
                <b><a href={`/case?id=${each.id}`}>{t("case.other")}</a></b> <span class="pill">{tData("state", each.state)}</span>
                <p>{each.description ?? t("issue.nodescription")}</p>
                <p class="faint">{[moment(each.captured_at, now), each.address].filter(Boolean).join(" · ")}</p>
                <Photos photos={each.photos.map((id) => ({ id, awaited: false }))} />
              </div>
            </div>
            <p class="faint">{each.reasons.map(worded).join(t("list.comma"))}</p>
            <p class="links">
              <button type="button" class="quiet" onClick={() => onMerge(each.id)}>{t("case.merge")}</button>
              <button type="button" class="quiet" onClick={() => dismiss(each.id)}>{t("case.dismiss")}</button>
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** For whoever checks: that a photo of this case was seen before. */
export function Reused({ id, now }: { id: string; now: Date }) {
  const reused = useRead<{ photos: ReusedPhoto[] }>(`/v1/cases/${id}/reused-photos`);
  const found = reused.value?.photos ?? [];
  if (found.length === 0) return null;
  return (
    <div class="notice">
      <p><b>{t("case.reused", { n: found.length })}</b></p>
      <ul class="beside">
        {found.map((each) => (
          <li key={`${each.photo} ${each.other}`}>
            <Photos photos={[each.photo, each.other].flatMap((photo) => (photo === null ? [] : [{ id: photo, awaited: false }]))} />
            <p>
              {t(each.same_file ? "case.reused.file" : "case.reused.alike", { at: moment(each.at, now) })}{" "}
              {each.case && !each.same_case && <a href={`/case?id=${each.case.id}`}>{pick({ name_zh: each.case.category_zh, name_en: each.case.category_en })}</a>}
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}
