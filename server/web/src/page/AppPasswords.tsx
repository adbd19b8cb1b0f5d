/** One's application passwords, for QGIS and other programs: made, told once, revoked. */
import { useEffect, useRef, useState } from "preact/hooks";
import { post, remove } from "../api/client";
import type { AppPassword } from "../api/redraw";
import { t } from "../i18n";
import { moment } from "../time";
import { Ask } from "./Ask";
import { CopyLine } from "./CopyLine";
import { refuseOrLeave, useRead } from "./reading";
import { Trouble } from "./Staff";

const PASSWORDS = "/v1/session/passwords";

export function AppPasswords() {
  const { value, trouble, again } = useRead<{ passwords: AppPassword[] }>(PASSWORDS);
  const [made, setMade] = useState<AppPassword | null>(null);
  const [revoking, setRevoking] = useState<AppPassword | null>(null);
  const revoke = async ({ id }: AppPassword): Promise<void> => {
    await remove(`${PASSWORDS}/${id}`);
    setRevoking(null);
    if (made?.id === id) setMade(null);
    again();
  };
  return (
    <section class="panel app-passwords">
      <h2>{t("qgis.passwords")}</h2>
      <NewPassword onMade={(password) => { setMade(password); again(); }} />
      {made?.secret !== undefined && <Secret key={made.id} name={made.name} secret={made.secret} onDone={() => setMade(null)} />}
      {trouble !== null && <Trouble words={trouble} again={again} />}
      {value?.passwords.length === 0 && <p class="faint">{t("qgis.none")}</p>}
      <ul class="app-list">
        {value?.passwords.map((password) => (
          <li key={password.id}>
            <span>
              <strong>{password.name}</strong>
              <span class="faint">
                {t("qgis.made", { at: moment(password.created_at, new Date()) })} ·{" "}
                {password.last_used_at === null ? t("qgis.unused") : t("qgis.used", { at: moment(password.last_used_at, new Date()) })}
              </span>
            </span>
            <button type="button" class="quiet" aria-label={`${t("qgis.revoke")} ${password.name}`} onClick={() => setRevoking(password)}>{t("qgis.revoke")}</button>
          </li>
        ))}
      </ul>
      {revoking !== null && (
        <Ask title={t("qgis.revoke.title", { name: revoking.name })} confirm={t("qgis.revoke")} grave onConfirm={() => revoke(revoking)} onClose={() => setRevoking(null)}>
          <p>{t("qgis.revoke.text")}</p>
        </Ask>
      )}
    </section>
  );
}

function NewPassword({ onMade }: { onMade: (password: AppPassword) => void }) {
  const [name, setName] = useState("QGIS");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const make = (event: SubmitEvent): void => {
    event.preventDefault();
    setTrouble(null);
    setBusy(true);
    post<AppPassword>(PASSWORDS, { name })
      .then(onMade, (error: unknown) => refuseOrLeave(error, setTrouble))
      .finally(() => setBusy(false));
  };
  return (
    <form class="app-new" onSubmit={make}>
      <label class="pick is-words">
        <span>{t("qgis.name")}</span>
        <input value={name} maxLength={100} required onInput={(event) => setName(event.currentTarget.value)} />
      </label>
      <button type="submit" class="do" disabled={busy}>{t("qgis.make")}</button>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
    </form>
  );
}

/** The password itself, which the server tells this once. */
function Secret({ name, secret, onDone }: { name: string; secret: string; onDone: () => void }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div ref={box} class="notice secret" role="status" tabIndex={-1}>
      <CopyLine words={t("qgis.secret", { name })} line={secret} />
      <p>{t("qgis.once")}</p>
      <button type="button" class="quiet" onClick={onDone}>{t("qgis.done")}</button>
    </div>
  );
}
