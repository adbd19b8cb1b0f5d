/**
 * What came, what went and why, when the worker's grids change: told until it was seen. The records themselves came and
 * went before, bit by bit, and what is unsent is sent all the same.
 */
import { useMemo } from "preact/hooks";
import { listed, t } from "../../i18n";
import { request } from "../../sync/transport";
import type { Phone } from "../phone";
import { useLive, usePhone } from "../shell/live";

const TOLD = "scope-told";
const CHANGES = "scope-changes";

export interface GridChange {
  readonly code: string;
  readonly name: string;
  readonly change: "came" | "went" | "reshaped";
  readonly why: "redrawn" | "assigned";
  readonly others: readonly string[];
}

/** Up to which moment of the server the worker knows of changes, and which doors there were then. */
interface Told {
  readonly at: string;
  readonly doors: readonly string[];
}

/** `at`: the moment of the server up to which these are all. */
interface Answer {
  readonly at: string;
  readonly changes: readonly GridChange[];
}

/** Ask what changed since the worker was told; the first time there is nothing to be told. */
export async function refreshScopeChanges(phone: Phone): Promise<void> {
  try {
    const { filling, pulled_at } = (await phone.client.summary()).position;
    if (filling || pulled_at === null) return;
    const told = await phone.kept<Told>(TOLD);
    const query = told === undefined ? "" : `?${new URLSearchParams({ after: told.at })}`;
    const answer = await request(await phone.client.line(), `/v1/sync/scope-changes${query}`);
    const { server_time: at, changes } = (await answer.json()) as { server_time: string; changes: GridChange[] };
    if (told === undefined) await phone.keep(TOLD, { at, doors: await doorsOf(phone) } satisfies Told);
    else await phone.keep(CHANGES, { at, changes } satisfies Answer);
  } catch {
    // No network: it is asked again when one is there.
  }
}

async function doorsOf(phone: Phone): Promise<string[]> {
  return (await phone.client.list("households")).map(({ id }) => id);
}

export function ScopeChanged() {
  const { phone, book } = usePhone();
  const told = useLive(() => phone.kept<Told>(TOLD), [phone]);
  const answer = useLive(() => phone.kept<Answer>(CHANGES), [phone]);
  const [came, went] = useMemo(() => {
    const [before, now] = [new Set(told?.doors ?? []), new Set(book.households.map(({ id }) => id))];
    return [[...now].filter((id) => !before.has(id)).length, [...before].filter((id) => !now.has(id)).length];
  }, [told, book.households]);
  if (told === undefined || answer === undefined || answer.changes.length === 0) return null;
  const seen = async (): Promise<void> => {
    await phone.keep(TOLD, { at: answer.at, doors: await doorsOf(phone) } satisfies Told);
    await phone.keep(CHANGES, { at: answer.at, changes: [] } satisfies Answer);
  };
  return (
    <section class="notice patrol-again" aria-labelledby="scope-changed">
      <h2 id="scope-changed">{t("patrol.scope")}</h2>
      <ul class="patrol-list">{answer.changes.map((each) => <li key={`${each.code} ${each.change}`}>{changeWords(each)}</li>)}</ul>
      {came + went > 0 && <p>{t("patrol.scope.doors", { came, went })}</p>}
      <p>{t("patrol.scope.unsent")}</p>
      <button type="button" class="patrol-plain" onClick={() => void seen()}>{t("patrol.doubtful.known")}</button>
    </section>
  );
}

function changeWords({ name, change, why, others }: GridChange): string {
  if (change === "reshaped") return t("patrol.scope.reshaped", { name });
  if (why === "assigned") return t(`patrol.scope.${change}.assigned`, { name });
  return others.length === 0 ? t(`patrol.scope.${change}.redrawn`, { name }) : t(`patrol.scope.${change}.others`, { name, others: listed(others) });
}
