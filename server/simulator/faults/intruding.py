"""Hostile phones: people who may write nothing, and try everything that the protocol has words for.

Owns who they are and what they send. One sort worked here once and was moved on too long ago to hand anything in; the
other has an office that works with no phone. They know the ids of what others made, claim times when they still had a
right, and put, patch and delete upon them. Every operation of theirs is made to be refused, so that the ledger asks of
each whether it is in quarantine, with a reason, and of each record whether it is the sum of the operations of others;
of a step, which may wait for a case that nobody has sent yet, whether it was never taken.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.simulator.faults.carrying import Carrier
from server.simulator.phone import Made

_MOST_IN_OUTBOX: Final = 60
_AT_ONCE: Final = 4
_LONG_AGO: Final = dt.timedelta(days=42)
_SOMEWHERE: Final = {"lon": 114.3, "lat": 25.68}

_PERSON = text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT (login) DO NOTHING")
# One who was moved on, of the first grid; one with an office, over the whole.
_ASSIGNED = text("""
    INSERT INTO assignment (person_id, role, area_id, during)
    SELECT person.id, :role, (
        SELECT area_id FROM area_version JOIN area ON area.id = area_id JOIN area_kind ON area_kind.code = area.kind
        WHERE upper_inf(editions) AND CASE WHEN CAST(:whole AS boolean) THEN parent_id IS NULL ELSE is_locating END
        ORDER BY area.code LIMIT 1
    ), tstzrange(CAST(:now AS timestamptz) - interval '300 days', :until)
    FROM person WHERE login = :login
      AND NOT EXISTS (SELECT FROM assignment WHERE assignment.person_id = person.id)
""")


def found_intruder(session: Session, number: int, now: dt.datetime) -> str:
    """Make somebody who may write nothing, and return the login; by turns of one sort and the other."""
    login, has_office = f"intruder-{number}", number % 2 == 1
    until = None if has_office else now - _LONG_AGO + dt.timedelta(days=1)
    session.execute(_PERSON, {"login": login})
    session.execute(
        _ASSIGNED,
        {"login": login, "role": "auditor" if has_office else "grid_worker", "whole": has_office, "now": now,
         "until": until},
    )  # fmt: skip
    return login


class Intruder(Carrier):
    """Somebody hostile with a phone. ``victims``: those whose records they know of."""

    victims: Sequence[Carrier] = ()

    def _collect(self) -> None:
        if len(self.phone.outbox) < _MOST_IN_OUTBOX:
            for _ in range(_AT_ONCE):
                made = self._attack()
                # Where a restore took somebody's step back, its id is anybody's: such a step is kept, and never taken.
                if (made.collection, made.action) == ("steps", "put"):
                    self.phone.barred.add(made.record_id)
                else:
                    made.refusable = True
            self._attack_cases()

    def _attack_cases(self) -> None:
        """Take a step of somebody's case."""
        made = [each for carrier in self.victims for each in list(carrier.phone.made.values())]
        known = [each for each in made if each.collection == "issues" and each.status in ("applied", "merged")]
        if known:
            self._cases.hostile(self._chance.choice(known).record_id)

    def _attack(self) -> Made:
        made = [each for carrier in self.victims for each in list(carrier.phone.made.values())]
        in_effect = [each for each in made if each.status in ("applied", "merged") and not each.refusable]
        known = [each for each in in_effect if each.collection in _ATTACKS]
        if not known:
            return self._enter("visits", {"outcome": "met", "location": _SOMEWHERE})
        victim = self._chance.choice(known)
        action, data = self._chance.choice(_ATTACKS[victim.collection])
        return self._enter(victim.collection, data, action, victim)

    def _enter(self, collection: str, data: dict[str, Any], action: str = "put", victim: Made | None = None) -> Made:
        base = None if victim is None or action == "put" else {"rev": self._chance.choice((1, victim.rev or 1))}
        when = self.phone.now() - self._chance.choice((dt.timedelta(0), _LONG_AGO))
        record_id = None if victim is None else victim.record_id
        self.phone.happened["attacks"] += 1
        return self.phone.enter(collection, data, action=action, record_id=record_id, base=base, captured_at=when)


_ISSUE: Final = {"category": "0301", "description": "入侵", "location": _SOMEWHERE}
_ATTACKS: Final[dict[str, Sequence[tuple[str, dict[str, Any]]]]] = {
    "issues": (
        ("put", _ISSUE),
        ("patch", {"description": "入侵"}),
        ("patch", {"location": _SOMEWHERE}),
        ("patch", {"private": False, "category": "0301"}),
        ("delete", {}),
    ),
    "visits": (("put", {"outcome": "met", "location": _SOMEWHERE}), ("patch", {"note": "入侵"}), ("delete", {})),
    "households": (("put", {"building": "入侵"}), ("patch", {"needs": ["入侵"]}), ("delete", {})),
    "tasks": (("put", {"state": "done"}), ("patch", {"state": "done"}), ("delete", {})),
    "steps": (
        ("put", {"issue_id": "00000000-0000-4000-8000-000000000000", "step": "close"}),
        ("patch", {"step": "close"}),
        ("delete", {}),
    ),
}
