/** One's own account: who one is, another password, an end to every session, and passwords for GIS programs. */
import { useState } from "preact/hooks";
import { changePassword, tell } from "../api/client";
import { t, tData } from "../i18n";
import { AppPasswords } from "../page/AppPasswords";
import { Ask } from "../page/Ask";
import { fieldOf, refuseOrLeave } from "../page/reading";
import { type Here, startStaffPage } from "../page/Staff";
import "../styles/people.css";

function Mine({ session }: Here) {
  const { everywhere, areas, organisations } = session.charge;
  const charge = everywhere ? t("start.everywhere") : [...areas, ...organisations].map(({ name }) => name).join(t("list.comma"));
  return (
    <>
      <h1>{t("account.title")}</h1>
      <dl class="facts panel">
        <div><dt>{t("people.name")}</dt><dd>{session.person.name}</dd></div>
        <div><dt>{t("people.login")}</dt><dd><code>{session.person.login}</code></dd></div>
        <div><dt>{t("people.head.roles")}</dt><dd>{session.roles.map((role) => tData("role", role)).join(t("list.comma"))}</dd></div>
        <div><dt>{t("account.charge")}</dt><dd>{charge || t("staff.empty")}</dd></div>
      </dl>
      <Password login={session.person.login} />
      <Everywhere />
      <AppPasswords />
    </>
  );
}

const FIELDS = ["current", "new", "again"] as const;
type Typed = Record<(typeof FIELDS)[number], string>;
const NOTHING: Typed = { current: "", new: "", again: "" };

function Password({ login }: { login: string }) {
  const [typed, setTyped] = useState(NOTHING);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<{ words: string; of: string | null } | null>(null);
  const [changed, setChanged] = useState(false);
  const change = (event: SubmitEvent): void => {
    event.preventDefault();
    setChanged(false);
    if (typed.new !== typed.again) return setTrouble({ words: t("account.unlike"), of: "again" });
    setTrouble(null);
    setBusy(true);
    changePassword(typed.current, typed.new)
      .then(
        () => {
          setTyped(NOTHING);
          setChanged(true);
        },
        (error: unknown) => refuseOrLeave(error, (words) => setTrouble({ words, of: fieldOf(error) })),
      )
      .finally(() => setBusy(false));
    return undefined;
  };
  return (
    <section class="panel person-part">
      <h2>{t("account.password")}</h2>
      <p class="faint">{t("account.password.text")}</p>
      <form class="person-form" onSubmit={change}>
        <input class="unseen" type="text" name="username" autocomplete="username" value={login} readOnly tabIndex={-1} aria-hidden="true" />
        {FIELDS.map((field) => (
          <label key={field} class="pick">
            <span>{t(`account.password.${field}`)}</span>
            <input
              type="password"
              name={field}
              required
              maxLength={200}
              autocomplete={field === "current" ? "current-password" : "new-password"}
              value={typed[field]}
              aria-invalid={trouble?.of === field || undefined}
              aria-describedby={trouble ? "account-trouble" : undefined}
              onInput={(event) => setTyped({ ...typed, [field]: event.currentTarget.value })}
            />
          </label>
        ))}
        {trouble !== null && <p class="warning" role="alert" id="account-trouble">{trouble.words}</p>}
        <p role="status" class={changed ? "notice" : ""}>{changed && t("account.password.done")}</p>
        <button type="submit" class="do" disabled={busy}>{t("account.password.do")}</button>
      </form>
    </section>
  );
}

function Everywhere() {
  const [asking, setAsking] = useState(false);
  const go = async (): Promise<void> => {
    await tell("/v1/session/sign-out-everywhere", {});
    location.assign("/signin");
  };
  return (
    <section class="panel person-part">
      <h2>{t("account.everywhere")}</h2>
      <p>{t("account.everywhere.text")}</p>
      <button type="button" class="quiet is-grave" onClick={() => setAsking(true)}>{t("account.everywhere.do")}</button>
      {asking && (
        <Ask title={t("account.everywhere.title")} confirm={t("account.everywhere.do")} grave onConfirm={go} onClose={() => setAsking(false)}>
          <p>{t("account.everywhere.text")}</p>
        </Ask>
      )}
    </section>
  );
}

startStaffPage("account", Mine, () => true);
