"""How many households the grids of a draft would have, for the gate that holds them to a norm.

Owns choosing the grids to count: those that gain or lose ground. Must not know the gate, or where a norm is set.
"""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from geo.redraw import AreaShape
from geo.redraw.layer import Ground, compare
from server.grids.checking import Homes
from server.grids.drafts import Drawn
from sync.redraw.impact import households_of


def homes_in(session: Session, done: Drawn, norm: tuple[int, int] | None, *, near_m: float) -> Homes | None:
    """The households of the grids with other ground, counted in one statement; None where there is no norm."""
    if norm is None:
        return None
    differing = compare(done.before.grids, done.after.grids)
    redrawn = {code for each in differing.moved for code in (each.source, each.target)}
    if not redrawn:
        return Homes(norm, {})
    counts = households_of(session, _grounds(differing.before), _grounds(differing.put), near_m=near_m)
    return Homes(norm, {code: count for code, count in counts.items() if code in redrawn})


def _grounds(tracts: Mapping[str, AreaShape]) -> dict[str, Ground]:
    return {code: tract.polygon for code, tract in tracts.items()}
