/** A day's work by fetch with the types that openapi-typescript made. */
import createClient from "openapi-fetch";
import { browser, dayOf, device, now, orders, told, uuid } from "./day";
import type { paths } from "./types";

const given = <T>({ data, error }: { data?: T; error?: unknown }): T => {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
};

const stranger = createClient<paths>({ baseUrl: orders.url });
const staff = createClient<paths>({ baseUrl: orders.url, fetch: browser });
const enrolled = given(await stranger.POST("/v1/devices", { body: { code: orders.code, device } }));
const phone = createClient<paths>({ baseUrl: orders.url, headers: { Authorization: `Bearer ${enrolled.token}` } });
const { issue, ops } = dayOf();
const pushed = given(await phone.POST("/v1/sync/push", { body: { batch_id: uuid(), sent_at: now(), ops } }));
let page = given(await phone.GET("/v1/sync/pull"));
const changes = page.changes;
// A page may be empty while there is more.
while (page.has_more) {
  page = given(await phone.GET("/v1/sync/pull", { params: { query: { cursor: page.cursor } } }));
  changes.push(...page.changes);
}
const digests = given(await phone.GET("/v1/sync/digest")).digests;
const waiting = given(await phone.GET("/v1/sync/status")).quarantined;
if (waiting.length) throw new Error(JSON.stringify(waiting));
const credentials = { login: orders.login, password: orders.password };
const session = given(await staff.POST("/v1/session", { body: credentials }));
const listed = given(await staff.GET("/v1/issues")).issues;
const body = { worker: orders.worker };
const asked = (token: string) => ({ params: { header: { "X-CSRF-Token": token } } });
const refused = await staff.POST("/v1/enrolments", { body, ...asked("wrong") });
const code = given(await staff.POST("/v1/enrolments", { body, ...asked(session.csrf) }));
await staff.DELETE("/v1/session", asked(session.csrf));
const after = await staff.GET("/v1/session");

told({
  worker: enrolled.worker.login,
  pushed: pushed.results.map((each) => each.status),
  pulled: changes.length,
  severity: changes.find((each) => each.id === issue.id)?.data?.["severity"],
  digests: digests.length,
  signed_in: session.person.login,
  listed: listed.filter((each) => each.id === issue.id).map((each) => each.summary),
  code: code.code,
  refused: refused.response.status,
  signed_out: after.response.status,
});
