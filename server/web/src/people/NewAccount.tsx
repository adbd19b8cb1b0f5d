/** A new account with its first role; its password is told once. */
import { useState } from "preact/hooks";
import { post } from "../api/client";
import type { PasswordGiven } from "../api/people";
import { t } from "../i18n";
import { refuseOrLeave } from "../page/reading";
import type { Here } from "../page/Staff";
import { Given } from "./Given";
import { RoleFields, useRole } from "./RoleForm";

export function NewAccount({ ground }: Here) {
  const [login, setLogin] = useState("");
  const [name, setName] = useState("");
  const [role, changeRole] = useRole();
  const [made, setMade] = useState<PasswordGiven | null>(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const make = (event: SubmitEvent): void => {
    event.preventDefault();
    if (role.area === "") return setTrouble(t("people.noplace"));
    setBusy(true);
    setTrouble(null);
    post<PasswordGiven>("/v1/people", { login, name, ...role })
      .then(setMade, (error: unknown) => refuseOrLeave(error, setTrouble))
      .finally(() => setBusy(false));
    return undefined;
  };
  return (
    <>
      <p><a href="/people">{t("people.back")}</a></p>
      <h1>{t("people.add")}</h1>
      {made !== null ? (
        <Given given={made} />
      ) : (
        <form class="panel person-form" onSubmit={make}>
          <div class="picks">
            <label class="pick is-words">
              <span>{t("people.login")}</span>
              <input value={login} maxLength={100} required autocomplete="off" autocapitalize="none" spellcheck={false} onInput={(event) => setLogin(event.currentTarget.value)} />
            </label>
            <label class="pick is-words">
              <span>{t("people.name")}</span>
              <input value={name} maxLength={100} required autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
            </label>
            <RoleFields ground={ground} given={role} change={changeRole} />
          </div>
          <p class="faint">{t("people.add.text")}</p>
          {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
          <button type="submit" class="do" disabled={busy}>{t("people.add.do")}</button>
        </form>
      )}
    </>
  );
}
