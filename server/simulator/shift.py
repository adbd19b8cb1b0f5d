"""What a simulated worker enters offline: visits, issues, changes of what others change too, and mistakes.

Owns the mixture. The places come from the grids that the phone pulled, located on the phone as an app does it. The
same chance gives the same entries, as far as what the phone holds is the same.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from shapely import Point
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geo.geometry.datum import from_wgs84
from server.simulator.phone import Made, Phone

# Degrees, about 2 m: where a shifted datum comes back a millimetre off, the grid is still the same.
_FROM_BORDER: Final = 0.00002
# Few, so that several workers come to change the same.
_SHARED: Final = 12
_SEA: Final = (121.9, 25.0)
_CATEGORIES: Final = ("0101", "0103", "0201", "0202", "0301", "0302", "0303", "0404", "0501", "0502", "0703", "0901")
_PRIVATE: Final = frozenset({"0703"})
"""Of these, those that only its reporter and whoever has a task on it may read and change."""
_WORDS: Final = ("有人反映", "已拍照", "无人处理", "影响通行", "气味大", "夜间严重", "昨日又有", "需要清理")
_NEEDS: Final = ("助餐", "陪诊", "理发", "家电维修", "法律咨询", "代办社保")
_TAGS: Final = ("夜间", "学校旁", "反复", "媒体关注", "老人多")


class Shift:
    """One worker with one phone, collecting."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self._chance = phone.chance
        self._grids: list[tuple[str, BaseGeometry]] = []
        self._own: dict[str, Made] = {}
        self._deleted: set[str] = set()
        self._private: set[str] = set()

    def collect(self, count: int) -> None:
        """Enter ``count`` operations."""
        self._grids = [
            (change["data"]["code"], shape(change["data"]["geometry"]).buffer(-_FROM_BORDER))
            for (collection, _), change in sorted(self.phone.held.items())
            if collection == "grids"
        ]
        for _ in range(count):
            (entry,) = self._chance.choices(_ENTRIES, _SHARES)
            entry(self)

    def issue(self) -> None:
        """Report a problem in one of the worker's grids."""
        code, location = self._somewhere()
        data = {
            "category": self._chance.choice(_CATEGORIES),
            "description": self._words(),
            "location": location,
            "severity": self._chance.choice(("low", "normal", "urgent")),
            "tags": self._chance.sample(_TAGS, 2),
        }
        made = self.phone.enter("issues", data, captured_at=self._lately())
        made.place = code
        self._own[made.record_id] = made
        if data["category"] in _PRIVATE:
            self._private.add(made.record_id)

    def visit(self) -> None:
        """Knock at a door: at one of the households held, or anywhere in the grids."""
        outcome = self._chance.choice(("met", "no_answer", "refused", "moved", "vacant"))
        data: dict[str, Any] = {"outcome": outcome, "purpose": "routine", "note": self._words()}
        household = self._one_of("households")
        if household is not None and self._chance.random() < 0.5:  # noqa: PLR2004  # the other half is out of doors
            self.phone.enter("visits", data | {"household_id": household[0]}, captured_at=self._lately())
            return
        code, location = self._somewhere()
        made = self.phone.enter("visits", data | {"location": location}, captured_at=self._lately())
        made.place = code

    def change_own(self) -> None:
        """Change an issue of one's own, also one that is not answered yet."""
        own = [made for record_id, made in sorted(self._own.items()) if record_id not in self._deleted]
        if not own:
            return self.issue()
        first = self._chance.choice(own)
        self._own[first.record_id] = self.phone.enter(
            "issues", self._edit(first.record_id), action="patch", record_id=first.record_id, base=self._base_of(first)
        )
        return None

    def change_shared(self) -> None:
        """Change an issue that others may be changing at this moment."""
        found = self._one_of("issues")
        if found is None or found[0] in self._deleted or found[1]["data"].get("masked"):
            return self.issue()
        record_id, change = found
        if change["data"]["category"] in _PRIVATE:
            self._private.add(record_id)
        made = self._own.get(record_id)
        base = {"rev": change["rev"]} if made is None else self._base_of(made)
        entered = self.phone.enter("issues", self._edit(record_id), action="patch", record_id=record_id, base=base)
        if made is not None:
            self._own[record_id] = entered
        return None

    def delete_own(self) -> None:
        """Take back an issue of one's own."""
        own = [made for record_id, made in sorted(self._own.items()) if record_id not in self._deleted]
        if not own:
            return self.issue()
        last = self._chance.choice(own)
        self._deleted.add(last.record_id)
        self.phone.enter("issues", {}, action="delete", record_id=last.record_id, base=self._base_of(last))
        return None

    def change_household(self) -> None:
        """Note a need or a preference at a household."""
        found = self._one_of("households")
        if found is None:
            return self.visit()
        data = self._chance.choice(
            (
                {"needs": self._chance.sample(_NEEDS, 2)},
                {"contact_preference": self._chance.choice(("door", "phone", "evening"))},
                {"risk_tier_suggestion": self._chance.choice(("general", "key", "high"))},
            )
        )
        self.phone.enter("households", data, action="patch", record_id=found[0], base={"rev": found[1]["rev"]})
        return None

    def work_on_task(self) -> None:
        """Begin or end a task that was given to the worker."""
        found = self._one_of("tasks")
        if found is None:
            return self.visit()
        data = {"state": self._chance.choice(("started", "done")), "note": self._words()}
        self.phone.enter("tasks", data, action="patch", record_id=found[0], base={"rev": found[1]["rev"]})
        return None

    def mistake(self) -> None:
        """Enter what the server must put into quarantine."""
        _, location = self._somewhere()
        good = {"category": "0301", "location": location}
        collection, data, captured_at = self._chance.choice(
            (
                ("issues", good | {"category": "9999"}, None),
                ("issues", good | {"location": {"lon": _SEA[0], "lat": _SEA[1]}}, None),
                ("issues", good | {"location": {"lon": 999.0, "lat": 25.68}}, None),
                ("issues", good | {"severety": "urgent"}, None),
                ("issues", good, dt.datetime(1970, 1, 1, tzinfo=dt.UTC)),
                ("visits", {"outcome": "met", "location": {"lon": _SEA[0], "lat": _SEA[1]}}, None),
                ("gossip", {"about": "neighbours"}, None),
            )
        )
        self.phone.enter(collection, data, captured_at=captured_at or self._lately()).refusable = True

    def _base_of(self, made: Made) -> dict[str, Any]:
        """What the author saw: the revision pulled since, or the own operation that may not be answered yet."""
        held = self.phone.held.get((made.collection, made.record_id))
        settled = made.status in ("applied", "merged") and made.rev is not None
        if held is not None and settled and held["rev"] >= (made.rev or 0):
            return {"rev": held["rev"]}
        return {"op_id": made.op_id}

    def _edit(self, record_id: str) -> dict[str, Any]:
        """Return a change; what is private is not made public from a phone, and what becomes so stays so."""
        edit = self._chance.choice(
            (
                {"description": self._words()},
                {"tags": self._chance.sample(_TAGS, 2)},
                {"severity": self._chance.choice(("low", "normal", "urgent"))},
                {"address_text": f"{self._chance.randint(1, 99)}号旁"},
                {"category": self._chance.choice(_CATEGORIES)},
                {"extra": {"count": self._chance.randint(1, 9)}, "description": self._words()},
            )
        )
        if "category" in edit and record_id in self._private:
            return {"severity": "urgent"}
        if edit.get("category") in _PRIVATE:
            self._private.add(record_id)
        return edit

    def _one_of(self, collection: str) -> tuple[str, Mapping[str, Any]] | None:
        found = sorted(record_id for name, record_id in self.phone.held if name == collection)
        if not found:
            return None
        record_id = self._chance.choice(found[:_SHARED])
        return record_id, self.phone.held[collection, record_id]

    def _somewhere(self) -> tuple[str, dict[str, Any]]:
        """A place inside one of the grids, in one datum or another."""
        code, area = self._chance.choice(self._grids)
        west, south, east, north = area.bounds
        while True:
            lon, lat = round(self._chance.uniform(west, east), 7), round(self._chance.uniform(south, north), 7)
            if area.contains(Point(lon, lat)):
                break
        location: dict[str, Any] = {"lon": lon, "lat": lat, "accuracy_m": float(self._chance.randint(3, 25))}
        if self._chance.random() < 0.2:  # noqa: PLR2004  # a fifth of the phones' maps are shifted
            shifted = from_wgs84([lon], [lat], "gcj02")
            location |= {"lon": float(shifted[0][0]), "lat": float(shifted[1][0]), "datum": "gcj02"}
        return code, location

    def _words(self) -> str:
        return "，".join(self._chance.sample(_WORDS, 2))

    def _lately(self) -> dt.datetime:
        """A time within the last hours by the phone's own clock."""
        return self.phone.now() - dt.timedelta(seconds=self._chance.randint(1, 6 * 3600))


_MIXTURE: Final[Sequence[tuple[Callable[[Shift], None], int]]] = (
    (Shift.visit, 30),
    (Shift.issue, 24),
    (Shift.change_own, 13),
    (Shift.change_shared, 13),
    (Shift.change_household, 7),
    (Shift.work_on_task, 5),
    (Shift.delete_own, 3),
    (Shift.mistake, 5),
)
_ENTRIES: Final = [entry for entry, _ in _MIXTURE]
_SHARES: Final = [share for _, share in _MIXTURE]
