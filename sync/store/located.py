"""Where records lie: positions in any datum -> WGS-84 -> grid at capture and grid now.

Owns the step between a location as sent and the server's columns of a record. Points of a batch are
converted and located together. Knows no SQL.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from geo.editions.ground import Ground
from geo.geometry.datum import to_wgs84
from geo.locate.locator import Place
from sync.collections import Doc

_SHIFTED = ("gcj02", "bd09")


class Located(msgspec.Struct, frozen=True, gc=False):
    """Where one record lies. ``lon``, ``lat``: WGS-84 degrees, None where only a household says where.

    ``door`` is that household's position then, if it has one. ``grid`` is by the edition given (that of the capture);
    ``how`` is inside, near or outside.
    """

    lon: float | None
    lat: float | None
    how: str
    grid: int | None
    distance_m: float
    candidates: tuple[int, ...]
    in_city: bool
    edition: int
    door: tuple[float, float] | None = None

    @property
    def point(self) -> tuple[float, float] | None:
        """Longitude and latitude, the record's own or those of its household's door."""
        return self.door if self.lon is None or self.lat is None else (self.lon, self.lat)

    def as_json(self, ground: Ground) -> dict[str, Any]:
        """Return the ``grid`` object of the protocol."""
        facts = None if self.grid is None else ground.areas.get(self.grid)
        codes = [ground.areas[area].code for area in self.candidates if area in ground.areas]
        return {
            "code": facts.code if facts else None,
            "name": facts.name if facts else None,
            "how": self.how,
            "ambiguous": len(codes) > 1,
            "candidates": codes,
            "edition": self.edition,
            "distance_m": round(self.distance_m, 1) if np.isfinite(self.distance_m) else None,
        }


class GridTold:
    """The ``grid`` objects of one answer as JSON: most records of a batch lie in few grids, so each is made once."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._made: dict[tuple[object, ...], msgspec.Raw] = {}

    def of(self, place: Located) -> msgspec.Raw:
        """Return the JSON of one place."""
        key = (place.grid, place.how, place.distance_m, place.candidates, place.edition)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = msgspec.Raw(msgspec.json.encode(place.as_json(self._ground)))
        return made


def normalise(docs: Sequence[Doc]) -> list[Doc]:
    """Return the docs with every location in WGS-84, naming the datum it came in; others are passed through.

    Conversion is vectorised over each datum. The docs given are not changed.
    """
    result = list(docs)
    for datum in _SHIFTED:
        at = [i for i, doc in enumerate(docs) if (doc.get("location") or {}).get("datum") == datum]
        if not at:
            continue
        sent = [docs[i]["location"] for i in at]
        lon, lat = to_wgs84([each["lon"] for each in sent], [each["lat"] for each in sent], datum)
        for i, before, x, y in zip(at, sent, lon, lat, strict=True):
            converted = {"lon": round(float(x), 8), "lat": round(float(y), 8), "datum": "wgs84", "source_datum": datum}
            result[i] = docs[i] | {"location": before | converted}
    return result


def locate(ground: Ground, locations: Sequence[Mapping[str, Any]], *, near_m: float) -> list[Located]:
    """Return where each WGS-84 location lies in one edition."""
    if not locations:
        return []
    # Eight decimals are the integer grid of the Locator, so what is stored is what was located.
    lon = np.round([float(each["lon"]) for each in locations], 8)
    lat = np.round([float(each["lat"]) for each in locations], 8)
    accuracy = np.array([float(each.get("accuracy_m") or 0.0) for each in locations])
    places = ground.locator.places(lon, lat, accuracy, near_m)
    lost = np.array([place.area is None and place.how == "outside" for place in places])
    in_city = np.ones(len(places), dtype=bool)
    if lost.any():
        in_city[lost] = ground.holds(lon[lost], lat[lost])
    return [
        _located(place, x, y, held, ground.number)
        for place, x, y, held in zip(places, lon.tolist(), lat.tolist(), in_city.tolist(), strict=True)
    ]


def _located(place: Place, lon: float, lat: float, in_city: bool, edition: int) -> Located:  # noqa: FBT001  # one column of five
    grid = place.area
    if grid is None and place.how == "near" and place.candidates:
        grid = place.candidates[0]
    return Located(lon, lat, place.how, grid, place.distance_m, place.candidates, in_city, edition)


def at_door(place: Located) -> Located:
    """Return the place of a visit that names its household and no position: the household's, but not as its own."""
    candidates = () if place.grid is None else (place.grid,)
    grid, edition = place.grid, place.edition
    return Located(None, None, "inside", grid, 0.0, candidates, in_city=True, edition=edition, door=place.point)


def in_household(grid: int, edition: int) -> Located:
    """Return where a visit lies that names its household and no position."""
    return Located(None, None, "inside", grid, 0.0, (grid,), in_city=True, edition=edition)
