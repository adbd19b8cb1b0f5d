"""The commit-ordered feed of changes: touches in channels, numbered without gaps.

The number is taken last in a transaction, under the lock of one counter row that is held until the
commit; so numbers become visible in their order, and a cursor never passes a change that commits later.
``append`` must therefore be the last statement before the commit.
"""

import uuid
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.sql import arrays
from sync.sql.statements import Statement

OUTCOME_TOPIC = 0
GRIDS_TOPIC = 9

_APPEND = Statement("""
    WITH taken AS (
        UPDATE feed_counter SET position = position + :count RETURNING position - :count AS before
    )
    INSERT INTO feed (channel, position, topic, ref)
    SELECT touch.channel, taken.before + touch.ordinality, touch.topic, touch.ref
    FROM taken, unnest(CAST(:channels AS bigint[]), CAST(:topics AS smallint[]), CAST(:refs AS uuid[]))
        WITH ORDINALITY AS touch (channel, topic, ref, ordinality)
    RETURNING position
""")


class Touch(msgspec.Struct, frozen=True, gc=False):
    """This thing changed, for those who listen to this channel."""

    channel: int
    topic: int
    ref: uuid.UUID


def grid_channel(area_id: int) -> int:
    """Return the channel of a grid: all records that lie in it."""
    return area_id * 4


def person_channel(person_id: int) -> int:
    """Return the channel of a person: records that are theirs wherever they lie."""
    return person_id * 4 + 1


def device_channel(device_id: int) -> int:
    """Return the channel of a device: what became of its operations."""
    return device_id * 4 + 2


def work_channel(body_id: int | None) -> int:
    """Return the channel of a body's cases; None: of the cases of the whole city. Pages listen to it, no phone does."""
    return (body_id or 0) * 4 + 3


def work_touches(topic: int, rows: Iterable[tuple[uuid.UUID, Iterable[int | None]]]) -> list[Touch]:
    """Return touches that say once for each body, and once for the city, that cases changed: a page then asks for all.

    Each row: id of a case, and the bodies (ids; None is skipped) that have it now or had it before.
    """
    found: dict[int, uuid.UUID] = {}
    for record_id, bodies in rows:
        for channel in (work_channel(None), *(work_channel(body) for body in bodies if body is not None)):
            found.setdefault(channel, record_id)
    return [Touch(channel, topic, record_id) for channel, record_id in sorted(found.items())]


def record_touches(topic: int, rows: Iterable[tuple[uuid.UUID, Iterable[int | None], int | None]]) -> list[Touch]:
    """Return the touches of changed records.

    Each row: id, the grids it lies in now and lay in before (area ids; None is skipped), and the
    person who sees it wherever it lies (None: nobody does).
    """
    touches: list[Touch] = []
    for record_id, grids, person_id in rows:
        channels = {grid_channel(grid) for grid in grids if grid is not None}
        if person_id is not None:
            channels.add(person_channel(person_id))
        touches.extend(Touch(channel, topic, record_id) for channel in sorted(channels))
    return touches


def append(session: Session, touches: Sequence[Touch]) -> int:
    """Append touches and return the last position, 0 if there were none. Locks the counter until the commit."""
    if not touches:
        return 0
    rows = _APPEND.run(
        session,
        count=len(touches),
        channels=arrays.numbers([touch.channel for touch in touches]),
        topics=arrays.numbers([touch.topic for touch in touches]),
        refs=arrays.uuids([touch.ref for touch in touches]),
    )
    return int(max(position for (position,) in rows))


def bounds(session: Session) -> tuple[int, int]:
    """Return the floor, up to which touches may be gone, and the last position that is visible."""
    row = session.execute(text("SELECT floor, position FROM feed_counter")).one()
    return row.floor, row.position
