/** One account: its roles, what it is signed in with, what was done to it, and what whoever tends it may do. */
import { useState } from "preact/hooks";
import { post, tell } from "../api/client";
import type { Account, AccountEvent, HeldRole, PasswordGiven } from "../api/people";
import { beside, t, tData } from "../i18n";
import { Ask } from "../page/Ask";
import { mayGive } from "../page/roles";
import { refuseOrLeave, usePaged, useRead } from "../page/reading";
import { type Here, More, Trouble } from "../page/Staff";
import { moment } from "../time";
import { Given } from "./Given";
import { roleWords, standing } from "./PeopleList";
import { RoleFields, useRole } from "./RoleForm";

export function AccountPage({ session, ground, login }: Here & { login: string }) {
  const path = `/v1/people/${encodeURIComponent(login)}`;
  const { value: account, trouble, again } = useRead<Account>(path);
  const [given, setGiven] = useState<PasswordGiven | null>(null);
  const [turn, setTurn] = useState(0);
  const done = (): void => {
    again();
    setTurn((n) => n + 1);
  };
  return (
    <>
      <p><a href="/people">{t("people.back")}</a></p>
      {trouble !== null && <Trouble words={trouble} again={again} />}
      {account && (
        <>
          <div class="head">
            <h1>{account.name}</h1>
            <code>{account.login}</code>
            {!account.active && <span class="mark">{t("people.state.blocked")}</span>}
          </div>
          {given !== null && <Given given={given} />}
          <Facts account={account} />
          <Deeds account={account} path={path} done={done} onPassword={setGiven} />
          <section class="panel person-part">
            <h2>{t("people.head.roles")}</h2>
            <Roles account={account} path={path} mayEnd={mayGive(session)} done={done} />
            {mayGive(session) && <Give ground={ground} path={path} done={done} />}
          </section>
          <Events key={turn} path={path} />
        </>
      )}
    </>
  );
}

