"""What can be found wrong with a set of polygons: codes, severities, places.

Owns the vocabulary of the checks in `geo.coverage.survey`, `geo.coverage.nesting` and `geo.coverage.gate`. Must not
know how anything is found, nor the words that people read (`geo.coverage.gate_words`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, get_args

from shapely.geometry.base import BaseGeometry

from geo.geometry.shapes import Severity

FindingCode = Literal[
    "invalid", "overlap", "sliver", "thin-part", "gap", "hole", "unmatched", "outside-parent", "uncovered"
]

FINDING_CODES: Final[tuple[FindingCode, ...]] = get_args(FindingCode)

_SEVERITIES: Final[Mapping[FindingCode, Severity]] = MappingProxyType(
    {
        "invalid": "error",
        "overlap": "error",
        "sliver": "error",
        "thin-part": "warning",
        "gap": "error",
        "hole": "warning",
        "unmatched": "warning",
        "outside-parent": "error",
        "uncovered": "error",
    }
)


@dataclass(frozen=True)
class Finding:
    """Something that a coverage must not have.

    - invalid: a polygon is not one (`geometry` is the point)
    - overlap: ground in two polygons; sliver: the same, thinner than the gap width
    - thin-part: a part of one polygon thinner than the gap width
    - gap: ground between polygons in none, thinner than the gap width (lines where it is open at an end)
    - hole: wider ground enclosed by polygons and in none; a lake perhaps
    - unmatched: polygons run along each other without sharing their vertices
    - outside-parent: ground of a polygon that is not its parent's; uncovered: ground of a parent in no child

    `members` are the polygons concerned, `parent` the parent. `width_m` is the diameter of the widest circle within.
    """

    code: FindingCode
    members: tuple[int, ...]
    geometry: BaseGeometry
    area_m2: float = 0.0
    width_m: float = 0.0
    parent: int | None = None

    @property
    def severity(self) -> Severity:
        """An error keeps a set of polygons from being a coverage; a warning wants to be looked at."""
        return _SEVERITIES[self.code]
