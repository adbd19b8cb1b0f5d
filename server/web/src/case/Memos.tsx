/** The voice memos of a case, to be heard; what is awaited or cannot be heard is said. */
import type { Photo } from "../api/types";
import { t } from "../i18n";

export function Memos({ memos }: { memos: readonly Photo[] }) {
  if (memos.length === 0) return null;
  return (
    <ul class="case-memos" aria-label={t("issue.memos")}>
      {memos.map(({ id, awaited, refused }, index) => {
        const words = t("issue.memo", { n: index + 1 });
        const isThere = !awaited && refused === undefined;
        return (
          <li key={id}>
            <span>{words}</span>
            {isThere ? <audio controls preload="none" src={`/v1/files/${id}/content`} aria-label={words} /> : <small>{t(awaited ? "issue.photo.awaited" : "issue.photo.refused")}</small>}
          </li>
        );
      })}
    </ul>
  );
}