function Facts({ account }: { account: Account }) {
  const rows: [string, string | number][] = [
    [t("people.head.signin"), standing(account)],
    [t("people.head.seen"), account.last_seen_at ? moment(account.last_seen_at, new Date()) : t("support.never")],
    [t("people.sessions"), account.sessions],
    [t("qgis.passwords"), account.app_passwords],
    [t("people.head.phones"), account.devices],
  ];
  if (account.blocked_since) rows.push([t("people.blocked.since"), moment(account.blocked_since, new Date())]);
  return (
    <dl class="facts panel">
      {rows.map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  );
}

type Deed = "password" | "signout" | "block" | "unblock";

interface DeedsProps {
  account: Account;
  path: string;
  done: () => void;
  onPassword: (given: PasswordGiven) => void;
}

function Deeds({ account, path, done, onPassword }: DeedsProps) {
  const [asking, setAsking] = useState<Deed | null>(null);
  const deeds: Deed[] = ["password", "signout", account.active ? "block" : "unblock"];
  return (
    <p class="links deeds">
      {deeds.map((deed) => (
        <button key={deed} type="button" class={deed === "block" ? "quiet is-grave" : "quiet"} onClick={() => setAsking(deed)}>{t(`people.${deed}`)}</button>
      ))}
      {asking !== null && <AskDeed key={asking} deed={asking} account={account} path={path} done={done} onPassword={onPassword} onClose={() => setAsking(null)} />}
    </p>
  );
}

function AskDeed({ deed, account, path, done, onPassword, onClose }: DeedsProps & { deed: Deed; onClose: () => void }) {
  const [devices, setDevices] = useState(false);
  const [reason, setReason] = useState("");
  const go = async (): Promise<void> => {
    if (deed === "password") onPassword(await post<PasswordGiven>(`${path}/password`, { devices }));
    else if (deed === "signout") await tell(`${path}/sign-out`, { devices });
    else await tell(`${path}/${deed}`, deed === "block" ? { reason } : {});
    onClose();
    done();
  };
  return (
    <Ask title={t(`people.${deed}.title`, { name: account.name })} confirm={t(`people.${deed}`)} grave={deed === "block"} onConfirm={go} onClose={onClose}>
      <p>{t(`people.${deed}.text`)}</p>
      {(deed === "password" || deed === "signout") && account.devices > 0 && (
        <label class="check">
          <input type="checkbox" checked={devices} onChange={() => setDevices(!devices)} />
          <span>{t("people.devices", { n: account.devices })}</span>
        </label>
      )}
      {deed === "block" && (
        <label class="pick">
          <span>{t("people.reason")}</span>
          <input value={reason} maxLength={500} onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
      )}
    </Ask>
  );
}

function Roles({ account, path, mayEnd, done }: { account: Account; path: string; mayEnd: boolean; done: () => void }) {
  const [ending, setEnding] = useState<HeldRole | null>(null);
  const end = async ({ role, area }: HeldRole): Promise<void> => {
    await tell(`${path}/roles/end`, { role, area });
    setEnding(null);
    done();
  };
  if (account.roles.length === 0) return <p class="faint">{t("people.noroles")}</p>;
  return (
    <ul class="held">
      {account.roles.map((each) => (
        <li key={`${each.role}/${each.area}/${each.since}`}>
          <span>
            <strong>{roleWords(each)}</strong> <code>{each.area}</code> <span class="faint">{period(each)}</span>
          </span>
          {mayEnd && <button type="button" class="quiet" aria-label={`${t("people.end")} ${roleWords(each)}`} onClick={() => setEnding(each)}>{t("people.end")}</button>}
        </li>
      ))}
      {ending !== null && (
        <Ask title={t("people.end.title", { role: roleWords(ending) })} confirm={t("people.end")} grave onConfirm={() => end(ending)} onClose={() => setEnding(null)}>
          <p>{t("people.end.text")}</p>
        </Ask>
      )}
    </ul>
  );
}

function period({ since, until }: HeldRole): string {
  const now = new Date();
  const told = since ? t("people.since", { at: moment(since, now) }) : "";
  return until ? [told, t("people.until", { at: moment(until, now) })].filter(Boolean).join(t("list.comma")) : told;
}

function Give({ ground, path, done }: { ground: Here["ground"]; path: string; done: () => void }) {
  const [given, change] = useRole();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<string | null>(null);
  const give = (event: SubmitEvent): void => {
    event.preventDefault();
    if (given.area === "") return setTrouble(t("people.noplace"));
    setBusy(true);
    setTrouble(null);
    post<Account>(`${path}/roles`, given)
      .then(() => {
        change({ area: "" });
        done();
      }, (error: unknown) => refuseOrLeave(error, setTrouble))
      .finally(() => setBusy(false));
    return undefined;
  };
  return (
    <form onSubmit={give}>
      <h3>{t("people.give")}</h3>
      <div class="picks">
        <RoleFields ground={ground} given={given} change={change} />
        <button type="submit" class="do" disabled={busy}>{t("people.give.do")}</button>
      </div>
      {trouble !== null && <p class="warning" role="alert">{trouble}</p>}
    </form>
  );
}

function Events({ path }: { path: string }) {
  const list = usePaged<{ events: AccountEvent[] }, AccountEvent>(
    `${path}/events?limit=50`,
    (page) => page.events,
    (page, rows) => (page.events.length === 50 ? `&before=${rows.at(-1)?.id}` : null),
  );
  const heads = ["at", "what", "by", "source"] as const;
  return (
    <section>
      <h2>{t("people.events")}</h2>
      {list.trouble !== null && <Trouble words={list.trouble} />}
      {list.page && list.rows.length === 0 && <p class="faint">{t("people.events.none")}</p>}
      {list.rows.length > 0 && (
        <table class="rows">
          <thead>
            <tr>{heads.map((head) => <th key={head} scope="col">{t(`people.event.${head}`)}</th>)}</tr>
          </thead>
          <tbody>
            {list.rows.map((each) => (
              <tr key={each.id}>
                <th scope="row" class="numbers">{moment(each.at, new Date())}</th>
                <td data-head={t("people.event.what")}><span>{tData("event.account", each.what)} <span class="faint">{detailOf(each)}</span></span></td>
                <td data-head={t("people.event.by")}>{each.by ?? t("support.maker.command")}</td>
                <td data-head={t("people.event.source")}>{each.source}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </section>
  );
}

function detailOf({ detail }: AccountEvent): string {
  const told: string[] = [];
  if (typeof detail["role"] === "string") told.push(beside(tData("role", detail["role"]), String(detail["place"] ?? "")));
  if (typeof detail["reason"] === "string") told.push(detail["reason"]);
  if (detail["devices"] === true) told.push(t("people.event.devices"));
  return told.join(t("list.and"));
}
