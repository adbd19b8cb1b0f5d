"""What the signed-in caller answers for, as the engine takes it: grids, areas, or the whole city."""

from dataclasses import replace
from typing import Any

from geo.editions.ground import Ground
from server import clock
from server.accounts.charge import RULING, area_in_charge, reach
from server.accounts.errors import OutsideCharge
from server.database.ground_cache import ground_now
from server.database.transaction import Transaction
from server.http.auth import calling_charge
from sync.access.charge import InCharge
from sync.errors import NotFoundInCharge


def in_charge(tx: Transaction, *, within: str = "") -> InCharge:
    """Return the caller's duty today; only inside ``staff_required``.

    ``within``: the code of an area; then only what of the duty lies in it. Raises ``NotFoundInCharge`` where
    nothing of it does.
    """
    ground = ground_now(tx.session)
    return charge_of(ground) if not within else _charge_within(ground, within)


def charge_of(ground: Ground) -> InCharge:
    """Return the caller's duty on this ground; only inside ``staff_required``."""
    charge, now = calling_charge(), clock.now()
    reached = reach(charge, ground)
    areas = [area for area in ground.areas if area_in_charge(ground, area, charge.areas(*RULING))]
    return InCharge(charge.person_id, reached.duty_grid_ids, areas, reached.duty_everywhere, now)


def _charge_within(ground: Ground, within: str) -> InCharge:
    """Return what of the duty lies in an area. Raises ``NotFoundInCharge``."""
    whole = charge_of(ground)
    tops = frozenset(area for area, facts in ground.areas.items() if facts.code == within)
    areas = [area for area in whole.area_ids if area_in_charge(ground, area, tops)]
    if not areas:
        raise NotFoundInCharge
    grids = [grid for grid in whole.grid_ids if ground.lies_in(grid, tops)]
    return replace(whole, grid_ids=grids, area_ids=areas, everywhere=False)


def require_city(tx: Transaction, *, what: str = "area") -> None:
    """Raise ``OutsideCharge`` unless the caller is in charge of the whole city, or there is no ground yet."""
    ground = tx.ground()
    if ground is not None and not reach(calling_charge(), ground).duty_everywhere:
        raise OutsideCharge(what=what, area=None)


def require_area(tx: Transaction, code: str | None) -> int | None:
    """Return the id of an area (None: the city, or one that there is none of) that the caller is in charge of.

    Raises ``OutsideCharge``. Whoever has the whole city, or works before there is any ground, has every area.
    """
    ground, charge = tx.ground(), calling_charge()
    found = None if ground is None else next((each.id for each in ground.areas.values() if each.code == code), None)
    if ground is None or reach(charge, ground).duty_everywhere:
        return found
    if found is None or not area_in_charge(ground, found, charge.duty_area_ids):
        raise OutsideCharge(what="area", area=code)
    return found


def named(ground: Ground, area_id: int | None) -> dict[str, Any] | None:
    """Return code and name of an area today; None where it lies in none, or in one that is no more."""
    facts = None if area_id is None else ground.areas.get(area_id)
    return None if facts is None else {"code": facts.code, "name": facts.name}
