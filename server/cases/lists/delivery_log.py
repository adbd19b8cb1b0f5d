"""The post room: what could not be delivered, for the people who must know of it.

Owns the list of deliveries by state, limited to issues in somebody's reach. Sending is
``server.cases.delivery.deliveries``.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach
from server.cases.delivery.deliveries import retry
from server.cases.errors import UnknownDelivery
from server.cases.lists.desk import Told, deliveries
from server.cases.tables import Delivery
from sync.collections.issues import Issue


def list_deliveries(
    session: Session, reach: Reach, states: Sequence[str], *, after: uuid.UUID | None, limit: int
) -> tuple[list[Told], uuid.UUID | None]:
    """Return deliveries in these states whose issues are in reach, newest first, and where the next page begins."""
    query = (
        deliveries()
        .join(Issue, Issue.id == Delivery.issue_id)
        .where(Delivery.state.in_(states), in_reach(reach))
        .order_by(Delivery.id.desc())
    )
    if after is not None:
        query = query.where(Delivery.id < after)
    found = [Told(*row) for row in session.execute(query.limit(limit + 1))]
    return found[:limit], found[limit - 1].id if len(found) > limit else None


def retry_in_reach(session: Session, delivery_id: uuid.UUID, reach: Reach, now: datetime) -> None:
    """Have a delivery tried again. Raises ``UnknownDelivery`` for one whose issue is not in reach."""
    seen = session.scalar(
        select(Delivery.id)
        .join(Issue, Issue.id == Delivery.issue_id)
        .where(Delivery.id == delivery_id, in_reach(reach))
    )
    if seen is None:
        raise UnknownDelivery(delivery_id)
    retry(session, delivery_id, now)
