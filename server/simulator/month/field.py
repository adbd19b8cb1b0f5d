"""The field of the month: workers with phones who report, settle, verify, check, rate and ask again, by chance.

Owns what they enter, and when they are on line: some collect for hours before their phone reaches the server, and the
step that somebody took offline may be overtaken. Residents' reports are written as the page behind a door's QR code
leaves them.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from shapely import Point
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.cases.calendars.calendar import SHANGHAI
from server.simulator.month.reaching import MonthClock, MonthPhone, Talk
from sync.collections.issues import ISSUES
from sync.store import feed, log, records
from sync.store.located import locate
from sync.store.records import Record

_NEAR_M: Final = 50.0
_NIGHT_FROM, _NIGHT_TO = 19, 6
_RECENT: Final = 40
_TASKS = text("""
    SELECT DISTINCT person_id FROM task
    WHERE kind IN ('verify', 'check') AND deleted_at IS NULL AND state IN ('open', 'started')
""")


@dataclass(slots=True)
class Worker:
    """Somebody with a phone, and the grids that they report from (code and shape, WGS-84)."""

    person_id: int
    phone: MonthPhone
    grids: Sequence[tuple[str, BaseGeometry]]
    silent_until: dt.datetime
    answered: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Field:
    """All workers. ``matters``: category -> how often it is met, and what is written of it."""

    workers: Sequence[Worker]
    matters: Mapping[str, Sequence[Any]]
    talk: Talk
    chance: Random
    clock: MonthClock
    recent: list[tuple[Worker, dict[str, Any]]] = field(default_factory=list)
    authors: dict[str, Worker] = field(default_factory=dict)
    residents: list[dict[str, Any]] = field(default_factory=list)

    def report(self, count: int) -> None:
        """Meet so many problems: a worker or a resident reports each."""
        for _ in range(count):
            worker, data = self._again() or self._met()
            self.recent = [*self.recent[-_RECENT:], (worker, data)]
            if self.chance.random() < 0.12:  # noqa: PLR2004  # by the QR code of a door
                self.residents.append(data)
                continue
            made = worker.phone.enter("issues", data, captured_at=self._seen_at(worker))
            self.authors[made.record_id] = worker
            if self.chance.random() < 0.05:  # noqa: PLR2004  # picked up and carried off
                settled = {"issue_id": made.record_id, "step": "settle", "answer": "已当场清理"}
                worker.phone.enter("steps", settled)

    def answer(self, session: Session) -> None:
        """Do what was asked of workers: verify and check; a phone that a hint reached pulls."""
        hinted = set(session.scalars(_TASKS))
        for worker in self.workers:
            if worker.person_id in hinted and self.chance.random() < 0.2:  # noqa: PLR2004  # a few times a day
                self._look(worker)

    def say(self) -> None:
        """Rate what was closed, or say that it is not over."""
        for issue_id in self.talk.closed:
            worker, roll = self.authors.get(issue_id), self.chance.random()
            if worker is not None and roll < 0.3:  # noqa: PLR2004  # most say nothing
                worker.phone.enter("steps", {"issue_id": issue_id, "step": "rate", "score": self.chance.randint(2, 5)})
            elif worker is not None and roll < 0.36:  # noqa: PLR2004  # it came back
                worker.phone.enter("steps", {"issue_id": issue_id, "step": "reopen", "reason": "问题再次出现"})
        self.talk.closed.clear()

    def push(self) -> None:
        """Send what was collected, of those whose phones are on line."""
        for worker in self.workers:
            if worker.phone.outbox and worker.silent_until <= self.clock.at:
                worker.phone.push(worker.phone.outbox)

    def write_residents(self, session: Session, ground: Ground) -> None:
        """Write what residents reported: an issue and its first line in the log, by nobody's phone."""
        docs, self.residents = self.residents, []
        ids = [uuid.UUID(int=self.chance.getrandbits(128), version=4) for _ in docs]
        places, now = locate(ground, [doc["location"] for doc in docs], near_m=_NEAR_M), self.clock.at
        rows = [
            Record(key, 1, 1, doc, None, now, grid_now=place.grid, grid_at_capture=place.grid, located=place)
            for key, doc, place in zip(ids, docs, places, strict=True)
        ]
        records.insert(session, ISSUES, rows, now)
        log.write(
            session,
            [
                log.made_here(uuid.uuid5(key, "report"), ISSUES.name, key, "put", data=doc, rev=1, corrected_at=now)
                for key, doc in zip(ids, docs, strict=True)
            ],
            now=now,
        )
        feed.append(session, feed.record_touches(ISSUES.topic, [(each.id, (each.grid_now,), None) for each in rows]))

    def _again(self) -> tuple[Worker, dict[str, Any]] | None:
        """Meet again what somebody met lately, in other words."""
        if not self.recent or self.chance.random() > 0.07:  # noqa: PLR2004  # now and then
            return None
        worker, before = self.chance.choice(self.recent)
        return worker, before | {"description": f"还是{before['description']}"}

    def _met(self) -> tuple[Worker, dict[str, Any]]:
        worker = self.chance.choice(self.workers)
        codes = list(self.matters)
        code = self.chance.choices(codes, [self.matters[each][0] for each in codes])[0]
        data: dict[str, Any] = {
            "category": code,
            "description": self.chance.choice(self.matters[code][1:]),
            "severity": self.chance.choices(("low", "normal", "urgent"), (3, 6, 1))[0],
            "location": self._somewhere(worker),
        }
        return worker, data | ({"private": True} if self.chance.random() < 0.02 else {})  # noqa: PLR2004  # a few

    def _somewhere(self, worker: Worker) -> dict[str, Any]:
        _, area = self.chance.choice(worker.grids)
        west, south, east, north = area.bounds
        while True:
            point = Point(round(self.chance.uniform(west, east), 7), round(self.chance.uniform(south, north), 7))
            if area.contains(point):
                return {"lon": point.x, "lat": point.y, "accuracy_m": 8.0, "datum": "wgs84"}

    def _seen_at(self, worker: Worker) -> dt.datetime:
        """Return when it was seen: mostly just now; a phone without a line brings it hours later."""
        if worker.silent_until <= self.clock.at and self.chance.random() < 0.08:  # noqa: PLR2004  # in a cellar
            worker.silent_until = self.clock.at + dt.timedelta(minutes=self.chance.randint(30, 1200))
        return self.clock.at - dt.timedelta(minutes=self.chance.randint(0, 8))

    def _look(self, worker: Worker) -> None:
        phone = worker.phone
        phone.pull(limit=2000)
        hour = self.clock.at.astimezone(SHANGHAI).hour
        by_night = hour >= _NIGHT_FROM or hour < _NIGHT_TO
        for (name, task_id), change in sorted(phone.held.items()):
            task = change["data"]
            if name != "tasks" or task.get("kind") not in ("verify", "check") or not task.get("case"):
                continue
            wants_night = "夜间" in task["title"]
            if task_id in worker.answered or wants_night != by_night or self.chance.random() < 0.3:  # noqa: PLR2004  # later
                continue
            worker.answered.add(task_id)
            phone.enter("steps", self._found(task))
        if self.chance.random() < 0.1:  # noqa: PLR2004  # what was done is sent in the evening
            worker.silent_until = self.clock.at + dt.timedelta(minutes=self.chance.randint(30, 300))

    def _found(self, task: Mapping[str, Any]) -> dict[str, Any]:
        good, bad = ("exists", "not_found") if task["kind"] == "verify" else ("fixed", "not_fixed")
        result = self.chance.choices((good, bad, "cannot_tell"), (80, 12, 8))[0]
        photo = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        return {
            "issue_id": task["issue_id"], "step": task["kind"], "result": result, "photos": [photo],
            "location": task["case"]["location"],
        }  # fmt: skip
