/** The photos of a case, as one looks at them: small, the whole behind a press; what is awaited or cannot be shown is said. */
import type { ComponentChildren } from "preact";
import type { Photo } from "../api/types";
import { t } from "../i18n";

export function Photos({ photos }: { photos: readonly Photo[] }) {
  if (photos.length === 0) return null;
  return (
    <ul class="case-photos" aria-label={t("issue.photos")}>
      {photos.map((photo, index) => (
        <li key={photo.id}><Frame photo={photo} words={t("issue.photo", { n: index + 1 })} /></li>
      ))}
    </ul>
  );
}

function Frame({ photo, words }: { photo: Photo; words: string }): ComponentChildren {
  if (photo.awaited || photo.refused !== undefined) {
    return <span class="photo-gap">{words} <small>{t(photo.awaited ? "issue.photo.awaited" : "issue.photo.refused")}</small></span>;
  }
  const shown = photo.preview === "ready" ? "preview" : "content";
  return <a href={`/v1/files/${photo.id}/content`} target="_blank" rel="noopener"><img src={`/v1/files/${photo.id}/${shown}`} alt={words} loading="lazy" /></a>;
}
