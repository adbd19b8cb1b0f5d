/** Disputes: what two authors made of one field, side by side with what both had seen; a person decides. */
import { useRef, useState } from "preact/hooks";
import { tell } from "../api/client";
import type { Doc, Dispute, Disputes as Read, Field, Fields, Side, Value } from "../api/support";
import { beside, says, t, tData } from "../i18n";
import { type Here, More, Trouble } from "../page/Staff";
import { faultsOf, query, refuseOrLeave, usePaged, useRead } from "../page/reading";
import { fieldName, gist, shown } from "../page/values";
import { moment } from "../time";
import { Filters, useWanted } from "./Filters";
import { MakePublic, wouldPublish } from "./MakePublic";

type Choice = "standing" | "offered" | "other";
const AT_ONCE = 50;

export function Disputes({ ground, categories }: Here) {
  const [wanted, change] = useWanted("disputes");
  const fields = useRead<{ collections: Fields }>("/v1/review/fields");
  const cards = useRef<HTMLOListElement>(null);
  const list = usePaged<Read, Dispute>(
    `/v1/review/conflicts?${query({ ...wanted, limit: AT_ONCE })}`,
    (page) => page.conflicts,
    (page) => (page.has_more ? `&after=${page.after}` : null),
  );
  const total = Object.values(list.page?.counts ?? {}).reduce((sum, each) => sum + each, 0);
  const decided = (dispute: Dispute, place: number): void => {
    list.drop((each) => each.record_id === dispute.record_id && each.field === dispute.field);
    // The next dispute takes the place of this one, and the keyboard goes on there.
    window.setTimeout(() => cards.current?.querySelectorAll<HTMLInputElement>("li .side-head input")[place * 2]?.focus(), 0);
  };
  return (
    <>
      <Filters ground={ground} wanted={wanted} change={change} kinds={[["field", t("dispute.kind.field")], ["delete", t("dispute.kind.delete")]]} />
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && <p class="faint count" role="status">{t("dispute.count", { n: total - list.dropped })}</p>}
      {list.page && list.rows.length === 0 && !list.hasMore && <p class="nothing">{t("dispute.none")}</p>}
      <ol class="cards" ref={cards}>
        {list.rows.map((each, place) => (
          <Card
            key={each.id}
            dispute={each}
            categories={categories}
            field={fields.value?.collections[each.collection]?.find((one) => one.name === each.field)}
            done={() => decided(each, place)}
          />
        ))}
      </ol>
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

interface CardProps {
  dispute: Dispute;
  categories: Here["categories"];
  field: Field | undefined;
  done: () => void;
}

function Card({ dispute, categories, field, done }: CardProps) {
  const [choice, setChoice] = useState<Choice | null>(null);
  const [other, setOther] = useState("");
  const [trouble, setTrouble] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  const [publishing, setPublishing] = useState<Doc | null>(null);
  const sides = { standing: dispute.standing, offered: dispute.offered };
  const settle = (chosen: Choice, makePublic: boolean): Promise<void> =>
    tell(`/v1/review/conflicts/${dispute.id}/decision`, { ...decision(dispute, chosen, other), ...(makePublic && { make_public: true }) });
  const decide = (event: SubmitEvent): void => {
    event.preventDefault();
    if (choice === null) return setTrouble([t("dispute.choose")]);
    if (choice === "other" && !other.trim()) return setTrouble([t("dispute.fill")]);
    setBusy(true);
    setTrouble([]);
    settle(choice, false).then(done, (error: unknown) => {
      setBusy(false);
      const issue = wouldPublish(error);
      if (issue !== null) return setPublishing(issue);
      refuseOrLeave(error, (words) => setTrouble([words, ...faultsOf(error).map((each) => says(fieldName(each.field), each.message))]));
      return undefined;
    });
    return undefined;
  };
  return (
    <li class="panel card">
      <form onSubmit={decide}>
        <p class="card-head">
          <strong>{tData("collection", dispute.collection)} · {dispute.kind === "delete" ? t("dispute.kind.delete") : fieldName(dispute.field)}</strong>
          <span>{dispute.grid?.name ?? t("issue.outside")}</span>
          <time class="faint">{t("dispute.since", { time: moment(dispute.created_at, new Date()) })}</time>
        </p>
        <p class="gist">
          {gist(dispute.doc, categories)} <a href={`/support?record=${dispute.collection}/${dispute.record_id}`}>{t("staff.history")}</a>
        </p>
        <fieldset class="sides">
          <legend class="unseen">{t("dispute.choose")}</legend>
          {dispute.kind === "field" && (
            <div class="side">
              <span class="side-head">{t("dispute.base")}</span>
              <b>{shown(dispute.field, dispute.base?.value, categories)}</b>
              {dispute.base_rev !== null && <span class="faint">{t("record.rev", { n: dispute.base_rev })}</span>}
            </div>
          )}
          {(["standing", "offered"] as const).map((each) => (
            <label key={each} class="side is-choice">
              <span class="side-head">
                <input type="radio" name={`d${dispute.id}`} checked={choice === each} onChange={() => setChoice(each)} /> {t(`dispute.${each}`)}
              </span>
              <b>{worth(dispute, sides[each], categories)}</b>
              <span class="faint">{who(dispute, each)}</span>
            </label>
          ))}
        </fieldset>
        <div class="card-foot">
          {dispute.kind === "field" && field?.kind === "text" && (
            <label class="side-other">
              <input type="radio" name={`d${dispute.id}`} checked={choice === "other"} onChange={() => setChoice("other")} /> {t("dispute.other")}
              <Other
                field={field}
                categories={categories}
                value={other}
                onChange={(value) => {
                  setOther(value);
                  setChoice("other");
                }}
              />
            </label>
          )}
          <button type="submit" class="do" disabled={busy}>{t("dispute.decide")}</button>
        </div>
        {trouble.map((each) => <p key={each} class="warning" role="alert">{each}</p>)}
      </form>
      {publishing && choice !== null && (
        <MakePublic issue={publishing} categories={categories} onConfirm={() => settle(choice, true).then(done)} onClose={() => setPublishing(null)} />
      )}
    </li>
  );
}

function decision(dispute: Dispute, choice: Choice, other: string): { value?: Value; delete?: boolean } {
  if (choice === "other") return { value: other.trim() };
  if (dispute.kind === "delete") return { delete: dispute[choice].deletes === true };
  return { value: dispute[choice].value ?? null };
}

function worth(dispute: Dispute, side: Side, categories: Here["categories"]): string {
  if (dispute.kind === "field") return shown(dispute.field, side.value, categories);
  if (side.deletes) return t("dispute.deletes");
  const changed = Object.entries((side.value ?? {}) as Record<string, Value>);
  return t("dispute.keeps", { changes: changed.map(([name, value]) => `${fieldName(name)} ${shown(name, value, categories)}`).join(t("list.and")) });
}

function who(dispute: Dispute, each: "standing" | "offered"): string {
  const side = dispute[each];
  const name = (each === "standing" ? dispute.standing_name : dispute.offered_name) ?? side.author ?? t("history.server");
  const told = side.author && side.author !== name ? beside(name, side.author) : name;
  const captured = side.captured_at ? t("record.captured", { time: moment(side.captured_at, new Date()) }) : "";
  const received = each === "offered" ? t("record.received", { time: moment(dispute.offered_at, new Date()) }) : "";
  return [told, captured, received].filter(Boolean).join(" · ");
}

interface OtherProps {
  field: Field;
  categories: Here["categories"];
  value: string;
  onChange: (value: string) => void;
}

function Other({ field, categories, value, onChange }: OtherProps) {
  const codes = [...categories.values()].filter((each) => each.parent !== null).map((each) => each.code);
  const choices = field.name === "category" ? codes : field.choices;
  if (choices === null) return <input type="text" aria-label={t("dispute.other")} value={value} onInput={(event) => onChange(event.currentTarget.value)} />;
  return (
    <select aria-label={t("dispute.other")} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
      <option value="">–</option>
      {choices.map((each) => <option key={each} value={each}>{shown(field.name, each, categories)}</option>)}
    </select>
  );
}
