"""The handling bodies of the month: somebody at each desk signs, works, answers, returns and asks, by chance.

Owns what a body does with a case by its state and light. They know of it what the desk says.
"""

import uuid
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from server.simulator.month.duty import chances
from server.simulator.month.reaching import Staff, Talk

Step = dict[str, Any]
Row = Mapping[str, Any]
_LEADS: Final = "dispatched,received,in_progress,extended,reworked"
# How likely a case is done when somebody looks at the desk, by its light.
_DONE: Final = {"green": 0.12, "yellow": 0.3, "red": 0.35, "none": 0.15}


class BodyDesk:
    """One body and who works at its desk."""

    def __init__(self, staff: Staff, talk: Talk, chance: Random) -> None:
        self.staff = staff
        self._talk, self._chance = talk, chance
        self._assisted: set[str] = set()

    def work(self) -> None:
        """Look through the desk once."""
        led = self.staff.ask("/v1/desk/cases", part="lead", state=_LEADS, limit=500)["cases"]
        helped = self.staff.ask("/v1/desk/cases", part="assisting", limit=200)["cases"]
        wanted = [step for row in led if (step := self._deeds[row["state"]](self, row)) is not None]
        wanted += [step for row in helped if (step := self._assist(row)) is not None]
        results = self.staff.take([{"id": self._id(), **step} for step in wanted])
        self._talk.note(results)
        for step, result in zip(wanted, results, strict=True):
            if result["status"] == "taken" and step["step"] == "ask_extension":
                self._talk.asked.add(step["issue_id"])

    def _dispatched(self, row: Row) -> Step | None:
        return _of(row, "receive") if self._chance.random() < 0.9 else None  # noqa: PLR2004  # soon

    def _received(self, row: Row) -> Step | None:
        deed = chances(self._chance, [("return", 0.09), ("start", 0.75)])
        if deed == "return":
            return _of(row, deed, reason="not_ours", note="不属本单位职责，建议改派", photos=[self._id()])
        return _of(row, deed) if deed else None

    def _in_progress(self, row: Row) -> Step | None:
        deed = chances(self._chance, [("done", _DONE[row["light"]]), ("ask_extension", 0.012), ("stuck", 0.01)])
        if deed == "stuck":
            self._talk.stuck.add(row["id"])
            return None
        given: Mapping[str, Step] = {
            "done": {"answer": "已到现场处置完毕", "photos": [self._id()]},
            "ask_extension": {"reason": "缺少配件", "limit": {"value": self._chance.randint(1, 3), "unit": "wd"}},
        }
        return _of(row, deed, **given[deed]) if deed else None

    def _reworked(self, row: Row) -> Step | None:
        return _of(row, "start") if self._chance.random() < 0.5 else self._in_progress(row)  # noqa: PLR2004  # either

    _deeds: Final[Mapping[str, Callable[["BodyDesk", Row], Step | None]]] = {
        "dispatched": _dispatched, "received": _received, "in_progress": _in_progress, "extended": _in_progress,
        "reworked": _reworked,
    }  # fmt: skip

    def _assist(self, row: Row) -> Step | None:
        if row["id"] in self._assisted or self._chance.random() < 0.6:  # noqa: PLR2004  # later
            return None
        self._assisted.add(row["id"])
        return _of(row, "assist_done", answer="已按要求协办")

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _of(row: Row, step: str, **given: Any) -> Step:
    return {"issue_id": row["id"], "step": step, **given}
