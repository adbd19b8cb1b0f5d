// Replicates an RxDB collection, named as the server's, of flat documents {id, ...fields, rev}; `rev` is the server's.
// `kept`, {seq: 0} at first, is JSON that `save` makes durable; `heard` is given results and outcomes of operations.
import { deepEqual } from "rxdb";
import { replicateRxCollection } from "rxdb/plugins/replication";
export function replicate(collection, { url, token, kept, save, heard }, { batchSize = 100, retryTime = 5000 } = {}) {
  const mine = (kept[collection.name] ??= { ops: {}, given: {}, passed: {} });
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const stored = (ids) => collection.storageInstance.findDocumentsById(ids, true);
  const refused = (entry) => entry?.told?.status === "quarantined";
  async function ask(path, how) {
    const answer = await fetch(url + path, { headers, ...how });
    if (answer.ok || answer.status === 410) return answer.json(); // 410 brings no cursor: a pull begins anew
    throw new Error(`${answer.status} ${await answer.text()}`); // RxDB asks again till the app, told by error$, ends it
  }
  function note({ assumedMasterState: seen, newDocumentState: state }, lwt) {
    const ops = (mine.ops[state.id] ?? []).filter((entry) => entry.rev === seen?.rev && !refused(entry));
    const own = (mine.ops[state.id] = ops).at(-1); // what was made since the last pull, which this one builds on
    const base = own ? { op_id: own.op.op_id } : seen?.rev ? { rev: seen.rev } : null;
    const before = own?.state ?? (base ? seen : { _deleted: true });
    const differs = (key) => !["id", "rev", "_deleted"].includes(key) && !deepEqual(before[key], state[key]);
    const keys = Object.keys({ ...before, ...state }).filter((key) => !state._deleted && differs(key));
    if (keys.length === 0 && !before._deleted === !state._deleted) return;
    const data = Object.fromEntries(keys.map((key) => [key, state[key] ?? null]));
    const what = { id: state.id, action: state._deleted ? "delete" : base ? "patch" : "put", base, data };
    const op = { op_id: crypto.randomUUID(), seq: ++kept.seq, collection: collection.name, captured_at: new Date(lwt) };
    ops.push({ op: { ...op, ...what }, state, rev: seen?.rev });
  }
  async function push(rows) { // never throws for what is quarantined, or RxDB would push it for ever
    const rowOf = Object.fromEntries(rows.map((row) => [row.newDocumentState.id, row]));
    for (const { id, _meta } of await stored(Object.keys(rowOf))) note(rowOf[id], _meta.lwt);
    await save(kept); // before it is sent: a row that RxDB pushes again says nothing new, and its operation is repeated
    const sent = Object.keys(rowOf).flatMap((id) => mine.ops[id].filter((entry) => !entry.told));
    const batch = { batch_id: crypto.randomUUID(), sent_at: new Date(), ops: sent.map((entry) => entry.op) };
    const { results } = await ask("/v1/sync/push", { method: "POST", body: JSON.stringify(batch) });
    sent.forEach((entry, at) => heard((entry.told = results[at])));
    for (const entry of sent) if (!refused(entry)) delete mine.given[entry.op.id]; // it comes anew, merged
    await save(kept);
    const back = Object.keys(rowOf).filter((id) => refused(mine.ops[id].at(-1))); // to the server's state, as conflicts
    return back.map((id) => mine.given[id] ?? rowOf[id].assumedMasterState).filter(Boolean);
  }
  async function pull({ cursor: from = "" } = {}, size) {
    for (const { id, rev, _deleted } of await stored(Object.keys(mine.given)))
      if (mine.given[id].rev === rev && mine.given[id]._deleted === _deleted) delete mine.given[id];
    const documents = Object.fromEntries(Object.entries(mine.given).slice(0, size - 1));
    let [cursor, more, changes, outcomes] = [mine.passed[from] ?? from, true];
    while (more && Object.keys(documents).length < size) { // shorter, it would end RxDB's pull
      const query = new URLSearchParams({ collections: collection.name, limit: size, cursor });
      ({ changes = [], outcomes = [], cursor = "", has_more: more = true } = await ask(`/v1/sync/pull?${query}`));
      for (const { id, rev, action, data } of changes) documents[id] = { id, rev, ...data, _deleted: action !== "put" };
      outcomes.forEach((told) => heard(told));
    }
    mine.passed = { [from]: cursor }; // RxDB saves no checkpoint without documents
    Object.assign(mine.given, documents); // RxDB drops one that was edited meanwhile: given again until RxDB holds it
    await save(kept);
    return { documents: Object.values(documents), checkpoint: { cursor } };
  }
  const handlers = { push: { handler: push, batchSize }, pull: { handler: pull, batchSize } };
  return replicateRxCollection({ collection, replicationIdentifier: url, retryTime, ...handlers });
}
