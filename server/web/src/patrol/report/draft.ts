/** The report that is being written: kept sealed at every keystroke, so that a killed browser loses nothing. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Fields } from "../../sync/index";
import type { Phone } from "../phone";
import type { Spot } from "../records";
import { withRoom } from "../shell/room";

/** `id`: of the issue that it becomes, from the first keystroke on, so that photos know to what they belong. */
export interface ReportDraft {
  readonly id: string;
  readonly household: string | null;
  readonly place: Spot | null;
  readonly byHand: boolean;
  readonly address: string;
  readonly category: string | null;
  readonly description: string;
  readonly urgent: boolean;
  readonly photos: readonly string[];
  readonly memos: readonly string[];
  readonly settled: boolean;
  readonly answer: string;
  readonly after: readonly string[];
  /** The operation that this one is sent instead of. */
  readonly replaces: string | null;
}

export const DRAFT = "report";

export function emptyDraft(id: string): ReportDraft {
  return { id, household: null, place: null, byHand: false, address: "", category: null, description: "", urgent: false, photos: [], memos: [], settled: false, answer: "", after: [], replaces: null };
}

/** A draft of the version before has fewer fields. */
function whole(draft: ReportDraft): ReportDraft {
  return { ...emptyDraft(draft.id), ...draft };
}

/** Return the draft (null until it is read), what changes it, and what forgets it. */
export function useDraft(phone: Phone, begin: (found: ReportDraft | null) => ReportDraft): [ReportDraft | null, (changes: Partial<ReportDraft>) => void, () => Promise<void>] {
  const [draft, setDraft] = useState<ReportDraft | null>(null);
  const latest = useRef<ReportDraft | null>(null);
  useEffect(() => {
    void phone.drafts.get(DRAFT).then((found) => {
      latest.current = begin(found === undefined ? null : whole(found.value as ReportDraft));
      setDraft(latest.current);
    });
  }, [phone]);
  const change = useCallback((changes: Partial<ReportDraft>) => {
    if (latest.current === null) return;
    latest.current = { ...latest.current, ...changes };
    setDraft(latest.current);
    void phone.draft(DRAFT, latest.current);
  }, [phone]);
  const forget = useCallback(async () => {
    latest.current = null;
    await phone.draft(DRAFT, null);
  }, [phone]);
  return [draft, change, forget];
}

/** What is missing before it can be sent. */
export type Missing = "category" | "place" | "answer";

export function missingIn({ category, place, address, settled, answer }: ReportDraft): Missing | null {
  if (category === null) return "category";
  if (place === null && address.trim() === "") return "place";
  return settled && answer.trim() === "" ? "answer" : null;
}

/** Enter the report, and with it that it was settled on the spot: one transaction, and the draft is gone with it. */
export async function enterReport(phone: Phone, draft: ReportDraft): Promise<void> {
  const { store } = phone.client;
  const entered = (): Promise<void> => store.transaction("rw", [store.outbox, store.records, store.singles, phone.drafts, phone.reported], async () => {
    await phone.client.put("issues", issueFields(draft), draft.id);
    if (draft.settled) {
      const step: Fields = { issue_id: draft.id, step: "settle", answer: draft.answer.trim(), photos: draft.after, at: new Date().toISOString() };
      await phone.client.put("steps", step);
    }
    await phone.reported.put({ id: draft.id });
    await phone.drafts.delete(DRAFT);
  });
  await withRoom(entered);
  if (draft.replaces !== null) await phone.client.forget(draft.replaces);
}

function issueFields({ category, description, urgent, place, address, photos, memos }: ReportDraft): Fields {
  return {
    category,
    severity: urgent ? "urgent" : "normal",
    ...(description.trim() !== "" && { description: description.trim() }),
    ...(address.trim() !== "" && { address_text: address.trim() }),
    ...(place !== null && { location: { ...rounded(place), datum: "wgs84" } }),
    ...(photos.length > 0 && { photos }),
    ...(memos.length > 0 && { memos }),
  };
}

/** Places go out with 8 decimals, about a millimetre: so rounded they lie where the phone said that they lie. */
function rounded({ lon, lat, accuracy_m }: Spot): Fields {
  const to = (degrees: number): number => Math.round(degrees * 1e8) / 1e8;
  return { lon: to(lon), lat: to(lat), ...(accuracy_m !== undefined && { accuracy_m: Math.round(accuracy_m * 10) / 10 }) };
}
