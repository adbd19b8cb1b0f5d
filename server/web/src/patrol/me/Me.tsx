/** What concerns the worker and the phone: letters, language, storage, the lock. */
import { useEffect, useState } from "preact/hooks";
import { chooseLanguage, currentLanguage, t } from "../../i18n";
import { usePhone } from "../shell/live";
import { Leave } from "./Leave";
import { Phones } from "./Phones";
import { SIZES_PX, chooseTextSize, textSize } from "./textSize";

export function Me({ onLock, onLeave }: { onLock: () => void; onLeave: () => Promise<void> }) {
  const { book, worker } = usePhone();
  const [size, setSize] = useState(textSize);
  const choose = (next: number): void => {
    chooseTextSize(next);
    setSize(next);
  };
  return (
    <div class="patrol-part">
      <h1>{t("patrol.me")}</h1>
      <p class="patrol-lead">{t("patrol.me.who", { name: worker, grids: book.grids.map(({ name }) => name).join(t("list.comma")) })}</p>
      <h2 id="size">{t("patrol.me.size")}</h2>
      <div class="patrol-sizes" role="group" aria-labelledby="size">
        {SIZES_PX.map((each) => (
          <button key={each} type="button" aria-pressed={each === size} aria-label={t("patrol.me.size.px", { n: each })} onClick={() => choose(each)}>
            <span style={{ fontSize: `${each}px` }}>{t("patrol.me.size.letter")}</span>
          </button>
        ))}
      </div>
      <button type="button" class="patrol-plain" onClick={() => chooseLanguage(currentLanguage() === "zh" ? "en" : "zh")}>{t("language.other")}</button>
      <Storage />
      <button type="button" class="patrol-plain" onClick={onLock}>{t("patrol.me.lock")}</button>
      <Phones />
      <Leave onLeave={onLeave} />
    </div>
  );
}

function Storage() {
  const [told, setTold] = useState<{ used: number; quota: number; kept: boolean } | null>(null);
  const look = async (): Promise<void> => {
    const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    setTold({ used: usage, quota, kept: (await navigator.storage?.persisted?.()) ?? false });
  };
  useEffect(() => void look(), []);
  if (told === null) return null;
  const mib = (bytes: number): number => Math.max(1, Math.round(bytes / 1024 / 1024));
  return (
    <section aria-labelledby="storage">
      <h2 id="storage">{t("patrol.storage")}</h2>
      <p>{t("patrol.storage.used", { used: mib(told.used), free: mib(told.quota - told.used) })}</p>
      <p>{t(told.kept ? "patrol.storage.kept" : "patrol.storage.notkept")}</p>
      {!told.kept && <button type="button" class="patrol-plain" onClick={() => void navigator.storage?.persist?.().then(look)}>{t("patrol.storage.do")}</button>}
    </section>
  );
}
