/** The grids around the worker's own, outlines alone: fetched when there is a network, kept for when there is none. */
import { useEffect, useMemo } from "preact/hooks";
import { request } from "../../sync/transport";
import type { Phone } from "../phone";
import type { GridArea } from "../records";
import { type Book, useLive } from "../shell/live";

const KEPT = "neighbours";
const OLD_MS = 3_600_000;

/** `scope`: the version of the worker's scope that they lie around. `at`: when they were fetched, in ms. */
interface Kept {
  readonly scope: number;
  readonly at: number;
  readonly grids: readonly GridArea[];
}

/** Return the neighbours that the phone knows, without those that are the worker's own by now. */
export function useNeighbours(phone: Phone, { grids }: Book): readonly GridArea[] {
  const kept = useLive(() => phone.kept<Kept>(KEPT), [phone]);
  useEffect(() => void refreshNeighbours(phone), [phone]);
  return useMemo(() => {
    const own = new Set(grids.map(({ code }) => code));
    return (kept?.grids ?? []).filter(({ code }) => !own.has(code));
  }, [kept, grids]);
}

export async function refreshNeighbours(phone: Phone): Promise<void> {
  try {
    const { position } = await phone.client.summary();
    const [scope, kept] = [position.scope?.version ?? 0, await phone.kept<Kept>(KEPT)];
    if (kept?.scope === scope && Date.now() - kept.at < OLD_MS) return;
    const answer = await request(await phone.client.line(), "/v1/sync/neighbours");
    await phone.keep(KEPT, { scope, at: Date.now(), grids: ((await answer.json()) as { grids: GridArea[] }).grids });
  } catch {
    // No network: what was kept holds.
  }
}
