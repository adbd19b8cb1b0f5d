/** A boundary file into a new draft: it is sent, looked at, told of with its places on the map, and taken. */
import { useEffect, useState } from "preact/hooks";
import { post, read, sendFile } from "../api/client";
import type { BoundaryImport, ImportFault } from "../api/redraw";
import { currentLanguage, t } from "../i18n";
import { refuseOrLeave } from "../page/reading";
import type { Table } from "./table";
import type { RedrawMap } from "./map";

const IMPORTS = "/v1/boundaries/imports";
const LIMIT_BYTES = 200 * 1024 * 1024;
const POLL_MS = 700;
const MOST_SHOWN = 200;
/** What a file may not say of itself; the names of the API. */
const UNSAID = ["code_field", "name_field", "parent_field", "layer", "crs", "encoding"] as const;
type Unsaid = Partial<Record<(typeof UNSAID)[number], string>>;

interface Props {
  table: Table;
  onOpen: (draft: number) => void;
}

export function Import({ table, onOpen }: Props) {
  const [open, setOpen] = useState(false);
  if (!open) return <button type="button" class="quiet import-open" onClick={() => setOpen(true)}>{t("import.open")}</button>;
  return <Importing table={table} onOpen={onOpen} onClose={() => setOpen(false)} />;
}

function Importing({ table, onOpen, onClose }: Props & { onClose: () => void }) {
  const [told, setTold] = useState<BoundaryImport | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => void table.map?.show(null), [table.map]);
  useEffect(() => {
    if (told === null || isEnded(told)) return undefined;
    const asking = new AbortController();
    const timer = setTimeout(() => {
      read<BoundaryImport>(`${IMPORTS}/${told.id}`, asking.signal).then(setTold, (error: unknown) => refuseOrLeave(error, setTrouble));
    }, POLL_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [told]);
  useEffect(() => {
    if (told?.state === "done" && !told.dry_run && told.outcome?.draft) onOpen(told.outcome.draft);
  }, [told]);

  const ask = async (asked: Promise<BoundaryImport>): Promise<void> => {
    setTrouble(null);
    setBusy(true);
    await asked.then(setTold, (error: unknown) => refuseOrLeave(error, setTrouble));
    setBusy(false);
  };
  const send = (file: File, kind: string, parent: string, retire: boolean, unsaid: Unsaid): void => {
    if (file.size > LIMIT_BYTES) return setTrouble(t("import.toolarge"));
    const asked = new URLSearchParams({ name: file.name.slice(-200), kind, draft: "new", retire_missing: String(retire) });
    if (parent !== "") asked.set("parent", parent);
    for (const name of UNSAID) if (unsaid[name]) asked.set(name, unsaid[name]);
    setTold(null);
    void ask(sendFile<BoundaryImport>(`${IMPORTS}?${asked}`, file));
  };
  const running = busy || (told !== null && !isEnded(told));
  return (
    <section class="panel import">
      <div class="head">
        <h2>{t("import.title")}</h2>
        <button type="button" class="quiet" onClick={onClose}>{t("import.close")}</button>
      </div>
      <Choice table={table} busy={running} onSend={send} />
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
      {running && <p role="status" class="faint">{progressOf(told)}</p>}
      {told !== null && isEnded(told) && (
        <Report told={told} map={table.map} onTake={() => void ask(post<BoundaryImport>(`${IMPORTS}/${told.id}/taking`, { draft: "new" }))} />
      )}
    </section>
  );
}

function isEnded({ state }: BoundaryImport): boolean {
  return state === "done" || state === "refused";
}

function progressOf(told: BoundaryImport | null): string {
  if (told === null) return t("import.sending");
  const { read: features, mended, checked } = told.counts;
  if (checked !== undefined) return t("import.storing");
  if (features === undefined) return t("import.waiting");
  return t("import.reading", { mended: mended ?? 0, read: features });
}

interface ChoiceProps {
  table: Table;
  busy: boolean;
  onSend: (file: File, kind: string, parent: string, retire: boolean, unsaid: Unsaid) => void;
}

function Choice({ table, busy, onSend }: ChoiceProps) {
  const { kinds } = table.ground;
  const [file, setFile] = useState<File | null>(null);
  const [kind, setKind] = useState(kinds.find((each) => each.is_locating)?.code ?? kinds[0]?.code ?? "");
  const [parent, setParent] = useState("");
  const [retire, setRetire] = useState(false);
  const [unsaid, setUnsaid] = useState<Unsaid>({});
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (file) onSend(file, kind, parent.trim(), retire, unsaid);
  };
  return (
    <form class="ground-form" onSubmit={submit}>
      <label class="pick import-file">
        <span>{t("import.file")}</span>
        <input type="file" required accept=".gpkg,.zip,.geojson,.json,.kml,.kmz,.csv" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
      </label>
      <label class="pick">
        <span>{t("import.kind")}</span>
        <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          {kinds.map((each) => <option key={each.code} value={each.code}>{currentLanguage() === "zh" ? each.name_zh : each.name_en}</option>)}
        </select>
      </label>
      <label class="pick">
        <span>{t("import.parent")}</span>
        <input value={parent} maxLength={40} onInput={(event) => setParent(event.currentTarget.value)} />
      </label>
      <label class="check import-file">
        <input type="checkbox" checked={retire} onChange={(event) => setRetire(event.currentTarget.checked)} />
        <span>{t("import.retire")}</span>
      </label>
      <details class="import-file">
        <summary>{t("import.unsaid")}</summary>
        {UNSAID.map((name) => (
          <label class="pick" key={name}>
            <span>{t(`import.${name}`)}</span>
            <input name={name} value={unsaid[name] ?? ""} maxLength={100} onInput={({ currentTarget }) => setUnsaid({ ...unsaid, [name]: currentTarget.value.trim() })} />
          </label>
        ))}
      </details>
      <span class="links"><button type="submit" class="do" disabled={busy || file === null}>{t("import.look")}</button></span>
    </form>
  );
}

