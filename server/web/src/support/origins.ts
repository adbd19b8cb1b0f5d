/** Where each field of a record came from: the newest operation in effect that wrote it, both where it was joined. */
import type { Past, Value } from "../api/support";

export interface Origin {
  field: string;
  value: Value;
  /** Whether the record's value is made of what several wrote; `value` is then only the newest part. */
  joined: boolean;
  by: readonly Past[];
}

const IN_EFFECT = new Set(["applied", "merged", "released", "review"]);

export function origins(operations: readonly Past[]): Origin[] {
  const found = new Map<string, Origin>();
  const told = operations.filter((each) => IN_EFFECT.has(each.status) && each.rev !== null && each.collection !== "cases");
  for (const operation of [...told].sort((a, b) => (a.rev as number) - (b.rev as number) || a.id - b.id)) {
    for (const [field, value] of Object.entries(operation.changes ?? operation.data ?? {})) {
      const from = operation.provenance?.[field] ?? "mine";
      const before = found.get(field);
      if (from === "mine" || before === undefined) found.set(field, { field, value, joined: false, by: [operation] });
      if (from === "both" && before !== undefined) found.set(field, { field, value, joined: true, by: [...before.by, operation] });
    }
  }
  return [...found.values()];
}
