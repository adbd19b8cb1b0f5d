"""Households and due tasks of the sample city, drawn from its ground by chance. Pure; all invented, nobody is named.

One household in five of those that a zone is said to have is drawn, each in a building inside its zone.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import shapely
from shapely import Point

from server.demo.ground import GroundArea, SampleGround
from server.demo.people import worker_of
from server.demo.planting import NewTask, named_id
from sync.collections import Doc

_DRAWN_OF = 5
_DOORS_OF_BUILDING = 12
# Degrees; about 8 m: a building does not stand on the border.
_FROM_BORDER = 0.00008
_TIERS: Final = (("general", 0.78), ("key", 0.17), ("high", 0.05))
_NEEDS: Final = {
    "key": ("独居老人", "慢性病随访", "残疾人照护", "低保复核", "留守儿童"),
    "high": ("危房监测", "精神障碍随访", "社区矫正", "重大疾病"),
}
_CONTACT: Final = ("door", "phone", "message", "weekend", "evening")
_TIER_NAMES: Final = {"high": "高风险户", "key": "重点户"}
_CHECKS: Final = ("检查消防通道", "检查电动车充电点", "检查井盖和路灯", "检查化粪池盖板", "检查临街店招")


@dataclass(frozen=True, slots=True)
class Door:
    """One household: its id, its grid, its fields."""

    id: uuid.UUID
    grid: str
    doc: Doc

    @property
    def address(self) -> str:
        """Return building, unit and room in one line."""
        return f"{self.doc['building']}{self.doc['unit']}{self.doc['room']}"


def doors_of(ground: SampleGround, chance: Random) -> list[Door]:
    """Return the households, zone by zone."""
    return [door for zone in ground.of_level("zone") for door in _doors_of_zone(zone, chance)]


def _doors_of_zone(zone: GroundArea, chance: Random) -> Iterator[Door]:
    count = zone.households // _DRAWN_OF
    place = zone.name.removesuffix("责任区")
    for number in range(-(-count // _DOORS_OF_BUILDING)):
        spot = _point_within(zone, chance)
        for door in range(min(_DOORS_OF_BUILDING, count - number * _DOORS_OF_BUILDING)):
            unit, floor, side = door % 2 + 1, door // 4 + 1, door // 2 % 2 + 1
            building = f"{place}{number + 1}栋"
            doc: Doc = {
                "building": building,
                "unit": f"{unit}单元",
                "room": f"{floor}0{side}",
                "location": {"lon": spot.x, "lat": spot.y, "datum": "wgs84"},
            } | _circumstances(chance)
            yield Door(named_id("household", zone.code, number, door), zone.code[:15], doc)


def _point_within(zone: GroundArea, chance: Random) -> Point:
    inner = zone.polygon.buffer(-_FROM_BORDER)
    west, south, east, north = inner.bounds
    while True:
        spot = Point(round(chance.uniform(west, east), 7), round(chance.uniform(south, north), 7))
        if inner.contains(spot):
            return spot


def _circumstances(chance: Random) -> Doc:
    tier = chance.choices([name for name, _ in _TIERS], [share for _, share in _TIERS])[0]
    told: Doc = {"risk_tier": tier, "extra": {"residents": chance.choices((1, 2, 3, 4, 5, 6), (3, 5, 6, 5, 2, 1))[0]}}
    if tier in _NEEDS:
        told["needs"] = [chance.choice(_NEEDS[tier])]
    if chance.random() < 0.4:  # noqa: PLR2004  # most have not said
        told["contact_preference"] = chance.choice(_CONTACT)
    return told


def tasks_of(ground: SampleGround, doors: Sequence[Door], chance: Random, *, now: dt.datetime) -> list[NewTask]:
    """Return what the workers have to do: visits to households at risk, and a check for each grid."""
    tasks = [_visit(door, chance, now) for door in doors if door.doc["risk_tier"] == "high" or _is_picked(door, chance)]
    for grid in ground.of_level("grid"):
        title = f"{chance.choice(_CHECKS)}（{grid.name}）"
        due_at = now + dt.timedelta(hours=chance.randint(4, 60))
        tasks.append(NewTask(named_id("check", grid.code), "check", title, worker_of(grid.code), due_at))
    return tasks


def _is_picked(door: Door, chance: Random) -> bool:
    return door.doc["risk_tier"] == "key" and chance.random() < 0.3  # noqa: PLR2004  # monthly: a part is due


def _visit(door: Door, chance: Random, now: dt.datetime) -> NewTask:
    due_at = now + dt.timedelta(hours=chance.randint(-30, 120))
    title = f"走访 {door.address}（{_TIER_NAMES[door.doc['risk_tier']]}）"
    return NewTask(named_id("visit", door.id), "visit", title, worker_of(door.grid), due_at, door.id)


def spread(ground: SampleGround, chance: Random, count: int) -> list[tuple[str, Point]]:
    """Return (code of the grid, point in it), more where more people live."""
    zones = ground.of_level("zone")
    drawn = chance.choices(zones, [zone.households for zone in zones], k=count)
    shapely.prepare([zone.polygon for zone in zones])
    return [(zone.code[:15], _point_within(zone, chance)) for zone in drawn]
