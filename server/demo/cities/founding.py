"""Founding a city by its profile: its ground into force, then its bodies, people, houses and households.

Owns the order in which a city comes to be, and what is told meanwhile. The same profile and seed give the same city;
founding it again adds what is missing and changes nothing. Each part is drawn by a module of its own.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from random import Random
from typing import Final, TypeVar

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.editions.ground import load_ground
from geo.editions.publish import NewArea, Published, publish, put_kinds
from geo.editions.tables import Area, AreaKind
from geo.errors import BrokenCoverage
from server.cases.calendars.calendar import Limit
from server.cases.catalogue import load_catalogue
from server.cases.routing import rulebook
from server.cases.routing.rulebook import Draft
from server.cases.tables import RoutingRule
from server.demo import bodies, people, planting, sign_ins
from server.demo.cities import profile as profiles
from server.demo.cities.dwellings import Household, Houses, households_of, houses_of
from server.demo.cities.layout import CityArea, CityLayout, laid_out
from server.demo.cities.outlines import county_outlines
from server.demo.cities.profile import Profile
from server.demo.cities.staffing import cast_of, seats_of
from server.demo.founding import Founding, NotFounded
from server.demo.people import Member
from server.demo.planting import NewTask, named_id
from sync.store import feed

_Thing = TypeVar("_Thing")

_AT_ONCE: Final = 20_000
_CHECKS: Final = ("检查消防通道", "检查电动车充电点", "检查井盖和路灯", "检查化粪池盖板", "检查临街店招")
_TIER_NAMES: Final = {"high": "高风险户", "key": "重点户", "general": "一般户"}


def found(founding: Founding, name: str) -> None:
    """Found the city of a profile, or add to it what is missing. The feed is appended last; the caller commits.

    Raises NotFounded where the database holds another ground in its place.
    """
    profile = profiles.read(name).scaled(founding.factor)
    seed = profile.seed if founding.seed is None else founding.seed
    session, now, say = founding.session, founding.now, founding.say
    city = laid_out(profile, county_outlines(profile.outline_file, say), seed, say)
    houses = houses_of(city, _chance(seed, "houses"))
    areas = (*city.areas, *houses.areas)
    edition, touches = _publish(founding, profile, areas)
    catalogue = load_catalogue(session)
    added = bodies.take_seats(session, seats_of(profile, areas))
    say(f"  {catalogue.bodies + added:,} 个单位 organisations, {catalogue.categories} 个类别 categories")
    cast = cast_of(profile, areas, _chance(seed, "people"))
    joined = people.settle_in(session, cast, now=now)
    people.give_passwords(session, sign_ins.hand_out(session, founding.folder, cast))
    say(f"  {joined:,} 人 people")
    touches += _plant(founding, city, houses, cast, edition)
    say(f"  {_lay_down_rules(session, profile, now)} 条派遣规则 routing rules")
    feed.append(session, touches)


def _chance(seed: int, what: str) -> np.random.Generator:
    """A source of chance for one thing, so that the others stay what they are when it changes."""
    return np.random.default_rng([seed, *what.encode()])


def _publish(founding: Founding, profile: Profile, areas: Sequence[CityArea]) -> tuple[int, list[feed.Touch]]:
    """Put the ground into force; return the edition's number and its touches."""
    kinds = profile.new_kinds()
    standing = founding.session.scalar(select(AreaKind.code).where(AreaKind.is_locating))
    if standing not in (None, *(kind.code for kind in kinds if kind.is_locating)):
        raise NotFounded(
            f"数据库按“{standing}”定位，不能再装入", f"the database locates in {standing}; use an empty one"
        )
    put_kinds(founding.session, kinds)
    done = _published(founding, profile, areas)
    counts = ", ".join(f"{sum(area.kind == kind.code for area in areas):,} {kind.code}" for kind in kinds)
    founding.say(f"  第 {done.number} 版 edition {done.number}: {counts}")
    grids = (each for each in done.added if each.is_locating)
    return done.number, [feed.Touch(feed.grid_channel(each.id), feed.GRIDS_TOPIC, each.uid) for each in grids]


def _published(founding: Founding, profile: Profile, areas: Sequence[CityArea]) -> Published:
    """Publish areas that are not there yet. What stands is never drawn over: people may have redrawn it since."""
    stands = founding.session.scalar(select(Area.id).where(Area.code == profile.root_code)) is not None
    refused = NotFounded(
        f"{profile.title}已按另一种子装入，或已调整；未作改动。要换种子请用空数据库",
        f"{profile.title_en} is there by another seed, or was redrawn; nothing was changed. Another seed needs an "
        "empty database",
    )
    try:
        done = publish(
            founding.session,
            [NewArea(area.code, area.kind, area.name, area.parent, area.polygon) for area in areas],
            by="demo",
            name=f"{profile.title}示例网格",
            note=f"示例数据：{profile.judged_by}",
            now=founding.now,
        )
    except BrokenCoverage:
        if stands:
            raise refused from None
        raise
    if done.changed or (stands and done.is_new):
        raise refused
    return done


