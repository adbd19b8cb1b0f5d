"""What people with phones do to cases: handlers, checkers, reporters; what is legal, what is not, and twice the same.

Owns the mixture. Whoever carries a grid knows the cases that the phone holds; a handler those of their body, from its
desk. Whether a step may be taken is the server's to say: what must hold of it is ``casebook``.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.simulator.faults.survivor import Survivor
from server.simulator.faults.world import World
from server.simulator.phone import Made
from sync.collections.steps import STEPS

_LATE_S: Final = 6 * 3600
_SOMEWHERE: Final = {"lon": 114.3, "lat": 25.68, "accuracy_m": 8.0}
_LONG_AGO: Final = dt.timedelta(days=42)

BY_BODY: Final[Mapping[str, Sequence[str]]] = {
    "dispatched": ("receive",),
    "received": ("start", "return", "done", "ask_extension"),
    "in_progress": ("done", "ask_extension"),
    "extended": ("done",),
    "reworked": ("start", "done"),
}
"""What a body may do to a case, by its state."""
_BY_WORKER: Final[Mapping[str, Sequence[str]]] = {
    "reported": ("settle",), "accepted": ("settle",), "closed": ("reopen", "rate"),
}  # fmt: skip

_CHECKS: Final = ("check", "verify")

_OF_BODY = text("""
    SELECT issue.id::text, issue.state FROM issue
    WHERE body_id IN (SELECT organisation.id FROM organisation WHERE code = :body) AND deleted_at IS NULL
      AND closed_at IS NULL AND merged_into IS NULL
    ORDER BY changed_at DESC LIMIT 60
""")


def cases_of(world: World, body: str) -> list[tuple[str, str]]:
    """Return cases of a body (by code) with their states, as its desk shows them; none while the database is away."""
    try:
        with Session(world.engine) as session:
            return [(row.id, row.state) for row in session.execute(_OF_BODY, {"body": body})]
    except OperationalError:
        return []


def given_for(step: str, chance: Random) -> dict[str, Any]:
    """Return the fields of a step, filled in as somebody would who takes it."""
    words = chance.choice(("已到现场", "已清理", "需其他单位配合", "居民已告知"))
    photo = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    fields: dict[str, dict[str, Any]] = {
        "settle": {"answer": words},
        "return": {
            "reason": chance.choice(("not_ours", "wrong_place", "not_found")),
            "note": words,
            "photos": [photo],
        },
        "done": {"answer": words, "photos": [photo]},
        "ask_extension": {"reason": words, "limit": {"value": 2, "unit": "wd"}},
        "check": {"result": chance.choice(("fixed", "not_fixed")), "photos": [photo], "location": _SOMEWHERE},
        "verify": {"result": chance.choice(("exists", "not_found")), "photos": [photo], "location": _SOMEWHERE},
        "reopen": {"reason": words},
        "rate": {"score": chance.randint(1, 5)},
        "escalate": {"reason": words},
        "close": {"reason": "fixed", "answer": words},
        "refuse": {"reason": "unclear", "answer": words},
        "assist_done": {"answer": words},
    }
    return fields.get(step, {})


class CaseWork:
    """Enters steps on one phone."""

    def __init__(self, phone: Survivor) -> None:
        self.phone = phone
        self._chance = phone.chance
        self._last: Made | None = None

    def of_worker(self) -> None:
        """Do something to a case that the phone holds: a check that was given to its worker before all else."""
        tasks = [each["data"] for (name, _), each in sorted(self.phone.held.items()) if name == "tasks"]
        given = [
            (each["issue_id"], each["kind"]) for each in tasks if each.get("kind") in _CHECKS and "issue_id" in each
        ]
        if given and self._chance.random() < 0.7:  # noqa: PLR2004  # some leave it lying
            self._enter(*self._chance.choice(given))
            return
        issues = [(key, each) for (name, key), each in sorted(self.phone.held.items()) if name == "issues"]
        if issues:
            record_id, held = self._chance.choice(issues)
            self._some_step(record_id, _BY_WORKER.get(str(held["data"].get("state")), ()))

    def of_handler(self, cases: Sequence[tuple[str, str]]) -> None:
        """Do something to one of the body's cases."""
        if cases:
            record_id, state = self._chance.choice(cases)
            self._some_step(record_id, BY_BODY.get(state, ()))

    def hostile(self, issue_id: str) -> None:
        """Do something to a case that is none of this person's business."""
        step = self._chance.choice(STEPS)
        when = self.phone.now() - self._chance.choice((dt.timedelta(0), dt.timedelta(days=20), _LONG_AGO))
        data = {"issue_id": issue_id, "step": step, **given_for(step, self._chance)}
        self.phone.happened["hostile_steps"] += 1
        made = self.phone.enter("steps", data, captured_at=when)
        self.phone.barred.add(made.record_id)

    def _some_step(self, record_id: str, legal: Sequence[str]) -> None:
        """Take a legal step mostly, at times any, at times the last one again."""
        roll = self._chance.random()
        if roll < 0.1 and self._last is not None:  # noqa: PLR2004
            self._again(self._last)
        elif legal and roll < 0.8:  # noqa: PLR2004
            self._enter(record_id, self._chance.choice(legal))
        else:
            self._enter(record_id, self._chance.choice(STEPS))

    def _enter(self, issue_id: str, step: str) -> None:
        late = dt.timedelta(seconds=self._chance.choice((0, 0, 60, self._chance.randint(0, _LATE_S))))
        data = {"issue_id": issue_id, "step": step, **given_for(step, self._chance)}
        if self._chance.random() < 0.1:  # noqa: PLR2004  # a field is forgotten
            data.pop(self._chance.choice(sorted(data.keys() - {"issue_id", "step"}) or ["-"]), None)
        self.phone.happened["steps"] += 1
        self._last = self.phone.enter("steps", data, captured_at=self.phone.now() - late)

    def _again(self, made: Made) -> None:
        """Send another operation under the id of a step: it is sent once, and never changed or taken back."""
        self.phone.happened["steps_again"] += 1
        action = self._chance.choice(("put", "patch", "delete"))
        data = {} if action == "delete" else {"issue_id": made.record_id, "step": "receive"}
        base = None if action == "put" else {"rev": 1}
        again = self.phone.enter("steps", data, action=action, record_id=made.record_id, base=base)
        # Of two that are put, whichever comes first is the step.
        again.refusable = action != "put"
