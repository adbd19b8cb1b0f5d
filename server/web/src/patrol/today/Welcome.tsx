/** Asked when it is first needed, with its reason: that the browser keeps what is stored when space is short. */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../i18n";
import { usePhone } from "../shell/live";

export function Welcome() {
  const { phone, book, worker } = usePhone();
  const [asks, setAsks] = useState(false);
  useEffect(() => {
    const look = async (): Promise<boolean> => (await phone.kept("storage-asked")) !== true && !(await navigator.storage?.persisted?.());
    void look().then(setAsks);
  }, [phone]);
  const ask = async (): Promise<void> => {
    await phone.keep("storage-asked", true);
    await navigator.storage?.persist?.();
    setAsks(false);
  };
  if (!asks) return null;
  return (
    <section class="notice patrol-again" aria-labelledby="keeping">
      <h2 id="keeping">{t("patrol.hello", { name: worker, n: book.grids.length })}</h2>
      <p>{t("patrol.storage.why")}</p>
      <button type="button" class="wide" onClick={() => void ask()}>{t("patrol.storage.do")}</button>
    </section>
  );
}