def _plant(
    founding: Founding, city: CityLayout, houses: Houses, cast: Sequence[Member], edition: int
) -> list[feed.Touch]:
    """Plant households by the thousand, then the tasks that are due; return the touches."""
    session, now, say = founding.session, founding.now, founding.say
    seed = city.profile.seed if founding.seed is None else founding.seed
    in_force, duty = load_ground(session, edition), _Duty(city, cast, _chance(seed, "tasks"), now)
    touches: list[feed.Touch] = []
    tasks = duty.checks()
    planted = 0
    for some in _by(_AT_ONCE, households_of(houses.houses, _chance(seed, "households"))):
        ids = [named_id(city.profile.name, "household", *each.key) for each in some]
        docs = [(record_id, each.doc) for record_id, each in zip(ids, some, strict=True)]
        touches += planting.plant_households(session, docs, in_force, now=now)
        tasks += duty.visits(ids, some)
        planted += len(some)
        say(f"  {planted:,} 户 households（{city.areas[0].households:,} 户中抽取 drawn of）")
    for few in _by(_AT_ONCE, tasks):
        touches += planting.plant_tasks(session, few, now=now)
    say(f"  {len(tasks):,} 项任务 tasks")
    return touches


def _by(size: int, things: Iterable[_Thing]) -> Iterator[list[_Thing]]:
    several = iter(things)
    while some := list(islice(several, size)):
        yield some


class _Duty:
    """What the workers of the grids have to do: visits that the norm says are due, and a check of each grid."""

    def __init__(self, city: CityLayout, cast: Sequence[Member], chance: np.random.Generator, now: dt.datetime) -> None:
        self._norm, self._now = city.profile.visits, now
        self._name = city.profile.name
        self._chance = Random(int(chance.integers(2**62)))
        self._grids = {grid.code: grid for grid in city.of_kind("grid")}
        self._workers: dict[str, list[str]] = {}
        for member in cast:
            if member.role == "grid_worker":
                self._workers.setdefault(member.place, []).append(member.login)
        self._grid_of = _grids_of(city)

    def checks(self) -> list[NewTask]:
        """A check for each grid that has a worker."""
        return [
            NewTask(
                named_id(self._name, "check", code),
                "check",
                f"{self._chance.choice(_CHECKS)}（{self._grids[code].name}）",
                workers[0],
                self._now + dt.timedelta(hours=self._chance.randint(4, 60)),
            )
            for code, workers in self._workers.items()
        ]

    def visits(self, ids: Sequence[uuid.UUID], households: Sequence[Household]) -> list[NewTask]:
        """The visits to some households that are due."""
        found = []
        for number, (record_id, household) in enumerate(zip(ids, households, strict=True)):
            tier = household.doc["risk_tier"]
            workers = self._workers.get(self._grid_of[household.house.leaf.code])
            if self._chance.random() >= self._norm[tier].due or workers is None:
                continue
            doc = household.doc
            title = f"走访 {doc['building']}{doc['unit']}{doc['room']}（{_TIER_NAMES[tier]}）"
            due_at = self._now + dt.timedelta(days=self._norm[tier].days * self._chance.uniform(-0.2, 0.8))
            worker = workers[number % len(workers)]
            found.append(NewTask(named_id(self._name, "visit", record_id), "visit", title, worker, due_at, record_id))
        return found


def _grids_of(city: CityLayout) -> Mapping[str, str]:
    """The code of the grid that each leaf lies in, or is."""
    above = {area.code: area for area in city.areas}
    grids = {}
    for leaf in city.leaves:
        area = leaf
        while area.kind != "grid":
            area = above[area.parent or ""]
        grids[leaf.code] = area.code
    return grids


def _lay_down_rules(session: Session, profile: Profile, now: dt.datetime) -> int:
    """Save the rules that the city has not got; return how many."""
    title, area = profile.title, profile.root_code
    drafts = (
        Draft(f"{title}：紧急公用设施 1 小时内到场", "zhujian", category="03", area=area, severity="urgent",
              limit=Limit(1, "h")),
        Draft(f"{title}：非工作时间噪音由派出所办理", "paichusuo", category="0205", area=area, hours="off",
              limit=Limit(2, "h")),
    )  # fmt: skip
    known = set(session.scalars(select(RoutingRule.label)))
    new = [draft for draft in drafts if draft.label not in known]
    for draft in new:
        rulebook.save(session, draft, author_id=None, now=now)
    return len(new)
