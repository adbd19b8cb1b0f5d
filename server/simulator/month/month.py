"""Living the month: the clock moves from look to look, and in each everybody has their turn, then the jobs.

Owns the hours, and who there is: workers of some communities with a phone each, a dispatcher and a duty chief of the
city, and somebody at the desk of each body that has work. Jobs and app run in this process, by ``server.clock``.
"""

import datetime as dt
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import shapely
import structlog
from flask import Flask
from sqlalchemy import text

from server import clock as clock_of_edges
from server.accounts.service import add_person, enrol_worker
from server.app import create_app
from server.cases import catalogue
from server.cases.calendars.calendar import SHANGHAI
from server.database.ground_cache import ground_at
from server.jobs import clocks, process, routing, steps
from server.simulator.month import agreeing
from server.simulator.month.agreeing import Asked
from server.simulator.month.bodies import BodyDesk
from server.simulator.month.duty import DutyDesk
from server.simulator.month.field import Field, Worker
from server.simulator.month.reaching import LocalLine, MonthClock, MonthPhone, Staff, Talk

Say = Callable[[str], object]
_QUIET: Final = 4
"""In the last part of so many nobody reports any more, so that most cases come to their end."""
_CODE_LASTS: Final = dt.timedelta(hours=1)
# Degrees, about 3 m: so near a border a phone may be taken for being beyond it.
_FROM_BORDER: Final = 0.00003
_CASES_A_PHONE: Final = 40
_LEAST_PHONES: Final = 40
_HOURS: Final = (0, 7, 8.5, 9.5, 10.5, 11.5, 14, 15, 16, 17, 19.5, 21, 23)
_OFFICE = (dt.time(8, 0), dt.time(18, 0))

_COMMUNITIES = text("""
    SELECT version.parent_id, count(*) AS staffed FROM area_version AS version
    JOIN assignment ON assignment.area_id = version.area_id AND role = 'grid_worker'
    WHERE upper_inf(editions) GROUP BY version.parent_id ORDER BY version.parent_id
""")
_WORKERS = text("""
    SELECT person.id, person.login, area.code, ST_AsBinary(version.polygon) AS polygon
    FROM area_version AS version JOIN area ON area.id = version.area_id
    JOIN assignment ON assignment.area_id = area.id AND role = 'grid_worker' AND during @> CAST(:now AS timestamptz)
    JOIN person ON person.id = assignment.person_id AND is_active
    WHERE upper_inf(version.editions) AND area.id = ANY (CAST(:grids AS int[]))
    ORDER BY person.id
""")
_BODIES = text("""
    SELECT DISTINCT organisation.code FROM issue
    JOIN organisation ON organisation.id = body_id OR organisation.id = ANY (assisting_ids)
    WHERE closed_at IS NULL ORDER BY 1
""")
# Half of the catalogue waits for the duty desk, some of it shows at night alone.
_CATALOGUE = text("""
    UPDATE category SET intake = CASE WHEN right(code, 1) IN ('1', '3', '5') THEN 'duty' ELSE 'auto' END,
        is_night = code IN ('0205', '0302') WHERE parent_code IS NOT NULL
""")
_DATED = text("SELECT set_config('gridpatrol.moment', :begin, true)")
_COUNTED = text("SELECT state, closing_reason, count(*) FROM issue GROUP BY 1, 2 ORDER BY 1, 2")
_STEPPED = text("SELECT step, count(*) FROM case_step GROUP BY 1 ORDER BY 2 DESC")
_RAISED = text("SELECT level, count(*) FROM escalation GROUP BY 1 ORDER BY 1")
_PHONED = text("SELECT outcome, count(*) FROM step GROUP BY 1 ORDER BY 1")


@dataclass(frozen=True, slots=True)
class MonthPlan:
    """What is lived: so many cases, from a midnight (aware) on for so many days, by a seed.

    ``matters``: category -> how often it is met, and what is written of it. ``root``: code of the whole city.
    """

    cases: int
    begin: dt.datetime
    days: int
    seed: int
    root: str
    matters: Mapping[str, Sequence[Any]]


