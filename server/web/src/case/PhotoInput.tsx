/** Photos of a step: taken or chosen, sent at once, each told until it is there; what failed can be sent again. */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../i18n";
import { Icon } from "../page/Icon";
import { refuseOrLeave } from "../page/reading";
import { newId, sendPhoto } from "./photos";

interface Shot {
  id: string;
  file: File;
  url: string;
  state: "sending" | "there" | "failed";
  trouble: string;
}

interface Props {
  id: string;
  issueId: string;
  wrong: boolean;
  /** Told the photos that are there, and whether some are on their way. */
  onChange: (ids: string[], sending: boolean) => void;
}

const MOST = 20;

export function PhotoInput({ id, issueId, wrong, onChange }: Props) {
  const [shots, setShots] = useState<readonly Shot[]>([]);
  const urls = useRef<string[]>([]);
  useEffect(() => () => urls.current.forEach((url) => URL.revokeObjectURL(url)), []);
  useEffect(() => {
    onChange(shots.filter(({ state }) => state === "there").map((shot) => shot.id), shots.some(({ state }) => state === "sending"));
  }, [shots]);
  const settle = (of: string, part: Partial<Shot>): void => setShots((last) => last.map((shot) => (shot.id === of ? { ...shot, ...part } : shot)));
  const send = (shot: Shot): void => {
    settle(shot.id, { state: "sending", trouble: "" });
    sendPhoto(issueId, shot.id, shot.file).then(
      () => settle(shot.id, { state: "there" }),
      (error: unknown) => refuseOrLeave(error, (trouble) => settle(shot.id, { state: "failed", trouble })),
    );
  };
  const take = (files: FileList | null): void => {
    const room = MOST - shots.length;
    const taken = [...(files ?? [])].slice(0, room).map((file): Shot => ({ id: newId(), file, url: URL.createObjectURL(file), state: "sending", trouble: "" }));
    urls.current.push(...taken.map(({ url }) => url));
    setShots((last) => [...last, ...taken]);
    taken.forEach(send);
  };
  return (
    <div class="shots">
      <label class={wrong ? "shot-add is-wrong" : "shot-add"}>
        <Icon name="plus" /> {t("case.photo.add")}
        <input
          id={id}
          class="unseen"
          type="file"
          accept="image/*"
          multiple
          aria-invalid={wrong}
          onChange={(event) => {
            take(event.currentTarget.files);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <ul class="shot-list" aria-live="polite">
        {shots.map((shot, index) => (
          <li key={shot.id} class={`shot is-${shot.state}`}>
            <img src={shot.url} alt={t("issue.photo", { n: index + 1 })} />
            <span>{t(`case.photo.${shot.state}`)}{shot.trouble && ` · ${shot.trouble}`}</span>
            {shot.state === "failed" && <button type="button" class="quiet" onClick={() => send(shot)}>{t("error.retry")}</button>}
            {shot.state !== "sending" && (
              <button type="button" class="quiet" onClick={() => setShots((last) => last.filter((each) => each.id !== shot.id))}>{t("case.photo.drop")}</button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
