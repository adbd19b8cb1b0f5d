"""A boundary file as areas: which feature becomes which area, and whether all of it can be taken.

Owns that step, and the report of it. Reading and mending is ``geo.files``'s; must not know editions or drafts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from geo.files import BoundaryFeature, BoundaryFile, Told, read_boundaries
from geo.publish import GAP_WIDTH_M, NewArea
from geo.shapes import Fault
from server.grids.fault_words import REFUSED, WORDS, line

# The national map writes its codes with the country's number before them.
_COUNTRY: Final = re.compile(r"156(\d{6})")
_WORST_FIRST: Final = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for: the file, the kind of its areas, and what the file does not say of itself."""

    path: Path
    kind: str
    parent: str | None = None
    name_field: str | None = None
    code_field: str | None = None
    crs: str | None = None
    layer: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as areas, and every fault with the name of the area that it is of ("": of the file, or of neighbours).

    An area without a parent is one of which the file says none. ``fields``: those that the file has.
    """

    file: str
    crs: str
    encoding: str
    fields: tuple[str, ...]
    areas: tuple[NewArea, ...]
    faults: tuple[tuple[str, Fault], ...]

    @property
    def refused(self) -> int:
        """How many faults keep the file from being taken."""
        return sum(fault.code in REFUSED for _, fault in self.faults)

    @property
    def mended(self) -> int:
        """How many areas were mended."""
        return len({fault.detail.get("feature", who) for who, fault in self.faults if who and fault.code in WORDS})

    @property
    def head(self) -> str:
        """The file in a line."""
        return f"{self.file}: {len(self.areas)} 个区域 areas, {self.crs}, {self.encoding}"

    @property
    def worst_first(self) -> list[tuple[str, Fault]]:
        """The faults, errors first."""
        return sorted(self.faults, key=lambda each: _WORST_FIRST.index(each[1].severity))

    @property
    def report(self) -> list[str]:
        """Every fault as a line, the worst first."""
        lines = [self.head, *(line(fault, of=who) for who, fault in self.worst_first)]
        if any(fault.code == "no-code" for _, fault in self.faults):
            fields = ", ".join(self.fields)
            lines.append(f"  → 用 --code-field 指定编码字段 · name the field of the codes with --code-field: {fields}")
        return lines

    @property
    def summary(self) -> list[str]:
        """One line for each sort of fault of each area: the first of them, and how many there are."""
        alike: dict[tuple[str, str], list[Fault]] = {}
        for who, fault in self.faults:
            alike.setdefault((who, fault.code), []).append(fault)
        return [
            self.head,
            *(
                line(found[0], of=who) + (f"  共 {len(found)} 处 · {len(found)} places" if len(found) > 1 else "")
                for (who, _), found in alike.items()
            ),
        ]

    def as_features(self) -> list[dict[str, Any]]:
        """Every fault as a GeoJSON feature: a point, or no geometry where it has no place; the worst first."""
        return [feature_of(who, fault) for who, fault in self.worst_first]


def read_areas(wanted: Wanted, told: Told = lambda _step, _count: None) -> Reading:
    """Read a file as areas. Raises ``GeoError`` for a file that cannot be read as a whole."""
    found = read_boundaries(
        wanted.path,
        name_field=wanted.name_field,
        code_field=wanted.code_field,
        crs=wanted.crs,
        layer=wanted.layer,
        kind=wanted.kind,
        gap_width_m=GAP_WIDTH_M,
        told=told,
    )
    faults = [(feature.name or feature.code or "", fault) for feature in found.features for fault in feature.faults]
    unnamed = [fault for feature in found.features for fault in _unnamed(feature, found)]
    faults += [("", fault) for fault in (*found.faults, *unnamed)]
    areas = tuple(_area(feature, wanted) for feature in found.features if feature.code)
    return Reading(wanted.path.name, found.crs, found.encoding, found.fields, areas, tuple(faults))


def _area(feature: BoundaryFeature, wanted: Wanted) -> NewArea:
    code = _code(feature.code)
    return NewArea(
        code, wanted.kind, feature.name or code, wanted.parent or _code(feature.parent) or None, feature.geometry
    )


def _code(code: str | None) -> str:
    national = _COUNTRY.fullmatch(code or "")
    return national[1] if national else code or ""


def _unnamed(feature: BoundaryFeature, found: BoundaryFile) -> Sequence[Fault]:
    if feature.code and feature.name:
        return []
    place = feature.geometry.representative_point()
    at = {"feature": feature.index, "name": feature.name or f"#{feature.index}"}
    if not feature.code:
        return [Fault("no-code", "error", place.x, place.y, at | {"fields": list(found.fields)})]
    return [Fault("no-name", "warning", place.x, place.y, at | {"name": feature.code})]


def feature_of(who: str, fault: Fault) -> dict[str, Any]:
    """Return one fault as a GeoJSON feature."""
    zh, en = WORDS.get(fault.code, (fault.code, fault.code))
    names = fault.detail.get("names")
    of = [str(name) for name in names if name] if isinstance(names, list) else [who or fault.detail.get("name")]
    at = None if fault.lon is None or fault.lat is None else [round(fault.lon, 8), round(fault.lat, 8)]
    told = {name: fault.detail[name] for name in _TOLD if name in fault.detail}
    return {
        "type": "Feature",
        "geometry": None if at is None else {"type": "Point", "coordinates": at},
        "properties": {
            "code": fault.code,
            "severity": fault.severity,
            "areas": [name for name in of if name],
            **told,
            "refused": fault.code in REFUSED,
            "text": {"zh": zh, "en": en},
        },
    }


_TOLD: Final = (
    "feature",
    "features",
    "count",
    "more",
    "percent",
    "area_m2",
    "width_m",
    "fields",
    "crs",
    "declared",
    "encoding",
)
