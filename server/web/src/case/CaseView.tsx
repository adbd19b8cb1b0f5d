/** One case for whoever works on it: what it is, how long there is, what may be done now, what was done, where it is. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { CaseLife, Likely } from "../api/cases";
import type { IssueInFull } from "../api/types";
import { signOf } from "../ground/icons";
import { beside, pick, t, tData } from "../i18n";
import { Facts, Section } from "../page/Facts";
import { Icon } from "../page/Icon";
import { Sign } from "../page/Sign";
import { leftOf, moment } from "../time";
import { useRead } from "../page/reading";
import { CaseSteps } from "./CaseSteps";
import { Duplicates, Reused } from "./Duplicates";
import type { Draft } from "./fields";
import { Memos } from "./Memos";
import { Photos } from "./Photos";
import { Spot } from "./Spot";
import { Clocks, Timeline, Untaken } from "./Timeline";
import { nameOf } from "./words";
import type { OneCase } from "./useCase";
import "../styles/case.css";

interface Props {
  one: OneCase;
  chosen: string | null;
  keys?: boolean;
  /** Whether the heading is the page's own. */
  whole?: boolean;
  /** Whether the heading has the focus once it is drawn. */
  focused?: boolean;
  now: Date;
  onChoose: (step: string | null) => void;
  onClose?: () => void;
}

const NONE: readonly Likely[] = [];

export function CaseView({ one, chosen, keys = false, whole = false, focused = false, now, onChoose, onClose }: Props) {
  const { issue: live, life } = one;
  const heading = useRef<HTMLHeadingElement>(null);
  const issue = live.value;
  const may = (step: string): boolean => life?.possible.some((each) => each.step === step) ?? false;
  const duplicates = useRead<{ candidates: Likely[] }>(may("merge") && one.id !== null ? `/v1/cases/${one.id}/duplicates` : null);
  const likely = duplicates.value?.candidates ?? NONE;
  const [preset, setPreset] = useState<Draft>({});
  const merge = (of: string): void => {
    setPreset({ of });
    onChoose("merge");
  };
  useEffect(() => {
    if (chosen === null) setPreset({});
  }, [chosen]);
  useEffect(() => {
    if (focused) heading.current?.focus();
  }, [issue?.id, life?.id]);
  const refused = [live, one.trouble].find(({ status }) => status === "refused");
  const trouble = refused && <p class="warning" role="alert">{live.gone ? t("issue.gone") : t("error.text", { detail: refused.detail })}</p>;
  if (trouble && (refused.gone || !issue || !life)) return trouble;
  if (!issue || !life) {
    return live.status === "offline" ? <p class="warning" role="alert">{t("error.unreachable")}</p> : <p class="nothing" role="status">{t("issue.loading")}</p>;
  }
  const Heading = whole ? "h1" : "h2";
  return (
    <article class="case">
      {onClose && <button type="button" class="quiet case-back" onClick={onClose}>{t("case.back")}</button>}
      <Heading ref={heading} tabIndex={-1} class="case-title">{pick(issue.category)}</Heading>
      <Standing issue={issue} life={life} now={now} whole={whole} />
      {trouble}
      <p class={issue.description ? "case-words" : "faint"}>
        {issue.masked ? <><Icon name="lock" size={16} /> {t("masked.text")}</> : (issue.description ?? t("issue.nodescription"))}
      </p>
      {!issue.masked && <Photos photos={issue.photos} />}
      {!issue.masked && <Memos memos={issue.memos} />}
      <CaseSteps life={life} likely={likely} preset={preset} chosen={chosen} keys={keys} now={now} onChoose={onChoose} onChanged={one.changed} />
      {may("merge") && <Duplicates issue={issue} likely={likely} now={now} onMerge={merge} onDismissed={duplicates.again} />}
      {(may("check") || may("close") || may("rework")) && <Reused id={issue.id} now={now} />}
      <div class="case-parts">
        <div>
          <Section name={t("case.clocks")}><Clocks life={life} now={now} /></Section>
          <Section name={t("issue.where")}>
            <Where issue={issue} life={life} now={now} />
            {whole && <Spot issue={issue} />}
          </Section>
        </div>
        <div>
          <Section name={t("case.timeline")}><Timeline entries={life.timeline} now={now} /></Section>
          {life.untaken.length > 0 && <Section name={t("untaken.title")}><Untaken steps={life.untaken} now={now} /></Section>}
        </div>
      </div>
    </article>
  );
}

function Standing({ issue, life, now, whole }: { issue: IssueInFull; life: CaseLife; now: Date; whole: boolean }) {
  const sign = signOf({ ...issue, light: life.light });
  return (
    <p class="case-standing">
      <span class="case-number">{life.number === null ? "" : whole ? life.number : <a href={`/case?number=${life.number}`}>{life.number}</a>}</span>
      <span class="pill">{tData("state", life.state)}</span>
      <span class={`due is-${sign}`}>
        <Sign light={sign} /> {issue.closed_at ? t("light.closed") : leftOf(life, now)}
      </span>
      {issue.severity === "urgent" && <span class="mark is-urgent">{t("mark.urgent")}</span>}
      {issue.private && <span class="mark">{t("mark.private")}</span>}
    </p>
  );
}

function MergedInto({ merged }: { merged: NonNullable<CaseLife["merged"]> }) {
  return <><a href={`/case?id=${merged.id}`}>{merged.number ?? t("issue.show")}</a> <span class="pill">{tData("state", merged.state)}</span></>;
}

function Where({ issue, life, now }: { issue: IssueInFull; life: CaseLife; now: Date }) {
  const { location } = issue;
  return (
    <Facts
      rows={[
        [t("field.address_text"), issue.masked ? null : (issue.address ?? t("issue.noaddress"))],
        [t("issue.grid"), issue.grid ? beside(issue.grid.name, issue.grid.code) : t("issue.outside")],
        [t("issue.grid.worker"), issue.workers.join(t("list.comma"))],
        [t("issue.body"), nameOf(life.body)],
        [t("issue.assisting"), life.assisting.map(nameOf).join(t("list.comma"))],
        [t("issue.answer"), issue.public_answer],
        [t("issue.merged"), life.merged && <MergedInto key="merged" merged={life.merged} />],
        [t("issue.merged.answer"), life.merged?.public_answer ?? null],
        [t("issue.reporter"), issue.reporter],
        [t("issue.captured"), moment(issue.captured_at, now)],
        [t("issue.coordinates"), location && `${location.lon.toFixed(6)}, ${location.lat.toFixed(6)}`],
        [t("nav.map"), <a key="map" href={`/map?issue=${issue.id}`}>{t("issue.show")}</a>],
      ]}
    />
  );
}
