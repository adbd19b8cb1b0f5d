"""A boundary file as areas: which feature becomes which area, and whether all of it can be taken.

Owns that step, and the report of it. Reading and mending is ``geo.files.reading``'s; must not know editions or drafts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from geo.editions.names import name_fault
from geo.editions.publish import GAP_WIDTH_M, NewArea
from geo.files.reading import BoundaryFeature, BoundaryFile, Told
from geo.geometry.shapes import Fault
from server.grids.imports.boundary_reader import read_boundary_file
from server.grids.imports.fault_report import MARKS, level_of, told_of
from server.grids.imports.fault_words import REFUSED, line

# The national map writes its codes with the country's number before them.
_COUNTRY: Final = re.compile(r"156(\d{6})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for: the file, the kind of its areas, and what the file does not say of itself."""

    path: Path
    kind: str
    parent: str | None = None
    name_field: str | None = None
    code_field: str | None = None
    parent_field: str | None = None
    crs: str | None = None
    encoding: str | None = None
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
        return len({fault.detail.get("feature", who) for who, fault in self.faults if level_of(fault) == "mended"})

    @property
    def head(self) -> str:
        """The file in a line."""
        return f"{self.file}: {len(self.areas)} 个区域 areas, {self.crs}, {self.encoding}"

    @property
    def report(self) -> list[str]:
        """Every sort of fault, the worst first, and what can be done where a file does not tell its codes."""
        lines = [self.head, *told_of(self.faults)]
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
                line(found[0], MARKS[level_of(found[0])], of=who) + _places(len(found))
                for (who, _), found in alike.items()
            ),
        ]


def read_areas(wanted: Wanted, told: Told = lambda _step, _count: None) -> Reading:
    """Read a file as areas. Raises ``GeoError`` for a file that cannot be read as a whole."""
    names = ("name_field", "code_field", "parent_field", "crs", "encoding", "layer", "kind")
    options = {name: getattr(wanted, name) for name in names} | {"gap_width_m": GAP_WIDTH_M}
    found = read_boundary_file(wanted.path, options, told=told)
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
    fault = None if feature.name is None else name_fault(feature.name)
    if feature.code and feature.name and fault is None:
        return []
    place = feature.geometry.representative_point()
    at = {"feature": feature.index, "name": feature.name or f"#{feature.index}"}
    if not feature.code:
        return [Fault("no-code", "error", place.x, place.y, at | {"fields": list(found.fields)})]
    if fault is not None:
        return [Fault(fault, "error", place.x, place.y, at | {"name": feature.code})]
    return [Fault("no-name", "warning", place.x, place.y, at | {"name": feature.code})]


def _places(count: int) -> str:
    return f"  共 {count} 处 · {count} places" if count > 1 else ""
