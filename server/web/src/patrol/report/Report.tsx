/** A report: photo, place, what it is, words. Nothing is asked that the phone knows, and only two things must be said. */
import { useState } from "preact/hooks";
import { currentLanguage, t, tData } from "../../i18n";
import { MemoField } from "../camera/MemoField";
import { PhotoField } from "../camera/PhotoField";
import type { Household } from "../records";
import { usePhone } from "../shell/live";
import { go } from "../shell/route";
import { useBusy } from "../shell/updates";
import { placeWords } from "../today/words";
import { CategoryChoice } from "./CategoryChoice";
import { type Missing, emptyDraft, enterReport, missingIn, useDraft } from "./draft";
import { useCatalogue } from "./catalogue";
import { type Ban, nearBy, useLikely } from "./likely";
import { similar } from "./near";
import { Place } from "./Place";

/** `household`: of which door it is told, where it was begun there. */
export function Report({ household }: { household: string | null }) {
  const { phone, book } = usePhone();
  const home = book.households.find(({ id }) => id === household);
  const [draft, change, forget] = useDraft(phone, (found) => found ?? begun(phone.newId(), home));
  const [asked, setAsked] = useState<Missing | null>(null);
  const [recording, setRecording] = useState(false);
  const [waits, setWaits] = useState(false);
  const categories = useCatalogue(phone);
  const likely = useLikely(phone, draft ?? NOT_READ);
  useBusy("report", draft !== null);
  if (draft === null) return null;

  const category = categories.find(({ code }) => code === draft.category);
  const held = category !== undefined && draft.place !== null ? similar(book.issues, category, draft.place) : [];
  const alike = nearBy(held, likely.candidates, draft.id);
  const send = async (): Promise<void> => {
    setWaits(recording);
    if (recording) return;
    const missing = missingIn(draft);
    setAsked(missing);
    if (missing !== null) return;
    await enterReport(phone, draft);
    go("issue", draft.id);
  };
  const drop = async (): Promise<void> => {
    for (const photo of [...draft.photos, ...draft.after, ...draft.memos]) await phone.photos.drop(photo);
    await forget();
    go("today");
  };

  return (
    <div class="patrol-part">
      <h1>{t("patrol.report")}</h1>
      <PhotoField id="photo" label={t("patrol.photo.seen")} collection="issues" record={draft.id} photos={draft.photos} onPhotos={(photos) => change({ photos })} />
      <Place place={draft.place} byHand={draft.byHand} onPlace={(place, byHand) => change({ place, byHand })} />
      <label class="patrol-field" for="address">
        <span>{t(draft.place === null ? "patrol.address" : "patrol.address.more")}</span>
        <input id="address" value={draft.address} maxLength={200} autocomplete="off" onInput={({ currentTarget }) => change({ address: currentTarget.value })} />
      </label>
      <CategoryChoice chosen={draft.category} onChoose={(code) => change({ category: code })} />
      {likely.not_reported.map((ban) => <p key={ban.zh} class="warning" role="status">{banWords(ban)}</p>)}
      {alike.length > 0 && (
        <section class="notice patrol-again" aria-labelledby="alike">
          <h2 id="alike">{t("patrol.similar")}</h2>
          <ul class="patrol-list">
            {alike.slice(0, 3).map(({ id, distance_m, state, words }) => (
              <li key={id}>{t("patrol.similar.one", { n: Math.round(distance_m), state: tData("state", state), words })}</li>
            ))}
          </ul>
          <button type="button" class="patrol-plain" onClick={() => void drop()}>{t("patrol.similar.same")}</button>
          <p>{t("patrol.similar.other")}</p>
        </section>
      )}
      <label class="patrol-field" for="words">
        <span>{t("patrol.words")}</span>
        <textarea id="words" rows={3} maxLength={4000} value={draft.description} onInput={({ currentTarget }) => change({ description: currentTarget.value })} />
      </label>
      <MemoField collection="issues" record={draft.id} memos={draft.memos} onMemos={(memos) => change({ memos })} onRunning={setRecording} />
      <label class="check patrol-check"><input type="checkbox" checked={draft.urgent} onChange={({ currentTarget }) => change({ urgent: currentTarget.checked })} />{t("patrol.urgent")}</label>
      <label class="check patrol-check"><input type="checkbox" checked={draft.settled} onChange={({ currentTarget }) => change({ settled: currentTarget.checked })} />{t("patrol.settled")}</label>
      {draft.settled && (
        <>
          <label class="patrol-field" for="answer">
            <span>{t("patrol.settled.how")}</span>
            <textarea id="answer" rows={2} maxLength={4000} value={draft.answer} onInput={({ currentTarget }) => change({ answer: currentTarget.value })} />
          </label>
          <PhotoField id="after" label={t("patrol.photo.after")} collection="issues" record={draft.id} photos={draft.after} onPhotos={(after) => change({ after })} />
          {category !== undefined && ["after", "both"].includes(category.photo_rule) && draft.after.length === 0 && <p class="notice">{t("patrol.settled.photo")}</p>}
        </>
      )}
      {asked !== null && missingIn(draft) === asked && <p class="warning" role="alert">{t(`patrol.missing.${asked}`)}</p>}
      {waits && recording && <p class="warning" role="alert">{t("patrol.memo.first")}</p>}
      <button type="button" class="wide" onClick={() => void send()}>{t("patrol.report.send")}</button>
      <p class="faint">{t("patrol.report.kept")}</p>
      <button type="button" class="patrol-grave" onClick={() => void drop()}>{t("patrol.report.drop")}</button>
    </div>
  );
}

const NOT_READ = emptyDraft("");

function banWords({ zh, en, hours }: Ban): string {
  const why = currentLanguage() === "en" && en ? en : zh;
  return !hours ? t("patrol.banned", { why }) : t("patrol.banned.hours", { why, hours });
}

/** A report that begins at a door has its place and address already. */
function begun(id: string, home: Household | undefined): ReturnType<typeof emptyDraft> {
  const empty = emptyDraft(id);
  return home === undefined ? empty : { ...empty, household: home.id, place: home.location, byHand: true, address: placeWords(home) };
}
