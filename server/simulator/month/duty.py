"""The duty desk of the month: a dispatcher and the duty chief of the city look at their lists and act by chance.

Owns what they do with a case by its state. They know of it what the duty list says, and what others tell them.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

from server.cases.calendars.calendar import SHANGHAI
from server.simulator.month.reaching import MonthClock, Staff, Talk

Step = dict[str, Any]
Row = Mapping[str, Any]
_INTAKE: Final = "reported,accepted,verified,filed,returned"
_ENDING: Final = "done,checked"
_PLACE: Final = {"lon": 117.27, "lat": 31.86, "accuracy_m": 8.0, "datum": "wgs84"}


def chances(chance: Random, shares: Sequence[tuple[str, float]]) -> str:
    """Return one of these by its share; none ("") for what is left of one."""
    roll = chance.random()
    for name, share in shares:
        roll -= share
        if roll < 0:
            return name
    return ""


class DutyDesk:
    """Two people with the duty over the whole city. ``bodies``: category -> the body that handles it by default."""

    def __init__(
        self, clerk: Staff, chief: Staff, bodies: Mapping[str, str], talk: Talk, chance: Random, clock: MonthClock
    ) -> None:
        self.clerk, self.chief = clerk, chief
        self._bodies, self._talk, self._chance, self._clock = bodies, talk, chance, clock
        self._all = sorted(set(bodies.values()))

    def take_in(self) -> None:
        """Look at what came, and at what came back."""
        wanted: list[Step] = []
        by_chief: list[Step] = []
        for row in self.clerk.ask("/v1/duty", state=_INTAKE, limit=1000)["cases"]:
            step = self._intake[row["state"]](self, row)
            if step is not None:
                (by_chief if step.pop("chief", False) else wanted).append(step)
        self._took(self.clerk, wanted)
        self._took(self.chief, by_chief)

    def end(self) -> None:
        """Close what was checked, send back what is not fixed; look at what nobody is drawn for."""
        wanted, by_chief = list[Step](), list[Step]()
        for row in self.clerk.ask("/v1/duty", state=_ENDING, limit=2000)["cases"]:
            issue_id = row["id"]
            if row["state"] == "checked":
                wanted.append(self._closing(issue_id))
            elif row["private"]:
                result = chances(self._chance, [("not_fixed", 0.15)]) or "fixed"
                by_chief.append(_of(issue_id, "check", result=result, photos=[self._id()], location=_PLACE))
            elif self._chance.random() < 0.01:  # noqa: PLR2004  # what words alone can answer
                by_chief.append(_of(issue_id, "close", reason="explained", answer="已向反映人说明"))
        self._took(self.chief, by_chief)
        for step, became in self._took(self.clerk, wanted):
            if became["status"] == "taken" and step["step"] == "close":
                self._talk.closed.append(became["issue_id"])
            elif became["status"] != "taken":
                self._not_closed(became["issue_id"], became["error"].get("guard"))

    def decide(self) -> None:
        """Decide on extensions and suspensions, resume what waited, undo merges, score whistles, now and then void."""
        wanted = [
            _of(each, "grant_extension") if self._chance.random() < 0.7  # noqa: PLR2004  # most are granted
            else _of(each, "refuse_extension", reason="不符合延期条件")
            for each in sorted(self._talk.asked)
        ]  # fmt: skip
        review = (self._clock.at.astimezone(SHANGHAI) + dt.timedelta(days=self._chance.randint(2, 6))).date()
        wanted += [
            _of(each, "suspend", reason="等待配件到货", review_on=review.isoformat())
            for each in sorted(self._talk.stuck)
        ]
        wanted += [
            _of(each, "unmerge") for each in self._talk.merged if self._chance.random() < 0.2  # noqa: PLR2004  # mistakes
        ]  # fmt: skip
        for waiting in (self._talk.asked, self._talk.stuck, self._talk.merged):
            waiting.clear()
        self._took(self.clerk, wanted)
        self._score()

    def look_again(self) -> None:
        """Once a day: resume what was suspended, void what was a mistake, press where it is urgent."""
        rows = self.clerk.ask("/v1/duty", state="suspended", limit=1000)["cases"]
        wanted = [_of(row["id"], "resume") for row in rows if self._chance.random() < 0.3]  # noqa: PLR2004  # the part is there
        rows = self.chief.ask("/v1/duty", light="red", limit=200)["cases"]
        self._took(self.clerk, wanted)
        deeds = (self._of_overdue(row) for row in rows)
        self._took(self.chief, [each for each in deeds if each is not None])

    def _of_overdue(self, row: Row) -> Step | None:
        deed = chances(self._chance, [("void", 0.01), ("escalate", 0.03), ("dispatch", 0.02)])
        if deed == "dispatch" and row["state"] in ("dispatched", "received", "in_progress"):
            bodies = {"lead": self._chance.choice(self._all), "assisting": []}
            return _of(row["id"], "dispatch", state=row["state"], bodies=bodies, reason="久拖不决，改派")
        return _of(row["id"], deed, reason="重复误报") if deed in ("void", "escalate") else None

    def _reported(self, row: Row) -> Step | None:
        if row["duplicates"] and (step := self._merging(row)) is not None:
            return step
        deed = chances(self._chance, [("accept", 0.85), ("refuse", 0.04), ("settle", 0.01), ("void", 0.005)])
        given: Mapping[str, Step] = {
            "refuse": {"reason": "not_found", "answer": "现场未发现所反映的问题"},
            "settle": {"answer": "社区已当场处理", "photos": [self._id()]},
            "void": {"reason": "测试误报", "chief": True},
        }
        return _of(row["id"], deed, **given.get(deed, {})) if deed else None

    def _merging(self, row: Row) -> Step | None:
        if self._chance.random() < 0.4:  # noqa: PLR2004  # the others are of another matter
            return None
        found = self.clerk.ask(f"/v1/cases/{row['id']}/duplicates")["candidates"]
        into = next((each for each in found if not each["dismissed"]), None)
        if into is None:
            return None
        self._talk.merged.append(row["id"])
        return _of(row["id"], "merge", of=into["id"])

    def _accepted(self, row: Row) -> Step | None:
        if row["source"] != "resident":
            return _of(row["id"], "file") if self._chance.random() < 0.9 else None  # noqa: PLR2004  # soon
        if row["private"]:
            return _of(row["id"], "verify", result="exists", photos=[self._id()], location=_PLACE, chief=True)
        if self._chance.random() < 0.004:  # noqa: PLR2004  # verifiers found nothing
            return _of(row["id"], "refuse", reason="not_found", answer="多次核实未发现")
        return None

    def _verified(self, row: Row) -> Step | None:
        return _of(row["id"], "file")

    def _filed(self, row: Row) -> Step | None:
        lead = self._bodies.get(row["category"], self._all[0])
        others = self._chance.sample([each for each in self._all if each != lead], 2)
        deed = chances(self._chance, [("whistle", 0.12), ("dispatch", 0.75)])
        if deed == "whistle":
            limit = {"limit": {"value": 3, "unit": "wd"}} if self._chance.random() < 0.5 else {}  # noqa: PLR2004  # half
            return _of(row["id"], "whistle", bodies={"lead": lead, "assisting": others}, chief=True, **limit)
        assisting = others[:1] if self._chance.random() < 0.2 else []  # noqa: PLR2004  # some want help
        return _of(row["id"], "dispatch", bodies={"lead": lead, "assisting": assisting}) if deed else None

    def _returned(self, row: Row) -> Step:
        """Another body; the chief of the city is the street too, which names it after the second return."""
        return _of(row["id"], "dispatch", bodies={"lead": self._chance.choice(self._all), "assisting": []}, chief=True)

    _intake: Final[Mapping[str, Callable[["DutyDesk", Row], Step | None]]] = {
        "reported": _reported, "accepted": _accepted, "verified": _verified, "filed": _filed, "returned": _returned,
    }  # fmt: skip

    def _closing(self, issue_id: str) -> Step:
        if issue_id in self._talk.unfixed:
            self._talk.unfixed.discard(issue_id)
            return _of(issue_id, "rework", reason="核查未解决")
        return _of(issue_id, "close", reason="fixed")

    def _not_closed(self, issue_id: str, guard: str | None) -> None:
        if guard == "checked-fixed":
            self._talk.unfixed.add(issue_id)
        elif guard == "whistle-scored":
            self._talk.unscored.setdefault(issue_id, set())

    def _score(self) -> None:
        for issue_id, scored in sorted(self._talk.unscored.items()):
            told = self.chief.ask(f"/v1/cases/{issue_id}")
            bodies = {each["code"] for each in (told["body"], *told["assisting"]) if each} - scored
            wanted = [_of(issue_id, "score", body=each, score=self._chance.randint(2, 5)) for each in sorted(bodies)]
            for step, result in self._took(self.chief, wanted):
                if result["status"] == "taken":
                    scored.add(step["body"])
            if bodies <= scored:
                del self._talk.unscored[issue_id]

    def _took(self, who: Staff, wanted: Sequence[Step]) -> Iterator[tuple[Step, Mapping[str, Any]]]:
        sent = [{"id": self._id(), **step} for step in wanted]
        results = who.take(sent)
        self._talk.note(results)
        return zip(sent, results, strict=True)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))


def _of(issue_id: str, step: str, **given: Any) -> Step:
    return {"issue_id": issue_id, "step": step, **given}