/** As the check of a draft has them: nobody needs their colour. */
const SIGNS = { refused: "✖", warning: "▲", mended: "✔", note: "●" } as const;

function levelOf({ level, refused, severity }: ImportFault): "refused" | "warning" | "mended" | "note" {
  if (level) return level;
  if (refused) return "refused";
  return severity === "note" ? "note" : "warning";
}

interface ReportProps {
  told: BoundaryImport;
  map: RedrawMap | null;
  onTake: () => void;
}

function Report({ told, map, onTake }: ReportProps) {
  const { outcome, problem, report } = told;
  const place = problem?.lon !== undefined && problem.lat !== undefined ? { type: "Point" as const, coordinates: [problem.lon, problem.lat] } : null;
  const changes = outcome === null ? 0 : outcome.added + outcome.changed + outcome.retired;
  return (
    <>
      {problem !== null && (
        <div class="notice trouble" role="alert">
          <span>{[problem.title, problem.area, problem.detail].filter(Boolean).join(" · ")}</span>
          {place && <button type="button" class="quiet" onClick={() => void map?.show(place)}>{t("gate.show")}</button>}
        </div>
      )}
      {outcome !== null && (
        <p role="status">
          {t("import.outcome", { areas: outcome.areas, added: outcome.added, changed: outcome.changed, unchanged: outcome.unchanged, retired: outcome.retired, crs: outcome.crs })}
        </p>
      )}
      {report && report.total > 0 ? <p class="faint">{t("import.faults", { n: report.total })}</p> : outcome !== null && <p class="faint">{t("import.clean")}</p>}
      <ul class="ground-findings import-report">
        {report?.features.slice(0, MOST_SHOWN).map(({ properties, geometry }, index) => (
          <li key={index}>
            <span class={properties.refused ? "mark is-error" : "mark"}><span aria-hidden="true">{SIGNS[levelOf(properties)]}</span> {t(`import.level.${levelOf(properties)}`)}</span>
            <span>{[properties.areas.join(" / "), properties.text[currentLanguage()]].filter(Boolean).join(": ")}</span>
            {geometry ? <button type="button" class="quiet" onClick={() => void map?.show(geometry)}>{t("gate.show")}</button> : <span />}
          </li>
        ))}
      </ul>
      {outcome !== null && told.dry_run && (
        <p class="card-foot"><button type="button" class="do" disabled={changes === 0} onClick={onTake}>{t("import.take")}</button></p>
      )}
    </>
  );
}
