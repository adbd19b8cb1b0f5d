/** Voice memos of what is being entered: begun and ended by one large button, heard again, taken out by a button. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../i18n";
import { digest } from "../../photos";
import type { Phone } from "../phone";
import { useNow, usePhone } from "../shell/live";
import { withRoom } from "../shell/room";
import { useBusy } from "../shell/updates";
import { LONGEST_S, type Memo, NoMicrophone, type Recording, canRecord, mayRecord, record } from "./recorder";

interface Props {
  /** Of which record they are. */
  readonly collection: string;
  readonly record: string;
  readonly memos: readonly string[];
  readonly onMemos: (memos: readonly string[]) => void;
  /** Told whether one is being recorded. */
  readonly onRunning: (running: boolean) => void;
}

export const MOST_MEMOS = 5;
type Trouble = "denied" | "missing" | "silent";

export function MemoField({ collection, record: of, memos, onMemos, onRunning }: Props) {
  const { phone } = usePhone();
  const [asked, setAsked] = useState(false);
  const [running, setRunning] = useState<{ readonly recording: Recording; readonly since: number } | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const latest = useRef({ memos, onMemos });
  latest.current = { memos, onMemos };
  useBusy(`memo/${of}`, running !== null);
  useEffect(() => () => running?.recording.stop(), [running]);
  if (!canRecord()) return null;

  const begin = async (): Promise<void> => {
    setAsked(false);
    setTrouble(null);
    try {
      const recording = await record();
      setRunning({ recording, since: Date.now() });
      onRunning(true);
      const memo = await recording.ended;
      if (memo === null) setTrouble("silent");
      else {
        const kept = await keep(phone, memo, collection, of);
        latest.current.onMemos([...latest.current.memos, kept]);
      }
    } catch (error) {
      if (!(error instanceof NoMicrophone)) throw error;
      setTrouble(error.denied ? "denied" : "missing");
    } finally {
      setRunning(null);
      onRunning(false);
    }
  };
  /** The reason is said before the browser asks. */
  const wanted = async (): Promise<void> => ((await mayRecord()) ? begin() : setAsked(true));
  const drop = async (memo: string): Promise<void> => {
    onMemos(memos.filter((each) => each !== memo));
    await phone.photos.drop(memo);
  };

  return (
    <div class="patrol-memos">
      {running === null && !asked && memos.length < MOST_MEMOS && <button type="button" class="patrol-plain" onClick={() => void wanted()}>{t("patrol.memo.do")}</button>}
      {asked && (
        <div class="notice patrol-again">
          <p>{t("patrol.memo.why")}</p>
          <button type="button" class="wide" onClick={() => void begin()}>{t("patrol.memo.allow")}</button>
          <button type="button" class="patrol-plain" onClick={() => setAsked(false)}>{t("patrol.memo.not")}</button>
        </div>
      )}
      {running !== null && <Running since={running.since} onStop={running.recording.stop} />}
      {trouble !== null && <p class="notice" role="alert">{t(`patrol.memo.${trouble}`)}</p>}
      {memos.length > 0 && (
        <ul class="patrol-list">
          {memos.map((memo, n) => (
            <li key={memo} class="patrol-memo">
              <Heard id={memo} name={t("patrol.memo.of", { n: n + 1 })} />
              <button type="button" class="quiet" aria-label={t("patrol.memo.drop", { n: n + 1 })} onClick={() => void drop(memo)}>{t("patrol.photo.out")}</button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Running({ since, onStop }: { since: number; onStop: () => void }) {
  const s = Math.max(0, Math.floor((useNow(500) - since) / 1000));
  return (
    <button type="button" class="wide patrol-recording" onClick={onStop}>
      <span>{t("patrol.memo.stop")}</span> <span aria-hidden="true">{t("patrol.memo.time", { s, most: LONGEST_S })}</span>
    </button>
  );
}

/** Keep a memo: it is on the phone, sealed, when this resolves, and goes out as photos do. */
async function keep(phone: Phone, { content, type }: Memo, collection: string, of: string): Promise<string> {
  const id = phone.newId();
  const name = type === "audio/mp4" ? "memo.m4a" : "memo.weba";
  const said = { id, collection, record: of, sha256: digest(content), type, name, taken_at: Date.now() };
  await withRoom(() => phone.photos.add(said, content));
  phone.uploader.wake();
  return id;
}

function Heard({ id, name }: { id: string; name: string }) {
  const { phone } = usePhone();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let left = false;
    void Promise.all([phone.photos.get(id), phone.photos.content(id)]).then(([memo, content]) => {
      if (memo === undefined || content === null || left) return;
      made = URL.createObjectURL(new Blob([content], { type: memo.type }));
      setUrl(made);
    });
    return () => {
      left = true;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [phone, id]);
  return (
    <span class="patrol-heard">
      <span>{name}</span>
      {url !== null && <audio controls src={url} aria-label={name} />}
    </span>
  );
}
