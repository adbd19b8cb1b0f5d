"""The gate before a draft: what is wrong with what it changes.

Owns choosing what to look at: what changed, what lies beside it, and all that shares a parent with either. Must not
know drafts; what is found is ``geo.gate``'s.
"""

from dataclasses import dataclass
from typing import Any, Final

import shapely

from geo.findings import FINDING_CODES
from geo.gate import Gate, GateArea, GateFinding
from geo.redraw.sheet import compare
from server.grids.city import City

_BESIDE_DEG: Final = 1e-4


@dataclass(frozen=True)
class Checked:
    """What the gate finds of a draft."""

    findings: tuple[GateFinding, ...]

    @property
    def is_open(self) -> bool:
        """Whether nothing is so wrong that the draft must not be published."""
        return not self.errors

    @property
    def errors(self) -> tuple[GateFinding, ...]:
        """What keeps it shut."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def as_geojson(self) -> dict[str, Any]:
        """The findings as a GeoJSON FeatureCollection, with ``open``."""
        features = [finding.as_feature() for finding in self.findings]
        return {"type": "FeatureCollection", "open": self.is_open, "features": features}


def check_draft(before: City, after: City) -> Checked:
    """Look at the grids that a draft changes, and at the parents of those."""
    done = compare(before.grids, after.grids)
    touched = [tract.polygon for tract in (*done.before.values(), *done.put.values())]
    concerned = {tract.parent_code for tract in (*done.before.values(), *done.put.values())}
    sheet = after.grids
    near = {*done.put, *(code for shape in touched for code in sheet.near(shape, _BESIDE_DEG))}
    above = {sheet[code].parent_code for code in near} | concerned
    looked_at = {code for code, tract in sheet.tracts.items() if code in near or tract.parent_code in above}
    areas = [GateArea(code, sheet[code].polygon, sheet[code].parent_code) for code in sorted(looked_at)]
    found = {code: after.find(code) for code in sorted(code for code in above if code is not None)}
    parents = {code: tract.polygon for code, tract in found.items() if tract is not None}
    places = shapely.STRtree([shapely.box(*shape.buffer(_BESIDE_DEG).bounds) for shape in touched])
    return Checked(
        tuple(
            finding
            for finding in Gate.of(areas, parents).findings
            if set(finding.areas) & set(done.put)
            or (finding.code in FINDING_CODES and places.query(finding.geometry, predicate="intersects").size)
        )
    )
