"""Who may do operations of drafts: GIS staff, in the areas that they hold that role in.

Owns that question. Must not know requests.
"""

from collections.abc import Sequence

from geo.editions import Ground
from server.accounts.charge import area_in_charge
from server.accounts.errors import OutsideCharge
from server.grids.operations import Operation


def require_charge(ground: Ground | None, tops: frozenset[int], operations: Sequence[Operation]) -> None:
    """Raise ``OutsideCharge`` unless all that operations work on, or put areas under, is in one of the areas ``tops``.

    Areas that the draft itself made came of such areas.
    """
    if ground is None or (ground.root_ids and ground.root_ids <= tops):
        return
    if any(None in each.under for each in operations):
        raise OutsideCharge(what="area", area=None)
    touched = {code for each in operations for code in (*each.areas, *each.under)}
    for area_id, facts in ground.areas.items():
        if facts.code in touched and not area_in_charge(ground, area_id, tops):
            raise OutsideCharge(what="area", area=facts.code)