@dataclass(slots=True)
class Lived:
    """What became of it. ``disagreements``: sentences, none where everything holds."""

    plan: MonthPlan
    asked: Asked = field(default_factory=Asked)
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    raised: dict[int, int] = field(default_factory=dict)
    phoned: dict[str, int] = field(default_factory=dict)
    untaken: dict[str, int] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)
    seconds: float = 0.0
    asking_s: float = 0.0


class Month:
    """One month in the city of ``DATABASE_URL``. ``live`` it once, then ``ask``."""

    def __init__(self, plan: MonthPlan, say: Say) -> None:
        self.plan, self._say = plan, say
        self.clock = MonthClock(plan.begin)
        self.talk = Talk()
        self._chance = Random(plan.seed)
        process.config.cache_clear()
        process.engine.cache_clear()
        self._app: Flask = create_app(process.config())
        self._desks: dict[str, BodyDesk] = {}
        self.chief = self._appoint("chief", "supervisor", plan.root)
        self.field, self._duty = self._settle()

    def live(self) -> None:
        """Live it from look to look."""
        due, began = 0.0, time.monotonic()
        reporting = self.plan.days - self.plan.days // _QUIET
        rate, until = self.plan.cases / (reporting * 24), self.plan.begin + dt.timedelta(days=reporting)
        made, last = 0, self.plan.begin
        with clock_of_edges.moved(self.clock), _quiet():
            for moment in self._looks():
                self.clock.at = moment
                # What is met in an hour of the night is met by day.
                due += rate * (moment - last).total_seconds() / 3600
                last, count = moment, 0
                if self._is_day() and (moment < until or made < self.plan.cases):
                    count = min(int(due), self.plan.cases) - made
                made += count
                self._look(count)
                if moment.astimezone(SHANGHAI).hour == 0:
                    self._stay()
                    self._say(f"{moment.astimezone(SHANGHAI):%m-%d}: {made} cases, {time.monotonic() - began:.0f} s")

    def ask(self) -> Lived:
        """Ask whether everything holds, and count what there is."""
        lived, began = Lived(self.plan), time.monotonic()
        now, place = self.clock.at, agreeing.place_of(self.plan.begin, self.plan.days)
        with process.transaction() as session:
            ground = ground_at(session)(now)
            assert ground is not None  # noqa: S101  # the city was founded
            for found in (
                agreeing.of_stories(session, lived.asked),
                agreeing.of_log(session),
                agreeing.of_escalations(session),
                agreeing.of_clocks(session, ground, place, now, lived.asked),
            ):
                lived.disagreements += found
            for state, reason, count in session.execute(_COUNTED):
                lived.states[state] = lived.states.get(state, 0) + count
                if reason is not None:
                    lived.reasons[reason] = lived.reasons.get(reason, 0) + count
            lived.steps = dict(map(tuple, session.execute(_STEPPED)))
            lived.raised = dict(map(tuple, session.execute(_RAISED)))
            lived.phoned = dict(map(tuple, session.execute(_PHONED)))
        lived.untaken = dict(sorted(self.talk.refused.items(), key=lambda each: -each[1]))
        lived.asking_s = time.monotonic() - began
        return lived

    def _looks(self) -> Iterator[dt.datetime]:
        """Yield the moments at which somebody looks, about as often as each has something to do."""
        for day in range(self.plan.days):
            for hour in _HOURS:
                minutes = round(hour * 60) + self._chance.randint(0, 20)
                yield self.plan.begin + dt.timedelta(days=day, minutes=minutes)

    def _is_day(self) -> bool:
        return dt.time(7) <= self.clock.at.astimezone(SHANGHAI).time() <= dt.time(21)

    def _in_office(self) -> bool:
        return _OFFICE[0] <= self.clock.at.astimezone(SHANGHAI).time() <= _OFFICE[1]

    def _look(self, reports: int) -> None:
        """Let everybody have their turn."""
        self.field.report(reports)
        with process.transaction() as session:
            ground = ground_at(session)(self.clock.at)
            if self.field.residents and ground is not None:
                self.field.write_residents(session, ground)
        with process.transaction() as session:
            self.field.answer(session)
        self.field.push()
        steps.step()
        routing.route()
        if self._is_day():
            self._duty.take_in()
            self._duty.decide()
            self.field.say()
        if self._in_office():
            self._bodies_work()
            if self._chance.random() < 0.3:  # noqa: PLR2004  # some times a day
                self._duty.end()
            if self.clock.at.astimezone(SHANGHAI).hour == 9:  # noqa: PLR2004  # in the morning
                self._duty.look_again()
        clocks.watch()

    def _stay(self) -> None:
        """Leave the pages open: who was signed in by day still is in the morning, for a week at most."""
        for each in (self.chief, self._duty.clerk, *(desk.staff for desk in self._desks.values())):
            each.ask("/v1/session")

    def _bodies_work(self) -> None:
        with process.transaction() as session:
            codes = list(session.scalars(_BODIES))
        for code in codes:
            if self._chance.random() < 0.4:  # noqa: PLR2004  # some times a day
                if code not in self._desks:
                    staff = self._appoint(f"desk-{code}", "handler", code)
                    self._desks[code] = BodyDesk(staff, self.talk, Random(f"{self.plan.seed}/{code}"))
                self._desks[code].work()

    def _appoint(self, login: str, role: str, place: str) -> Staff:
        password = secrets.token_urlsafe(12)
        with process.transaction() as session:
            add_person(session, f"month-{login}", role=role, place=place, password=password, now=self.clock.at)
        return Staff(self._app, f"month-{login}", password)

    def _settle(self) -> tuple[Field, DutyDesk]:
        clerk = self._appoint("clerk", "dispatcher", self.plan.root)
        with process.transaction() as session:
            # A trigger dates what is changed: by the month, not by the machine.
            session.execute(_DATED, {"begin": self.plan.begin.isoformat()})
            session.execute(_CATALOGUE)
            terms = catalogue.read_terms(session)
            bodies = {
                code: body for code, each in terms.items()
                if (body := each.default_body or terms[code[:2]].default_body) is not None
            }  # fmt: skip
        duty = DutyDesk(clerk, self.chief, bodies, self.talk, Random(f"{self.plan.seed}/duty"), self.clock)
        workers = list(self._workers())
        self._say(f"{len(workers)} phones")
        chance = Random(f"{self.plan.seed}/field")
        return Field(workers, self.plan.matters, self.talk, chance, self.clock), duty

    def _workers(self) -> Iterator[Worker]:
        """Yield all workers of as many communities as are needed, each with a phone."""
        with process.transaction() as session:
            ground = ground_at(session)(self.clock.at)
            assert ground is not None  # noqa: S101  # the city was founded
            communities = sorted({line[-1] for line in map(self._to_community, map(ground.ancestors, ground.grid_ids))})
            self._chance.shuffle(communities)
            wanted, rows = max(_LEAST_PHONES, self.plan.cases // _CASES_A_PHONE), list[Any]()
            while communities and len(rows) < wanted:
                tops = frozenset({communities.pop()})
                grids = [grid for grid in ground.grid_ids if ground.lies_in(grid, tops)]
                rows += session.execute(_WORKERS, {"grids": grids, "now": self.clock.at}).all()
        with clock_of_edges.moved(self.clock):
            yield from map(self._worker, rows)

    @staticmethod
    def _to_community(line: Sequence[int]) -> Sequence[int]:
        # A grid lies in its section, and that in its community.
        return line[: min(3, len(line))]

    def _worker(self, row: Any) -> Worker:
        chance = Random(f"{self.plan.seed}/{row.login}")
        phone = MonthPhone(f"month-{row.login}", LocalLine(self._app, chance), chance)
        with process.transaction() as session:
            code = enrol_worker(session, row.login, now=self.clock.at, ttl=_CODE_LASTS)
        phone.enrol(code.text)
        area = shapely.from_wkb(bytes(row.polygon)).buffer(-_FROM_BORDER)
        return Worker(row.id, phone, [(row.code, area)], self.clock.at)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out of the log what goes well."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


def settings() -> None:
    """Set what the app of a simulated city reads of the environment and nobody else need know."""
    os.environ.setdefault("PATROL_SECRET_KEY", secrets.token_urlsafe(32))
    os.environ.setdefault("PATROL_PUSH_RATE", "10000000 per minute")


def progress(line: str) -> None:
    """Tell the terminal how far it is."""
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()
