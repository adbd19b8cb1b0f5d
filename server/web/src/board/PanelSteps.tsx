/** What may be done with the issue in the panel: the same steps as on the case's own page, which is a link away. */
import { useState } from "preact/hooks";
import type { CaseLife } from "../api/cases";
import { CaseSteps } from "../case/CaseSteps";
import { Clocks } from "../case/Timeline";
import { t } from "../i18n";
import { Section } from "../page/Facts";
import { useLive } from "./live";

interface Props {
  id: string;
  now: Date;
  /** After a step the issue is another. */
  onChanged: () => void;
}

export function PanelSteps({ id, now, onChanged }: Props) {
  const read = useLive<CaseLife>(`/v1/cases/${id}`);
  const [chosen, choose] = useState<string | null>(null);
  const [after, setAfter] = useState<{ life: CaseLife; before: CaseLife | null } | null>(null);
  const life = after !== null && after.before === read.value ? after.life : read.value;
  if (life?.id !== id) return null;
  return (
    <>
      <Section name={t("case.steps")}>
        <CaseSteps
          life={life}
          chosen={chosen}
          now={now}
          onChoose={choose}
          onChanged={(next) => {
            setAfter(next && { life: next, before: read.value });
            read.retry();
            onChanged();
          }}
        />
        <p class="panel-more"><a href={`/case?id=${id}`}>{t("case.open", { number: life.number ?? "" })}</a></p>
      </Section>
      {life.clocks.length > 0 && <Section name={t("case.clocks")}><Clocks life={life} now={now} /></Section>}
    </>
  );
}
