/** A role and where it is held: an area found by words; of a handler, a body. */
import { useState } from "preact/hooks";
import { ROLES, type Role } from "../api/people";
import type { Ground } from "../api/types";
import { t } from "../i18n";
import { BodySelect } from "../case/BodyOptions";
import { AreaSelect } from "../page/AreaChoice";
import { Select } from "../page/Staff";

export interface RoleGiven {
  role: Role;
  area: string;
}

/** The role being put together; a place is of a role: another role of another kind of place forgets it. */
export function useRole(): [RoleGiven, (part: Partial<RoleGiven>) => void] {
  const [given, setGiven] = useState<RoleGiven>({ role: "grid_worker", area: "" });
  const change = (part: Partial<RoleGiven>): void =>
    setGiven((last) => {
      const next = { ...last, ...part };
      return (last.role === "handler") === (next.role === "handler") ? next : { ...next, area: "" };
    });
  return [given, change];
}

export function RoleFields({ ground, given, change }: { ground: Ground; given: RoleGiven; change: (part: Partial<RoleGiven>) => void }) {
  return (
    <>
      <Select name={t("people.role")} value={given.role} options={ROLES.map((role) => [role, t(`role.${role}`)] as const)} onChange={(role) => change({ role: role as Role })} />
      {given.role === "handler" ? (
        <BodySelect name={t("people.body")} value={given.area} none={t("mend.choose")} required onChange={(area) => change({ area })} />
      ) : (
        <AreaSelect ground={ground} value={given.area} onChange={(area) => change({ area })} />
      )}
    </>
  );
}
