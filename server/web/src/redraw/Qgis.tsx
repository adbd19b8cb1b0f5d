/** How QGIS is connected: the address, the layers, and application passwords. */
import type { Draft } from "../api/redraw";
import type { Session } from "../api/types";
import { t } from "../i18n";
import { AppPasswords } from "../page/AppPasswords";
import { CopyLine } from "../page/CopyLine";
import { useRead } from "../page/reading";

export function Qgis({ session, locating }: { session: Session; locating: string }) {
  return (
    <>
      <section class="panel ground-qgis">
        <h2>{t("qgis.title")}</h2>
        <ol>
          <li>{t("qgis.step.password")}</li>
          <li>{t("qgis.step.connect")}</li>
          <li>{t("qgis.step.layer")}</li>
        </ol>
        <CopyLine words={t("qgis.address")} line={`${location.origin}/ogc`} />
        <CopyLine words={t("qgis.login")} line={session.person.login} />
      </section>
      <AppPasswords />
      <Layers locating={locating} />
    </>
  );
}

/** The layers that can be edited: one of each draft that is not closed, for the areas that records are located in. */
function Layers({ locating }: { locating: string }) {
  const { value } = useRead<{ drafts: Draft[] }>("/v1/drafts");
  const open = value?.drafts.filter((draft) => draft.published_edition === null && draft.planned?.state !== "waiting") ?? [];
  return (
    <section class="panel ground-qgis">
      <h2>{t("qgis.layers")}</h2>
      <dl class="ground-layers">
        {open.map((draft) => (
          <div key={draft.id}><dt><code>{`draft-${draft.id}-${locating}`}</code></dt><dd>{draft.name}</dd></div>
        ))}
        <div><dt><code>{`areas-${locating}`}</code></dt><dd class="faint">{t("qgis.inforce")}</dd></div>
      </dl>
      {value !== null && open.length === 0 && <p class="faint">{t("qgis.nodrafts")}</p>}
    </section>
  );
}
