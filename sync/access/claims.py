"""Doors taken by a worker for some days (认领门牌), so that two do not knock; and given back.

Owns who has which door until when. A door is taken by whoever sees it in their scope at that moment; of two, the first
has it until its time is over or it is given back, and the other is told who has it. It binds nobody: a visit by another
is taken all the same. What is over is kept no longer than a day.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from sync.access.devices import CallingDevice
from sync.access.scope import Scope
from sync.access.sight import within
from sync.collections.households import HOUSEHOLDS, Household
from sync.store import feed

LONGEST_DAYS = 7
MOST_DOORS = 500

_TAKE = text("""
    INSERT INTO door_claim (household_id, person_id, taken_at, until)
    SELECT id, :person, CAST(:now AS timestamptz), CAST(:until AS timestamptz) FROM unnest(CAST(:ids AS uuid[])) AS id
    ON CONFLICT (household_id) DO UPDATE
    SET person_id = excluded.person_id, taken_at = excluded.taken_at, until = excluded.until
    WHERE door_claim.person_id = excluded.person_id OR door_claim.until <= excluded.taken_at
    RETURNING household_id
""")
_GIVE_BACK = text("""
    DELETE FROM door_claim WHERE household_id = ANY (CAST(:ids AS uuid[])) AND person_id = :person
    RETURNING household_id
""")
# In nobody's way: whoever has one of them in hand deletes it themselves.
_FORGET = text("""
    DELETE FROM door_claim WHERE household_id IN (
        SELECT household_id FROM door_claim WHERE until < CAST(:now AS timestamptz) - interval '1 day'
        ORDER BY household_id FOR UPDATE SKIP LOCKED
    )
""")
_CHANGE = text("""
    UPDATE household SET rev = rev + 1, changed_at = :now WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_HELD = text("""
    SELECT household_id, person_id, name, until FROM door_claim JOIN person ON person.id = person_id
    WHERE household_id = ANY (CAST(:ids AS uuid[])) AND until > CAST(:now AS timestamptz)
""")

Status = Literal["yours", "taken", "free", "unknown"]


@dataclass(frozen=True, slots=True)
class Door:
    """How a door stands after the question. ``by``: the name of who has it; ``unknown``: not in the asker's scope."""

    household_id: uuid.UUID
    status: Status
    by: str | None = None
    until: dt.datetime | None = None


def take(
    session: Session,
    device: CallingDevice,
    scope: Scope,
    household_ids: Sequence[uuid.UUID],
    *,
    until: dt.datetime,
    now: dt.datetime,
) -> list[Door]:
    """Take doors for the device's person, as far as nobody else has them; return how each stands, in the order asked.

    Taking again what one has moves its end. Locks: the households in ascending id, the feed last, until the commit.
    """
    grids = _lock(session, scope, household_ids)
    session.execute(_FORGET, {"now": now})
    asked = {"person": device.person_id, "now": now, "until": until, "ids": list(grids)}
    _tell(session, grids, session.execute(_TAKE, asked).scalars().all(), now)
    return _standing(session, device, household_ids, grids, now)


def give_back(
    session: Session, device: CallingDevice, scope: Scope, household_ids: Sequence[uuid.UUID], *, now: dt.datetime
) -> list[Door]:
    """Give back doors that the device's person has; what others have stays theirs. Locks as ``take``."""
    grids = _lock(session, scope, household_ids)
    given = session.execute(_GIVE_BACK, {"person": device.person_id, "ids": list(grids)}).scalars().all()
    _tell(session, grids, given, now)
    return _standing(session, device, household_ids, grids, now)


def _lock(session: Session, scope: Scope, household_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Lock those of the households that lie in scope, and return their grids."""
    seen = (
        select(Household.id, Household.grid_now)
        .where(Household.id.in_(list(household_ids)), within(HOUSEHOLDS, scope.tokens))
        .order_by(Household.id)
        .with_for_update(of=Household)
    )
    return {row.id: row.grid_now for row in session.execute(seen)}


def _tell(session: Session, grids: dict[uuid.UUID, int], changed: Sequence[uuid.UUID], now: dt.datetime) -> None:
    if changed:
        session.execute(_CHANGE, {"ids": list(changed), "now": now})
        feed.append(session, feed.record_touches(HOUSEHOLDS.topic, [(each, (grids[each],), None) for each in changed]))


def _standing(
    session: Session,
    device: CallingDevice,
    household_ids: Sequence[uuid.UUID],
    grids: dict[uuid.UUID, int],
    now: dt.datetime,
) -> list[Door]:
    rows = session.execute(_HELD, {"ids": list(grids), "now": now})
    held = {
        row.household_id: Door(
            row.household_id, "yours" if row.person_id == device.person_id else "taken", row.name, row.until
        )
        for row in rows
    }
    return [held.get(each) or Door(each, "free" if each in grids else "unknown") for each in household_ids]
