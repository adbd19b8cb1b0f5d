/** Quarantine: what was sent and could not be applied, why, and the two ways out: mended and released, or dismissed. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { tell } from "../api/client";
import type { Fields, Kept, Quarantine as Read } from "../api/support";
import { beside, listed, t } from "../i18n";
import { Ask } from "../page/Ask";
import { type Here, More, Trouble } from "../page/Staff";
import { query, usePaged, useRead } from "../page/reading";
import { Values, deed, fieldName } from "../page/values";
import { moment } from "../time";
import { Filters, useWanted } from "./Filters";
import { MendForm } from "./MendForm";
import { rawText, topOf } from "./mending";

const AT_ONCE = 50;
/** Refused for what its author may: then it is told what they worked in. */
const ABOUT_CHARGE = /(outside-your-areas|not-assigned-now|record-of-another)$/;

export function Quarantine({ ground, categories }: Here) {
  const [wanted, change] = useWanted("quarantine");
  const only = useRef(Number(new URLSearchParams(location.search).get("operation") ?? 0) || 0);
  const fields = useRead<{ collections: Fields }>("/v1/review/fields");
  const from = only.current > 0 ? `${query({ after: only.current - 1, limit: 1 })}` : query({ ...wanted, limit: AT_ONCE });
  const list = usePaged<Read, Kept>(
    `/v1/review/quarantine?${from}`,
    (page) => page.operations.filter((each) => only.current === 0 || each.id === only.current),
    (page) => (page.has_more && only.current === 0 ? `&after=${page.after}` : null),
  );
  const [told, setTold] = useState<string | null>(null);
  const total = (list.page?.reasons ?? []).reduce((sum, each) => sum + each.number, 0);
  const narrow = (part: Parameters<typeof change>[0]): void => {
    only.current = 0;
    change(part);
  };
  const out = (kept: Kept, words: string): void => {
    setTold(words);
    list.drop((each) => each.id === kept.id);
  };
  return (
    <>
      <Filters ground={ground} wanted={wanted} change={narrow} kinds={(list.page?.reasons ?? []).map((each) => [each.code, beside(each.title, each.number)] as const)} />
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && only.current === 0 && <p class="faint count" role="status">{t("quarantine.count", { n: total - list.dropped })} {told}</p>}
      {only.current > 0 && <p><a href="/review?list=quarantine">{t("quarantine.all")}</a> {told && <span role="status">{told}</span>}</p>}
      {list.page && list.rows.length === 0 && !list.hasMore && <p class="nothing">{t("quarantine.none")}</p>}
      <ol class="cards">
        {fields.value &&
          list.rows.map((each) => (
            <Card
              key={each.id}
              kept={each}
              fields={(fields.value as { collections: Fields }).collections}
              ground={ground}
              categories={categories}
              opened={only.current === each.id}
              out={(words) => out(each, words)}
            />
          ))}
      </ol>
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

interface CardProps {
  kept: Kept;
  fields: Fields;
  ground: Here["ground"];
  categories: Here["categories"];
  opened: boolean;
  out: (words: string) => void;
}

function Card({ kept, fields, ground, categories, opened, out }: CardProps) {
  const [mending, setMending] = useState(opened);
  const [dismissing, setDismissing] = useState(false);
  const mend = useRef<HTMLButtonElement>(null);
  const closed = useRef(false);
  useLayoutEffect(() => {
    if (closed.current) mend.current?.focus();
    closed.current = false;
  }, [mending]);
  const close = (): void => {
    closed.current = true;
    setMending(false);
  };
  return (
    <li class="panel card">
      <p class="card-head">
        <strong>{kept.name}</strong> <span class="faint">{kept.login}</span>
        <span>{deed(kept)}</span>
        <time class="faint">{t("record.received", { time: moment(kept.received_at, new Date()) })}</time>
      </p>
      <div class="notice">
        <p>{kept.problem.title}</p>
        {ABOUT_CHARGE.test(kept.problem.type) && <p>{t("quarantine.charge", { name: kept.name, areas: listed(kept.areas.map((area) => area.name)) || t("quarantine.nocharge") })}</p>}
        {kept.problem.errors?.map((each) => <p key={each.field}><b>{fieldName(topOf(each.field) || each.field)}</b> {each.message}</p>)}
      </div>
      {mending ? (
        <MendForm kept={kept} fields={fields} ground={ground} categories={categories} released={() => out(t("quarantine.released"))} onClose={close} />
      ) : (
        <>
          {kept.data && <Values doc={kept.data} categories={categories} />}
          {kept.raw && <pre class="raw">{rawText(kept.raw)}</pre>}
          <p class="links">
            <button ref={mend} type="button" class="do" onClick={() => setMending(true)}>{t("quarantine.mend")}</button>
            <button type="button" class="quiet" onClick={() => setDismissing(true)}>{t("quarantine.dismiss")}</button>
            {kept.record_id && <a href={`/support?record=${kept.collection}/${kept.record_id}`}>{t("staff.history")}</a>}
            {kept.device_id && <a href={`/support?device=${kept.device_id}`}>{t("staff.device")}</a>}
          </p>
        </>
      )}
      {dismissing && <Dismiss kept={kept} out={() => out(t("quarantine.dismissed"))} onClose={() => setDismissing(false)} />}
    </li>
  );
}

function Dismiss({ kept, out, onClose }: { kept: Kept; out: () => void; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const go = async (): Promise<void> => {
    await tell(`/v1/review/quarantine/${kept.id}/dismiss`, { reason: reason.trim() });
    out();
  };
  return (
    <Ask title={t("quarantine.dismiss.title")} confirm={t("quarantine.dismiss")} grave onConfirm={go} onClose={onClose}>
      <p>{t("quarantine.dismiss.text", { name: kept.name })}</p>
      <label class="pick">
        <span>{t("quarantine.reason")}</span>
        <textarea rows={3} maxLength={500} required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
    </Ask>
  );
}
