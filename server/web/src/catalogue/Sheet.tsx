/** The catalogue as a workbook: taken down, edited elsewhere, and looked at before it is entered. */
import { useState } from "preact/hooks";
import { Refused, sendFile } from "../api/client";
import type { CatalogueFault, CatalogueReport } from "../api/rulebook";
import { t } from "../i18n";
import { refuseOrLeave } from "../page/reading";
import { query } from "../page/reading";
import { FromInput, Report } from "./Report";
import { instant } from "./values";

export function Sheet({ may, entered }: { may: boolean; entered: () => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [from, setFrom] = useState("");
  const [look, setLook] = useState<CatalogueReport | null>(null);
  const [done, setDone] = useState<CatalogueReport | null>(null);
  const [faults, setFaults] = useState<readonly CatalogueFault[]>([]);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const clear = (): void => {
    setLook(null);
    setDone(null);
    setFaults([]);
    setTrouble(null);
  };
  const send = (dry: boolean, chosen: File): Promise<CatalogueReport> => sendFile<CatalogueReport>(`/v1/catalogue/xlsx?${query({ dry_run: String(dry), from: instant(from) ?? "", make_public: !dry && (look?.made_public.cases ?? 0) > 0 ? "true" : "" })}`, chosen);
  const tryIt = (event: SubmitEvent): void => {
    event.preventDefault();
    clear();
    if (file === null) return setTrouble(t("catalogue.sheet.missing"));
    setBusy(true);
    send(true, file).then((answer) => (answer.faults.length > 0 ? setFaults(answer.faults) : setLook(answer)), (error: unknown) => refuseOrLeave(error, setTrouble)).finally(() => setBusy(false));
  };
  const enter = async (): Promise<void> => {
    if (file === null) return;
    try {
      const answer = await send(false, file);
      clear();
      setDone(answer);
      entered();
    } catch (error) {
      if (error instanceof Refused) setFaults((error.problem as { faults?: CatalogueFault[] }).faults ?? []);
      throw error;
    }
  };
  return (
    <section class="panel catalogue-sheet">
      <h2>{t("catalogue.sheet")}</h2>
      <p class="faint">{t("catalogue.sheet.about")}</p>
      <p class="links"><a href="/v1/catalogue/xlsx" download="catalogue.xlsx">{t("catalogue.sheet.down")}</a></p>
      {may && (
        <form onSubmit={tryIt}>
          <div class="picks">
            <label class="pick">
              <span>{t("catalogue.sheet.file")}</span>
              <input type="file" accept=".xlsx" onChange={(event) => { clear(); setFile(event.currentTarget.files?.[0] ?? null); }} />
            </label>
            <FromInput value={from} onChange={(value) => { clear(); setFrom(value); }} />
            <button type="submit" class="quiet" disabled={busy}>{t(busy ? "live.loading" : "catalogue.look")}</button>
          </div>
        </form>
      )}
      <Report look={look} done={done} faults={faults} trouble={trouble} from={instant(from)} onEnter={enter} />
    </section>
  );
}
