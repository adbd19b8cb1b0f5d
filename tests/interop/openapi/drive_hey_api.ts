/** A day's work by the client that @hey-api/openapi-ts made. */
import { browser, dayOf, device, now, orders, told, uuid } from "./day";
import { createClient } from "./hey/client";
import {
  deleteSession,
  getIssues,
  getSession,
  getSyncDigest,
  getSyncPull,
  getSyncStatus,
  postDevices,
  postEnrolments,
  postSession,
  postSyncPush,
} from "./hey";

const staff = createClient({ baseUrl: orders.url, fetch: browser });
const stranger = createClient({ baseUrl: orders.url });
const enrolled = (await postDevices({ client: stranger, body: { code: orders.code, device }, throwOnError: true })).data;
const phone = createClient({ baseUrl: orders.url, auth: () => enrolled.token });
const { issue, ops } = dayOf();
const pushed = await postSyncPush({
  client: phone,
  body: { batch_id: uuid(), sent_at: now(), ops },
  throwOnError: true,
});
let page = (await getSyncPull({ client: phone, throwOnError: true })).data;
const changes = page.changes;
// A page may be empty while there is more.
while (page.has_more) {
  page = (await getSyncPull({ client: phone, query: { cursor: page.cursor }, throwOnError: true })).data;
  changes.push(...page.changes);
}
const digests = (await getSyncDigest({ client: phone, throwOnError: true })).data.digests;
const waiting = (await getSyncStatus({ client: phone, throwOnError: true })).data.quarantined;
if (waiting.length) throw new Error(JSON.stringify(waiting));
const credentials = { login: orders.login, password: orders.password };
const session = (await postSession({ client: staff, body: credentials, throwOnError: true })).data;
const listed = (await getIssues({ client: staff, throwOnError: true })).data.issues;
const body = { worker: orders.worker };
const refused = await postEnrolments({ client: staff, body, headers: { "X-CSRF-Token": "wrong" } });
const headers = { "X-CSRF-Token": session.csrf };
const code = (await postEnrolments({ client: staff, body, headers, throwOnError: true })).data;
await deleteSession({ client: staff, headers, throwOnError: true });
const after = await getSession({ client: staff });

told({
  worker: enrolled.worker.login,
  pushed: pushed.data.results.map((each) => each.status),
  pulled: changes.length,
  severity: changes.find((each) => each.id === issue.id)?.data?.["severity"],
  digests: digests.length,
  signed_in: session.person.login,
  listed: listed.filter((each) => each.id === issue.id).map((each) => each.summary),
  code: code.code,
  refused: refused.response?.status,
  signed_out: after.response?.status,
});
