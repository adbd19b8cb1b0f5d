"""What the signed-in caller answers for, as the engine takes it: grids, areas, or the whole city."""

import datetime as dt

from server.accounts.charge import area_in_charge, reach
from server.auth import calling_charge
from server.grounds import ground_now
from server.transaction import Transaction
from sync.review import InCharge

RULING = ("supervisor", "dispatcher", "admin")


def in_charge(tx: Transaction, now: dt.datetime) -> InCharge:
    """Return the caller's duty today; only inside ``staff_required``."""
    charge = calling_charge()
    ground = ground_now(tx.session, now)
    reached = reach(charge, ground)
    areas = [area for area in ground.areas if area_in_charge(ground, area, charge.duty_area_ids)]
    return InCharge(charge.person_id, reached.duty_grid_ids, areas, reached.duty_everywhere)
