/** Enrolment codes, the newest first: who made each for whom, and which phone came of it. The codes are never told. */
import { useState } from "preact/hooks";
import type { Enrolment, Enrolments } from "../api/support";
import { beside, listed, t } from "../i18n";
import { AreaSelect } from "../page/AreaChoice";
import { type Here, More, Trouble } from "../page/Staff";
import { query, usePaged } from "../page/reading";
import { moment } from "../time";

const AT_ONCE = 100;

export function Codes({ ground }: Here) {
  const [area, setArea] = useState("");
  const list = usePaged<Enrolments, Enrolment>(
    `/v1/support/enrolments?${query({ area, limit: AT_ONCE })}`,
    (page) => page.enrolments,
    (page) => (page.before === null ? null : `&before=${page.before}`),
  );
  return (
    <>
      <p class="faint under">{t("support.codes.about")}</p>
      <div class="picks">
        <AreaSelect ground={ground} value={area} onChange={setArea} />
      </div>
      {list.trouble !== null && <Trouble words={list.trouble} again={list.again} />}
      {list.page && list.rows.length === 0 && <p class="nothing">{t("support.codes.none")}</p>}
      {list.rows.length > 0 && (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t("support.head.worker")}</th>
              <th scope="col">{t("support.codes.by")}</th>
              <th scope="col">{t("support.codes.made")}</th>
              <th scope="col">{t("support.codes.state")}</th>
            </tr>
          </thead>
          <tbody>{list.rows.map((each) => <Row key={each.id} code={each} />)}</tbody>
        </table>
      )}
      {list.hasMore && <More busy={list.busy} onMore={list.more} />}
    </>
  );
}

function Row({ code }: { code: Enrolment }) {
  const now = new Date();
  return (
    <tr>
      <th scope="row">
        {code.worker} <span class="faint">{code.login}</span>
      </th>
      <td data-head={t("support.codes.by")}>
        {maker(code.made_with, code.made_by_name, code.made_by)}
        {code.areas.length > 0 && <span class="faint"> {listed(code.areas.map((area) => area.name))}</span>}
      </td>
      <td data-head={t("support.codes.made")} class="numbers">{moment(code.created_at, now)}</td>
      <td data-head={t("support.codes.state")}>
        {use(code, now)} {code.device_id !== null && <a href={`/support?device=${code.device_id}`}>{t("support.codes.phone")}</a>}
      </td>
    </tr>
  );
}

function use(code: Enrolment, now: Date): string {
  if (code.used_at !== null) return t("support.codes.used", { time: moment(code.used_at, now) });
  const time = moment(code.expires_at, now);
  return t(Date.parse(code.expires_at) > now.getTime() ? "support.codes.open" : "support.codes.over", { time });
}

/** Whoever made a code, by name; or by what it was made where nobody was signed in. */
export function maker(madeWith: string | null, name: string | null, login: string | null): string {
  if (login !== null) return name !== null && name !== login ? beside(name, login) : login;
  return t(madeWith === "command" ? "support.maker.command" : "support.maker.unknown");
}
