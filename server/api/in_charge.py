"""What the signed-in caller answers for, as the engine takes it: grids, areas, or the whole city."""

from typing import Any

from geo.editions import Ground
from server.accounts.charge import area_in_charge, reach
from server.auth import calling_charge
from server.grounds import ground_now
from server.transaction import Transaction
from sync.errors import NotFoundInCharge
from sync.review import InCharge

RULING = ("supervisor", "dispatcher", "admin")


def in_charge(tx: Transaction, *, within: str = "") -> InCharge:
    """Return the caller's duty today; only inside ``staff_required``.

    ``within``: the code of an area; then only what of the duty lies in it. Raises ``NotFoundInCharge`` where
    nothing of it does.
    """
    charge = calling_charge()
    ground = ground_now(tx.session)
    reached = reach(charge, ground)
    areas = [area for area in ground.areas if area_in_charge(ground, area, charge.duty_area_ids)]
    if not within:
        return InCharge(charge.person_id, reached.duty_grid_ids, areas, reached.duty_everywhere)
    tops = frozenset(area for area, facts in ground.areas.items() if facts.code == within)
    areas = [area for area in areas if area_in_charge(ground, area, tops)]
    if not areas:
        raise NotFoundInCharge
    grids = [grid for grid in reached.duty_grid_ids if ground.lies_in(grid, tops)]
    return InCharge(charge.person_id, grids, areas, everywhere=False)


def named(ground: Ground, area_id: int | None) -> dict[str, Any] | None:
    """Return code and name of an area today; None where it lies in none, or in one that is no more."""
    facts = None if area_id is None else ground.areas.get(area_id)
    return None if facts is None else {"code": facts.code, "name": facts.name}
