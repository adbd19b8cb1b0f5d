/** The visit that was just entered: what came up at the door is added to it, by phrases or in words. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Fields } from "../../sync/index";
import { MemoField } from "../camera/MemoField";
import { PhotoField } from "../camera/PhotoField";
import type { Household, Outcome, Visit } from "../records";
import { usePhone } from "../shell/live";
import { useBusy } from "../shell/updates";
import { momentOf } from "../shell/SyncLine";
import { Answers } from "./Answers";
import { NEEDS, outcomeWords } from "./words";

interface Props {
  readonly visit: Visit;
  readonly home: Household;
  readonly onAgain: (outcome: Outcome, appointment: string | null) => Promise<void>;
}

interface Added {
  readonly needs: readonly string[];
  readonly note: string;
  readonly photos: readonly string[];
  readonly memos: readonly string[];
}

export function ThisVisit({ visit, home, onAgain }: Props) {
  const { phone } = usePhone();
  const draft = `visit/${visit.id}`;
  const had: Added = { needs: visit.needs, note: visit.note ?? "", photos: visit.photos, memos: visit.memos };
  const [added, setAdded] = useState(had);
  const [again, setAgain] = useState(false);
  const [kept, setKept] = useState(false);
  const [recording, setRecording] = useState(false);
  useEffect(() => {
    void phone.drafts.get(draft).then((found) => found && setAdded({ ...had, ...(found.value as Partial<Added>) }));
  }, [phone, draft]);
  const changed = added.note !== had.note || added.needs.join() !== had.needs.join() || added.photos.join() !== had.photos.join() || added.memos.join() !== had.memos.join();
  useBusy(draft, changed);

  const change = (next: Added): void => {
    setAdded(next);
    setKept(false);
    void phone.draft(draft, next);
  };
  const toggle = (need: string): void =>
    change({ ...added, needs: added.needs.includes(need) ? added.needs.filter((each) => each !== need) : [...added.needs, need] });
  const keep = async (): Promise<void> => {
    const data: Fields = { ...(added.note.trim() !== "" && { note: added.note.trim() }), needs: added.needs, photos: added.photos, ...(added.memos.length > 0 && { memos: added.memos }) };
    await phone.addTo("visits", visit.id, data);
    const unknown = added.needs.filter((need) => !home.needs.includes(need));
    if (unknown.length > 0) await phone.client.patch("households", home.id, { needs: [...home.needs, ...unknown] });
    await phone.draft(draft, null);
    setKept(true);
  };

  return (
    <section class="patrol-visit" aria-labelledby="this-visit">
      <h2 id="this-visit">{t("patrol.visit.this", { outcome: outcomeWords(visit.outcome), at: visit.at === null ? "" : momentOf(visit.at) })}</h2>
      <p id="needs">{t("patrol.visit.needs")}</p>
      <div class="patrol-chips" role="group" aria-labelledby="needs">
        {[...new Set([...NEEDS, ...added.needs])].map((need) => (
          <button key={need} type="button" aria-pressed={added.needs.includes(need)} onClick={() => toggle(need)}>{need}</button>
        ))}
      </div>
      <label class="patrol-field" for="note">
        <span>{t("patrol.visit.note")}</span>
        <textarea id="note" rows={3} maxLength={4000} value={added.note} onInput={({ currentTarget }) => change({ ...added, note: currentTarget.value })} />
      </label>
      <PhotoField id="photo" label="" collection="visits" record={visit.id} photos={added.photos} onPhotos={(photos) => change({ ...added, photos })} />
      <MemoField collection="visits" record={visit.id} memos={added.memos} onMemos={(memos) => change({ ...added, memos })} onRunning={setRecording} />
      {recording && changed && <p class="notice">{t("patrol.memo.first")}</p>}
      {changed && !recording && <button type="button" class="wide" onClick={() => void keep()}>{t("patrol.visit.keep")}</button>}
      <p role="status" class="patrol-safe" hidden={!kept}>{kept && t("patrol.visit.kept")}</p>
      <button type="button" class="patrol-plain" aria-expanded={again} onClick={() => setAgain(!again)}>{t("patrol.visit.again")}</button>
      {again && <Answers onAnswer={onAgain} />}
    </section>
  );
}
