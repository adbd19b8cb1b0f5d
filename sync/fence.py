"""The fence between editions: whoever writes grids to records holds it shared, from reading the ground to the commit.

Whoever moves records to the grids of a new edition passes it first: then everything that was located in an older one
is committed and can be seen, and everything later reads the new one. Pushes never wait for one another here.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.statements import Statement

# Any number that no other advisory lock of the city uses.
KEY = 7_370_001

_HOLD = Statement(f"SELECT pg_advisory_xact_lock_shared({KEY})::text")


def hold(session: Session) -> None:
    """Hold the fence until the transaction ends. Read the serial of the ground in a later statement."""
    _HOLD.run(session)


def passed(session: Session) -> None:
    """Wait until nobody holds the fence who held it before; the caller then begins a new transaction.

    Commits, so that nobody waits for the caller.
    """
    session.execute(text(f"SELECT pg_advisory_xact_lock({KEY})"))
    session.commit()
