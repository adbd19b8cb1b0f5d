"""The fence between editions: whoever writes grids to records holds it shared, from reading the ground to the commit.

Whoever brings an edition into force closes it until the commit: then what was located in the edition before is
committed and can be seen, and everything later reads the new one. Whoever moves records to their new grids closes it
for an instant, for the same reason. Pushes never wait for one another here.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.sql.statements import Statement

# Any number that no other advisory lock of the city uses.
KEY = 7_370_001

_HOLD = Statement(f"SELECT pg_advisory_xact_lock_shared({KEY})::text")
_CLOSE = text(f"SELECT pg_advisory_xact_lock({KEY})")


def hold(session: Session) -> None:
    """Hold the fence until the transaction ends. Read the serial of the ground in a later statement."""
    _HOLD.run(session)


def close(session: Session) -> None:
    """Wait until nobody holds the fence, and keep everybody out until the transaction ends.

    To be called by who holds no record and not the feed, and for as short as can be: pushes wait meanwhile.
    """
    session.execute(_CLOSE)
