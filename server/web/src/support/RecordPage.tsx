/** The life of one record, operation by operation: who, when by which clock, on what base, what became of each field. */
import type { Page, Past } from "../api/support";
import { useBodyName } from "../case/bodies";
import { says, t, tData } from "../i18n";
import { type Here, More, Trouble } from "../page/Staff";
import { usePaged } from "../page/reading";
import { Values, deed, fieldName, shown } from "../page/values";
import { topOf } from "../review/mending";
import { moment } from "../time";
import { origins } from "./origins";

type Read = Page & { operations: Past[] };

export function RecordPage({ categories, collection, id }: Here & { collection: string; id: string }) {
  const path = `/v1/support/records/${encodeURIComponent(collection)}/${id}`;
  const list = usePaged<Read, Past>(`${path}?limit=200`, (page) => page.operations, (page) => (page.has_more ? `&after=${page.after}` : null));
  return (
    <>
      <p><a href="/support">{t("support.back")}</a></p>
      <h1>{t("record.title", { collection: tData("collection", collection) })}</h1>
      <p class="faint under"><code>{id}</code>{collection === "issues" && <> · <a href={`/map?issue=${id}`}>{t("issue.show")}</a></>}</p>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {!list.hasMore && <Origins operations={list.rows} categories={categories} collection={collection} />}
      {list.rows.length > 0 && <h2>{t("record.operations", { n: list.rows.length })}</h2>}
      <ol class="cards">{list.rows.map((each) => <Operation key={each.id} operation={each} categories={categories} />)}</ol>
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

function Origins({ operations, categories, collection }: { operations: readonly Past[]; categories: Here["categories"]; collection: string }) {
  const found = origins(operations);
  if (found.length === 0) return null;
  return (
    <section class="panel">
      <h2>{t("record.origins")}</h2>
      <table class="rows is-narrow">
        <tbody>
          {found.map(({ field, value, joined, by }) => (
            <tr key={field}>
              <th scope="row">{fieldName(field)}</th>
              <td>{joined ? t("record.joined") : shown(field, value, categories, { collection })}</td>
              <td class="faint">{by.map((each) => `${author(each)} ${moment(each.corrected_at ?? each.received_at, new Date())}`).join(t("list.and"))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function author(operation: Past): string {
  return operation.author_name ?? operation.author ?? t("history.server");
}

function Operation({ operation, categories }: { operation: Past; categories: Here["categories"] }) {
  const doc = operation.changes ?? operation.data;
  const body = useBodyName();
  const from = (field: string) =>
    operation.provenance?.[field] && <span class={`from is-${operation.provenance[field]}`}>{tData("from", operation.provenance[field])}</span>;
  return (
    <li class={`panel card is-${operation.status}`}>
      <p class="card-head">
        <strong>{author(operation)}</strong>
        <span>{deed(operation)}</span>
        <span class="mark">{tData("history.status", operation.status)}</span>
        {operation.rev !== null && <span class="faint">{t("record.rev", { n: operation.rev })}</span>}
      </p>
      <p class="faint numbers">{times(operation).join(" · ")}</p>
      {doc && <Values doc={doc} categories={categories} collection={operation.collection} body={body} note={from} />}
      {operation.problem && <p class="notice">{operation.problem.title}</p>}
      {operation.problem?.errors?.map((each) => <p key={each.field} class="faint">{says(fieldName(topOf(each.field) || each.field), each.message)}</p>)}
      {operation.ruling && (
        <p>
          {says(tData("history.status", operation.ruling), [operation.ruled_by, operation.ruling_note].filter(Boolean).join(" "))}
        </p>
      )}
      <p class="links">
        {operation.status === "quarantined" && <a href={`/review?list=quarantine&operation=${operation.id}`}>{t("support.mend")}</a>}
        {operation.device_id && <a href={`/support?device=${operation.device_id}`}>{operation.device} {operation.seq !== null && t("support.number", { n: operation.seq })}</a>}
      </p>
    </li>
  );
}

function times(operation: Past): string[] {
  const now = new Date();
  const told: string[] = [];
  if (operation.device_id && operation.captured_at) told.push(t("record.captured", { time: moment(operation.captured_at, now) }));
  if (operation.device_id && operation.corrected_at && differs(operation)) told.push(t("record.corrected", { time: moment(operation.corrected_at, now) }));
  told.push(t("record.received", { time: moment(operation.received_at, now) }));
  if (operation.base_rev !== null) told.push(t("record.base.rev", { n: operation.base_rev }));
  else if (operation.base_op) told.push(t("record.base.op", { id: operation.base_op.slice(0, 8) }));
  else if (operation.device_id) told.push(t("record.base.none"));
  return told;
}

function differs(operation: Past): boolean {
  return Math.abs(Date.parse(operation.corrected_at as string) - Date.parse(operation.captured_at as string)) > 1000;
}
