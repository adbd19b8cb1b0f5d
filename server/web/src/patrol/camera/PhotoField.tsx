/** Photos of what is being entered: taken with the phone's camera, shown small, taken out by a button. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import { NotAPicture, pictureOf } from "../../photos";
import type { Phone } from "../phone";
import { usePhone } from "../shell/live";
import { withRoom } from "../shell/room";

interface Props {
  readonly id: string;
  readonly label: string;
  /** Of which record they are. */
  readonly collection: string;
  readonly record: string;
  readonly photos: readonly string[];
  readonly onPhotos: (photos: readonly string[]) => void;
}

export const MOST_PHOTOS = 20;

export function PhotoField({ id, label, collection, record, photos, onPhotos }: Props) {
  const { phone } = usePhone();
  const [working, setWorking] = useState(false);
  const [wrong, setWrong] = useState(false);
  const take = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    if (file === undefined) return;
    setWorking(true);
    try {
      const taken = await keep(phone, file, collection, record);
      onPhotos([...photos, taken]);
      setWrong(false);
    } catch (error) {
      if (!(error instanceof NotAPicture)) throw error;
      setWrong(true);
    } finally {
      setWorking(false);
      input.value = "";
    }
  };
  const drop = async (photo: string): Promise<void> => {
    onPhotos(photos.filter((each) => each !== photo));
    await phone.photos.drop(photo);
  };
  return (
    <div class="patrol-photos">
      {photos.length < MOST_PHOTOS && (
        <label class="patrol-camera" for={id}>
          <svg class="icon" width="28" height="28" viewBox="0 0 24 24" aria-hidden="true"><path d="M4 8h4l2-3h4l2 3h4v11H4V8Zm8 2.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7Z" /></svg>
          <span>{t(working ? "patrol.photo.working" : "patrol.photo.take", { what: label })}</span>
          <input id={id} class="unseen" type="file" accept="image/*" capture="environment" disabled={working} onChange={({ currentTarget }) => void take(currentTarget)} />
        </label>
      )}
      {wrong && <p class="warning" role="alert">{t("patrol.photo.wrong")}</p>}
      {photos.length > 0 && (
        <ul class="patrol-thumbs">
          {photos.map((photo, n) => (
            <li key={photo}>
              <Thumb id={photo} name={t("patrol.photo.of", { n: n + 1 })} />
              <button type="button" class="quiet" aria-label={t("patrol.photo.drop", { n: n + 1 })} onClick={() => void drop(photo)}>{t("patrol.photo.out")}</button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Shrink a picture and keep it: it is on the phone, sealed, when this resolves. Throws `NotAPicture`. */
async function keep(phone: Phone, file: File, collection: string, record: string): Promise<string> {
  const { content, sha256, type } = await pictureOf(file);
  const id = phone.newId();
  await withRoom(() => phone.photos.add({ id, collection, record, sha256, type, name: file.name, taken_at: Date.now() }, content));
  phone.uploader.wake();
  return id;
}

function Thumb({ id, name }: { id: string; name: string }) {
  const { phone } = usePhone();
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let left = false;
    void phone.photos.content(id).then((content) => {
      if (content === null || left) return;
      made = URL.createObjectURL(new Blob([content], { type: "image/jpeg" }));
      setUrl(made);
    });
    return () => {
      left = true;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [phone, id]);
  return url === null ? <span class="patrol-thumb">{name}</span> : <img class="patrol-thumb" src={url} alt={name} />;
}
