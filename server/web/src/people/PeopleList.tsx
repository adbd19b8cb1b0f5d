/** The accounts whom somebody tends, by login: found by words, area, role and whether they are blocked. */
import { type Account, type Accounts, type HeldRole, ROLES } from "../api/people";
import { beside, t, tData } from "../i18n";
import { AreaSelect } from "../page/AreaChoice";
import { steps, usePlace } from "../page/place";
import { mayGive } from "../page/roles";
import { type Here, More, Select, Trouble, Words } from "../page/Staff";
import { query, usePaged } from "../page/reading";
import { moment } from "../time";

const AT_ONCE = 100;
const STATES = ["", "active", "blocked"] as const;
const MOST_ROLES = 3;

export function PeopleList({ session, ground }: Here) {
  const asked = new URLSearchParams(usePlace().search);
  const wanted = { q: asked.get("q") ?? "", area: asked.get("area") ?? "", role: asked.get("role") ?? "", state: asked.get("state") ?? "" };
  const change = (part: Partial<typeof wanted>): void => steps.settle(query({ ...wanted, ...part }));
  const list = usePaged<Accounts, Account>(
    `/v1/people?${query({ ...wanted, limit: AT_ONCE })}`,
    (page) => page.people,
    (page) => (page.after === null ? null : `&after=${encodeURIComponent(page.after)}`),
  );
  const roles: [string, string][] = ROLES.map((role) => [role, t(`role.${role}`)]);
  return (
    <>
      <div class="head">
        <h1>{t("people.title")}</h1>
        {mayGive(session) && <button type="button" class="do" onClick={() => steps.take("new=1")}>{t("people.add")}</button>}
      </div>
      <div class="picks">
        <Words value={wanted.q} hint={t("people.search")} onChange={(q) => change({ q })} />
        <AreaSelect ground={ground} value={wanted.area} onChange={(area) => change({ area })} />
        <Select name={t("people.role")} value={wanted.role} options={[["", t("review.any")], ...roles]} onChange={(role) => change({ role })} />
        <Select
          name={t("people.state")}
          value={wanted.state}
          options={STATES.map((each) => [each, t(`people.state.${each || "any"}`)] as const)}
          onChange={(state) => change({ state })}
        />
      </div>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && list.rows.length === 0 && <p class="nothing">{t("people.none")}</p>}
      {list.rows.length > 0 && <Table accounts={list.rows} />}
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

function Table({ accounts }: { accounts: readonly Account[] }) {
  const heads = ["person", "roles", "signin", "seen", "phones"] as const;
  return (
    <table class="rows">
      <thead>
        <tr>{heads.map((head) => <th key={head} scope="col">{t(`people.head.${head}`)}</th>)}</tr>
      </thead>
      <tbody>{accounts.map((account) => <Row key={account.login} account={account} />)}</tbody>
    </table>
  );
}

function Row({ account }: { account: Account }) {
  const more = account.roles.length - MOST_ROLES;
  return (
    <tr class={account.active ? undefined : "is-out-of-use"}>
      <th scope="row">
        <a href={`/people?person=${encodeURIComponent(account.login)}`}>{account.name}</a> <span class="faint">{account.login}</span>
      </th>
      <td data-head={t("people.head.roles")}>
        <span>
          {account.roles.slice(0, MOST_ROLES).map(roleWords).join(t("list.and")) || t("staff.empty")}
          {more > 0 && <span class="faint"> {t("people.more", { n: more })}</span>}
        </span>
      </td>
      <td data-head={t("people.head.signin")}>{standing(account)}</td>
      <td data-head={t("people.head.seen")} class="numbers">{account.last_seen_at ? moment(account.last_seen_at, new Date()) : t("support.never")}</td>
      <td data-head={t("people.head.phones")} class={account.devices ? "numbers" : "numbers is-zero"}>{account.devices}</td>
    </tr>
  );
}

/** A role with the place where it is held, as "supervisor, Lujiang". */
export function roleWords({ role, area, name }: HeldRole): string {
  return beside(tData("role", role), name ?? area);
}

export function standing(account: Account): string {
  if (!account.active) return t("people.state.blocked");
  return t(account.signs_in ? "people.signs" : "people.nosign");
}
