/** One case kept fresh: what it is about and how it stands; a step's own answer is shown before the next reading. */
import { useEffect, useState } from "preact/hooks";
import type { CaseLife } from "../api/cases";
import type { IssueInFull } from "../api/types";
import { type Live, useLive } from "../board/live";

export interface OneCase {
  id: string | null;
  issue: Live<IssueInFull>;
  life: CaseLife | null;
  trouble: Live<unknown>;
  /** The case as a step left it; null: read it anew. */
  changed: (life: CaseLife | null) => void;
}

export function useCase(id: string | null): OneCase {
  const issue = useLive<IssueInFull>(id && `/v1/issues/${id}`);
  const read = useLive<CaseLife>(id && `/v1/cases/${id}`);
  const [after, setAfter] = useState<CaseLife | null>(null);
  useEffect(() => setAfter(null), [read.value, id]);
  const life = after ?? read.value;
  return {
    id,
    issue: id !== null && issue.value?.id === id ? issue : { ...issue, value: null },
    life: life?.id === id ? life : null,
    trouble: read,
    changed: (next) => {
      setAfter(next);
      read.retry();
      issue.retry();
    },
  };
}
