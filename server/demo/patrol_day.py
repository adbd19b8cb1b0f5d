"""One patrol day over the sample city, through the real protocol: what every worker saw and wrote down.

Owns what happens on the day: visits to those who were due, problems of all sorts, some of them near or outside the
grids, some in doubt, some that two people changed at once, some that had to be quarantined. How phones speak is
``server.simulator.phone``; what the bodies do afterwards is ``server.demo.aftermath``.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry

from server.demo.doors import spread
from server.demo.ground import SampleGround
from server.simulator.phone import Made, Phone

REPORTS_FILE: Final = Path(__file__).parent / "data" / "reports.json"
REPORTS: Final[Mapping[str, Sequence[Any]]] = json.loads(REPORTS_FILE.read_text(encoding="utf-8"))
"""Category -> how often, and what is written."""

ISSUES: Final = 138
_VISITS_EACH: Final = (10, 16)
_NEAR: Final = 6
_FAR: Final = 5
_IN_DOUBT: Final = 8
_SHARED: Final = 7
_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
_DAY_BEGINS, _DAY_ENDS = dt.time(7, 30), dt.time(20, 0)
_BACK: Final = dt.timedelta(hours=30)
_LONG_BACK: Final = dt.timedelta(days=6)
_OUTCOMES: Final = {"met": 60, "no_answer": 18, "refused": 4, "moved": 4, "vacant": 6, "appointment": 8}
_NOTES: Final = {
    "met": ("家中有人，情况正常", "已提醒用气安全", "老人身体尚可，已量血压", "更新了联系方式", "发放了防诈骗宣传单"),
    "no_answer": ("敲门无人应答，改日再来", "邻居说白天上班"),
    "refused": ("不愿开门，已留联系卡",),
    "moved": ("已搬走，新住户未登记",),
    "vacant": ("空置，门口有积灰",),
    "appointment": ("约好周末上门",),
}
_ROADS: Final = ("人民路", "解放路", "建设路", "文化路", "滨河路", "新民巷", "朝阳巷", "学府路", "老街")
_PRIVATE: Final = ("06", "07")
_NEEDS: Final = ("助餐", "陪诊", "家电维修", "代办社保", "理发", "法律咨询")


@dataclass(frozen=True, slots=True)
class Report:
    """One problem to report: whose phone (code of the grid), where, how sure of the place."""

    grid: str
    point: Point
    accuracy_m: float = 8.0


@dataclass(frozen=True, slots=True)
class Day:
    """When it is: the end of the day that is walked, aware UTC."""

    now: dt.datetime
    chance: Random

    def moment(self) -> dt.datetime:
        """Return a time of the last day and a bit, in daylight; of a phone long without a line, some days ago."""
        back = _LONG_BACK if self.chance.random() < 0.12 else _BACK  # noqa: PLR2004  # a few
        while True:
            found = self.now - dt.timedelta(seconds=self.chance.uniform(600, back.total_seconds()))
            if _DAY_BEGINS <= found.astimezone(_SHANGHAI).time() <= _DAY_ENDS:
                return found


def problems(ground: SampleGround, chance: Random) -> list[Report]:
    """Return where problems are found: mostly in grids, some at their borders, some beside, some far out."""
    grids = ground.of_level("grid")
    town = shapely.union_all([grid.polygon for grid in grids])
    county = ground.of_level("county")[0].polygon
    reports = [Report(code, point) for code, point in spread(ground, chance, ISSUES - _NEAR - _FAR - _IN_DOUBT)]
    # Degrees: some 15 to 35 m beside the town, and more than 2 km from it.
    beside = town.buffer(0.00035).difference(town.buffer(0.00015))
    away = county.intersection(town.buffer(0.06)).difference(town.buffer(0.02))
    for area, count in ((beside, _NEAR), (away, _FAR)):
        for _ in range(count):
            point = _point_in(area, chance)
            reports.append(Report(min(grids, key=lambda grid: grid.polygon.distance(point)).code, point))
    for _ in range(_IN_DOUBT):
        grid = chance.choice(grids)
        border = grid.polygon.boundary.intersection(town.buffer(-0.001))
        spot = border.interpolate(chance.random(), normalized=True)
        reports.append(Report(grid.code, Point(round(spot.x, 7), round(spot.y, 7)), 35.0))
    return reports


def _point_in(area: BaseGeometry, chance: Random) -> Point:
    west, south, east, north = area.bounds
    while True:
        point = Point(round(chance.uniform(west, east), 7), round(chance.uniform(south, north), 7))
        if area.contains(point):
            return point


def report(phone: Phone, found: Report, day: Day) -> Made:
    """Enter a problem."""
    chance = day.chance
    codes = list(REPORTS)
    code = chance.choices(codes, [REPORTS[each][0] for each in codes])[0]
    data = {
        "category": code,
        "description": chance.choice(REPORTS[code][1:]),
        "severity": chance.choices(("low", "normal", "urgent"), (3, 6, 1))[0],
        "location": {"lon": found.point.x, "lat": found.point.y, "accuracy_m": found.accuracy_m, "datum": "wgs84"},
        "address_text": f"{chance.choice(_ROADS)}{chance.randint(1, 120)}号附近",
    }
    return phone.enter("issues", data, captured_at=day.moment())


def visit(phone: Phone, day: Day) -> None:
    """Knock at the doors that are due, and at some others; close the tasks of those who opened."""
    chance = day.chance
    tasks = {
        change["data"]["household_id"]: (task, change)
        for (name, task), change in sorted(phone.held.items())
        if name == "tasks" and change["data"].get("household_id")
    }
    others = sorted(record for name, record in phone.held if name == "households" and record not in tasks)
    count = chance.randint(*_VISITS_EACH)
    due = sorted(tasks)[: count * 2 // 3]
    for household in [*due, *chance.sample(others, min(len(others), count - len(due)))]:
        moment = day.moment()
        outcome = chance.choices(list(_OUTCOMES), list(_OUTCOMES.values()))[0]
        data = {
            "household_id": household,
            "outcome": outcome,
            "purpose": "follow_up" if household in tasks else "routine",
            "note": chance.choice(_NOTES[outcome]),
            "started_at": moment.isoformat(),
            "ended_at": (moment + dt.timedelta(minutes=chance.randint(3, 25))).isoformat(),
        }
        if outcome == "met" and chance.random() < 0.2:  # noqa: PLR2004  # some ask for something
            data["needs"] = [chance.choice(_NEEDS)]
        phone.enter("visits", data, captured_at=moment)
        if household in tasks and outcome == "met":
            task, change = tasks[household]
            done = {"state": "done", "note": "已走访"}
            phone.enter("tasks", done, action="patch", record_id=task, base={"rev": change["rev"]}, captured_at=moment)


def mistakes(phones: Sequence[Phone], day: Day) -> None:
    """Enter what a person has to look at: a place in the sea, a wrong category, a visit in another's grid."""
    at_sea = {"lon": 121.9, "lat": 25.0, "datum": "wgs84"}
    phones[0].enter(
        "issues", {"category": "0301", "description": "井盖松动", "location": at_sea}, captured_at=day.moment()
    )
    phones[1].enter(
        "issues", {"category": "0399", "description": "公交站牌倒了", "address_text": "车站"}, captured_at=day.moment()
    )
    elsewhere = next(
        change["data"]["location"] for (name, _), change in sorted(phones[-1].held.items()) if name == "households"
    )
    for phone in phones[2:4]:
        phone.enter("visits", {"outcome": "met", "note": "顺路走访", "location": elsewhere}, captured_at=day.moment())
    phones[4].enter(
        "issues",
        {"category": "0202", "description": "违停", "plate": "赣B", "address_text": "路口"},
        captured_at=day.moment(),
    )
    for phone in phones[:5]:
        for made in phone.outbox[-1:]:
            made.refusable = True


