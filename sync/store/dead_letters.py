"""Dead letters: the items that a job failed on, set aside with the reason, so that they hold up none of the others.

Owns ``dead_letter``, the search for the item that spoils a batch, and when it is tried again: after a delay that
doubles, and at once when its mark is another (the item has changed), when a person asks, or when new code starts.
One mechanism for every queue. Must not know why a job fails, nor what its items are.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError  # noqa: A004  # the pool's own
from sqlalchemy.orm import Session

from sync.tables import DeadLetter

FIRST_DELAY: Final = timedelta(minutes=1)
LONGEST_DELAY: Final = timedelta(hours=6)
NOT_OF_AN_ITEM: Final = (OperationalError, InterfaceError, TimeoutError)
"""These say nothing of an item: the database is away, or gave way to another. The job ends, and is queued again."""
_LONGEST_REASON: Final = 500
_MOST_DOUBLINGS: Final = 16

_SET = text("""
    INSERT INTO dead_letter AS before (queue, item, mark, since, last_at, attempts, next_attempt_at, reason)
    VALUES (:queue, :item, :mark, :now, :now, 1, CAST(:now AS timestamptz) + :first, :reason)
    ON CONFLICT (queue, item) DO UPDATE SET
        mark = excluded.mark, reason = excluded.reason, last_at = excluded.last_at, attempts = before.attempts + 1,
        next_attempt_at = CAST(:now AS timestamptz)
            + least(CAST(:longest AS interval), :first * power(2, least(before.attempts, :doublings)))
""")
_COUNTED = text("SELECT queue, count(*) AS number FROM dead_letter GROUP BY queue")

Item = TypeVar("Item")
Result = TypeVar("Result")
Begin = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Aside:
    """Where the items of one queue are put. ``begin`` opens a transaction that commits on leaving."""

    queue: str
    begin: Begin
    clock: Callable[[], datetime]

    def put(self, item: str, error: BaseException, mark: str = "") -> None:
        """Set an item aside, in a transaction of its own."""
        with self.begin() as session:
            put(session, self.queue, item, reason_of(error), self.clock(), mark=mark)


def one_by_one(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Result], refused: Callable[[Item, Exception], None]
) -> list[Result]:
    """Do ``work`` on halves, and halves of those that fail, until what fails stands alone and is ``refused``.

    Raises what is not of an item (:data:`NOT_OF_AN_ITEM`).
    """
    if not items:
        return []
    try:
        return [work(items)]
    except NOT_OF_AN_ITEM:
        raise
    except Exception as error:  # noqa: BLE001  # whatever an item does, the others go on
        if len(items) == 1:
            refused(items[0], error)
            return []
    middle = len(items) // 2
    return one_by_one(items[:middle], work, refused) + one_by_one(items[middle:], work, refused)


def reason_of(error: BaseException) -> str:
    """Return what is kept of an error: its kind and what it says, without the values of rows that a database tells."""
    told: object = error
    if isinstance(error, DBAPIError):
        told = getattr(getattr(error.orig, "diag", None), "message_primary", None) or type(error.orig).__name__
    return f"{type(error).__name__}: {told}"[:_LONGEST_REASON].replace("\0", "")


def put(session: Session, queue: str, item: str, reason: str, now: datetime, *, mark: str = "") -> None:
    """Keep an item that failed, with the reason, from being tried again too soon."""
    session.execute(
        _SET,
        {
            "queue": queue,
            "item": item,
            "mark": mark,
            "reason": reason[:_LONGEST_REASON],
            "now": now,
            "first": FIRST_DELAY,
            "longest": LONGEST_DELAY,
            "doublings": _MOST_DOUBLINGS,
        },
    )


def take_back(session: Session, queue: str, items: Iterable[str]) -> None:
    """Forget what went wrong with items that are done now."""
    gone = list(items)
    if gone:
        session.execute(delete(DeadLetter).where(DeadLetter.queue == queue, DeadLetter.item.in_(gone)))


def try_again(session: Session, now: datetime, *, queue: str | None = None, item: str | None = None) -> int:
    """Have what was set aside tried again now: all, or of a queue, or one item; return how many."""
    again = update(DeadLetter).where(DeadLetter.next_attempt_at > now).values(next_attempt_at=now)
    if queue is not None:
        again = again.where(DeadLetter.queue == queue)
    if item is not None:
        again = again.where(DeadLetter.item == item)
    return len(session.execute(again.returning(DeadLetter.item)).all())


def has(session: Session, queue: str, item: str) -> bool:
    """Return whether an item is set aside."""
    return session.get(DeadLetter, (queue, item)) is not None


def resting(session: Session, queue: str, now: datetime) -> list[str]:
    """Return the items of a queue that are not to be tried before some time after ``now``."""
    wanted = select(DeadLetter.item).where(DeadLetter.queue == queue, DeadLetter.next_attempt_at > now)
    return list(session.scalars(wanted))


def due(session: Session, queue: str, now: datetime, limit: int) -> list[str]:
    """Return the items of a queue whose time to be tried again has come."""
    wanted = select(DeadLetter.item).where(DeadLetter.queue == queue, DeadLetter.next_attempt_at <= now)
    return list(session.scalars(wanted.order_by(DeadLetter.next_attempt_at).limit(limit)))


def counted(session: Session) -> dict[str, int]:
    """Return how many items of each queue are set aside."""
    return {row.queue: row.number for row in session.execute(_COUNTED)}


def listed(session: Session, *, limit: int) -> Sequence[DeadLetter]:
    """Return what is set aside, what failed last first."""
    return session.scalars(select(DeadLetter).order_by(DeadLetter.last_at.desc(), DeadLetter.item).limit(limit)).all()
