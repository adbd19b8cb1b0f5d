/** A task: to verify a report or check a repair, by one of three answers; or anything else to be done, and then done. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Fields } from "../../sync/index";
import { PhotoField } from "../camera/PhotoField";
import type { Spot, Task } from "../records";
import { Place } from "../report/Place";
import { usePhone } from "../shell/live";
import { go, goBack, hrefOf } from "../shell/route";
import { momentOf } from "../shell/SyncLine";
import { useBusy } from "../shell/updates";

const RESULTS = { verify: ["exists", "not_found", "cannot_tell"], check: ["fixed", "not_fixed", "cannot_tell"] } as const;
type Result = (typeof RESULTS)["verify" | "check"][number];

interface Answered {
  readonly place: Spot | null;
  readonly byHand: boolean;
  readonly note: string;
  readonly photos: readonly string[];
}

export function TaskPage({ id }: { id: string }) {
  const { book } = usePhone();
  const task = book.tasks.find((each) => each.id === id);
  if (task === undefined || task.state === "done" || task.state === "declined") {
    return (
      <div class="patrol-part">
        <h1>{t("patrol.task.gone")}</h1>
        <p>{t("patrol.task.gone.text")}</p>
        <a class="patrol-plain" href={hrefOf("today")}>{t("patrol.today")}</a>
      </div>
    );
  }
  return <Open task={task} />;
}

function Open({ task }: { task: Task }) {
  const { phone } = usePhone();
  const draft = `task/${task.id}`;
  const [answered, setAnswered] = useState<Answered>({ place: null, byHand: false, note: "", photos: [] });
  const [lacking, setLacking] = useState<Lacking | null>(null);
  useBusy(draft, answered.note !== "");
  useEffect(() => {
    void phone.drafts.get(draft).then((found) => found && setAnswered(found.value as Answered));
  }, [phone, draft]);
  const change = (changes: Partial<Answered>): void => {
    const next = { ...answered, ...changes };
    setAnswered(next);
    void phone.draft(draft, next);
  };
  const end = async (result: Result | null): Promise<void> => {
    const lacks = result !== null && result !== "cannot_tell" && result !== "not_found" ? lackingIn(answered) : null;
    setLacking(lacks);
    if (lacks !== null) return;
    const note = answered.note.trim();
    if (result !== null && task.issue !== null) await phone.client.put("steps", stepOf(task, result, answered));
    else await phone.client.patch("tasks", task.id, { state: "done", ...(note !== "" && { note }) });
    await phone.draft(draft, null);
    go("today");
  };
  const { kind } = task;
  return (
    <div class="patrol-part">
      <button type="button" class="patrol-back" onClick={goBack}>{t("patrol.back")}</button>
      <h1>{task.title}</h1>
      {task.due !== null && <p>{t(task.due < Date.now() ? "patrol.task.late" : "patrol.task.by", { at: momentOf(task.due) })}</p>}
      {task.case !== null && <p class="patrol-lead">{[task.case.address_text, task.case.description].filter(Boolean).join(" · ")}</p>}
      {(kind === "verify" || kind === "check") && task.issue !== null ? (
        <>
          <p>{t(`patrol.task.${kind}`)}</p>
          <PhotoField id="photo" label={t("patrol.photo.seen")} collection="issues" record={task.issue} photos={answered.photos} onPhotos={(photos) => change({ photos })} />
          <Place place={answered.place} byHand={answered.byHand} onPlace={(place, byHand) => change({ place, byHand })} />
          <Note note={answered.note} onNote={(note) => change({ note })} />
          {lacking !== null && <p class="warning" role="alert">{t(`patrol.task.lacks.${lacking}`)}</p>}
          <div class="patrol-others" role="group" aria-label={t("patrol.task.answer")}>
            {RESULTS[kind].map((result) => <button key={result} type="button" class="patrol-answer" onClick={() => void end(result)}>{t(`patrol.result.${result}`)}</button>)}
          </div>
        </>
      ) : (
        <>
          <Note note={answered.note} onNote={(note) => change({ note })} />
          <button type="button" class="wide" onClick={() => void end(null)}>{t("patrol.task.done")}</button>
        </>
      )}
    </div>
  );
}

type Lacking = "photo" | "place";

/** What an answer needs that says how it is: a photo and the place. Who cannot tell needs neither. */
function lackingIn({ photos, place }: Answered): Lacking | null {
  if (photos.length === 0) return "photo";
  return place === null ? "place" : null;
}

function Note({ note, onNote }: { note: string; onNote: (note: string) => void }) {
  return (
    <label class="patrol-field" for="note">
      <span>{t("patrol.visit.note")}</span>
      <textarea id="note" rows={3} maxLength={4000} value={note} onInput={({ currentTarget }) => onNote(currentTarget.value)} />
    </label>
  );
}

function stepOf({ kind, issue }: Task, result: Result, { place, note, photos }: Answered): Fields {
  return {
    issue_id: issue,
    step: kind,
    result,
    at: new Date().toISOString(),
    ...(note.trim() !== "" && { note: note.trim() }),
    ...(photos.length > 0 && { photos }),
    ...(place !== null && { location: { lon: place.lon, lat: place.lat, datum: "wgs84", ...(place.accuracy_m !== undefined && { accuracy_m: place.accuracy_m }) } }),
  };
}
