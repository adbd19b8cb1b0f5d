/** The staff sign-in: one form, and plain words for whatever goes wrong. */
import { render } from "preact";
import { useRef, useState } from "preact/hooks";
import { Refused, signIn } from "../api/client";
import { markDocument, t, useLanguage } from "../i18n";
import { Header } from "../page/Header";
import "../styles/base.css";
import "../styles/start.css";
import { destination } from "./destination";

/** What is wrong, and whether it is with what was typed. */
type Trouble = { words: () => string; typed?: boolean } | null;

function troubleOf(error: unknown): Trouble {
  if (!(error instanceof Refused)) return { words: () => t("signin.unreachable") };
  if (error.status === 401) return { words: () => t("signin.wrong"), typed: true };
  if (error.status === 422) return { words: () => t("signin.missing"), typed: true };
  if (error.status === 429) return { words: () => t("signin.slow") };
  return { words: () => t("signin.failed", { status: error.status }) };
}

function SignIn() {
  useLanguage();
  const expired = new URLSearchParams(location.search).has("expired");
  const [trouble, setTrouble] = useState<Trouble>(expired ? { words: () => t("signin.expired") } : null);
  const [busy, setBusy] = useState(false);
  const [shown, setShown] = useState(false);
  const wrong = trouble?.typed ? { "aria-invalid": true, "aria-describedby": "signin-trouble" } : {};
  const form = useRef<HTMLFormElement>(null);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const given = new FormData(form.current as HTMLFormElement);
    const [login, password] = [String(given.get("login")).trim(), String(given.get("password"))];
    if (!login || !password) return setTrouble({ words: () => t("signin.missing"), typed: true });
    setBusy(true);
    try {
      await signIn(login, password);
      location.assign(destination(location.search, location.origin));
    } catch (error) {
      setTrouble(troubleOf(error));
      setBusy(false);
      form.current?.querySelector<HTMLInputElement>("[name=password]")?.select();
    }
    return undefined;
  };

  return (
    <div class="page">
      <Header here="signin" />
      <main class="signin">
        <h1>{t("signin.title")}</h1>
        <form ref={form} onSubmit={(event) => void submit(event)} noValidate>
          {trouble && <p class="warning" role="alert" id="signin-trouble">{trouble.words()}</p>}
          <label>
            <span>{t("signin.login")}</span>
            <input name="login" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus {...wrong} />
          </label>
          <label>
            <span>{t("signin.password")}</span>
            {shown ? (
              <input name="password" type="text" autocomplete="current-password" required {...wrong} />
            ) : (
              <input name="password" type="password" autocomplete="current-password" required {...wrong} />
            )}
          </label>
          <label class="check">
            <input type="checkbox" checked={shown} onChange={() => setShown(!shown)} />
            <span>{t("signin.show")}</span>
          </label>
          <button type="submit" class="wide" disabled={busy}>{t(busy ? "signin.busy" : "signin.submit")}</button>
        </form>
      </main>
    </div>
  );
}

markDocument("signin.title");
render(<SignIn />, document.getElementById("app") as HTMLElement);
