/** Mending a report that the server did not take: it comes back into the form, under the same id, and is sent anew. */
import type { Entry } from "../../sync/index";
import type { Phone } from "../phone";
import { issueOf } from "../records";
import { DRAFT, emptyDraft } from "../report/draft";
import { go } from "../shell/route";

export async function mendIn(phone: Phone, { op, op_id }: Entry): Promise<void> {
  const { category, description, address, location, severity, photos } = issueOf({ collection: "issues", id: op.id, rev: 0, data: op.data, grid: null, unsettled: 0, masked: false, mine: true });
  await phone.draft(DRAFT, {
    ...emptyDraft(op.id),
    category: category || null,
    description,
    address,
    place: location,
    byHand: location?.accuracy_m === undefined,
    urgent: severity === "urgent",
    photos,
    memos: (op.data.memos ?? []) as string[],
    replaces: op_id,
  });
  go("report");
}