def shared(phones: Sequence[Phone], chance: Random) -> list[tuple[str, list[Phone]]]:
    """Return issues that several of these phones hold, each with the two who will change it at once."""
    holders: dict[str, list[Phone]] = {}
    for phone in phones:
        for name, record_id in phone.held:
            if name == "issues":
                holders.setdefault(record_id, []).append(phone)
    found = sorted((record_id, held[:2]) for record_id, held in holders.items() if len(held) > 1)
    return chance.sample(found, min(_SHARED, len(found)))


def change_at_once(record_id: str, two: Sequence[Phone], chance: Random) -> None:
    """Let two people change one issue, neither seeing the other: texts, severity, and what it is at all."""
    first, second = two
    held = first.held["issues", record_id]
    base = {"rev": held["rev"]}
    one, other = _alike(held["data"]["category"], chance)
    edits: Sequence[Sequence[Mapping[str, Any]]] = (
        (
            {"description": "现场已设警示", "severity": "urgent"},
            {"description": "已与相关人员沟通，答应尽快处理", "tags": ["反复"]},
        ),
        ({"category": one, "tags": ["学校旁"]}, {"category": other, "tags": ["夜间"]}),
        ({"address_text": "小区北门"}, {"address_text": "北门左侧第二个路口"}),
    )
    for phone, edit in zip((first, second), chance.choice(edits), strict=True):
        phone.enter("issues", edit, action="patch", record_id=record_id, base=base)


def _alike(category: str, chance: Random) -> list[str]:
    """Return two other categories of the same first level: what people may well take it for. Never private ones."""
    level = "02" if category[:2] in _PRIVATE else category[:2]
    return chance.sample([code for code in REPORTS if code[:2] == level and code != category], 2)
