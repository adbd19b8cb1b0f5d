/** The question before a private issue becomes public: which it is, and who will read it then. */
import { Refused } from "../api/client";
import type { Doc } from "../api/support";
import { t } from "../i18n";
import { Ask } from "../page/Ask";
import type { Here } from "../page/Staff";
import { gist } from "../page/values";

/** The issue, where the server refuses only until somebody says that it shall become public; null otherwise. */
export function wouldPublish(error: unknown): Doc | null {
  if (!(error instanceof Refused) || !(error.problem.type ?? "").endsWith("/becomes-public")) return null;
  return (error.problem as { record?: Doc }).record ?? {};
}

interface Props {
  issue: Doc;
  categories: Here["categories"];
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

export function MakePublic({ issue, categories, onConfirm, onClose }: Props) {
  return (
    <Ask title={t("public.title")} confirm={t("public.do")} grave onConfirm={onConfirm} onClose={onClose}>
      <p><strong>{gist(issue, categories)}</strong></p>
      <p>{t("public.text")}</p>
    </Ask>
  );
}
