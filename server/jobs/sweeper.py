"""The sweeper: every few seconds it looks in PostgreSQL for work that waits, and wakes the queue of it.

Run as ``python -m server.jobs.sweeper``. Whatever Redis forgot, and whatever a killed worker left, is found here;
where PostgreSQL or Redis is away, it waits and looks again. Now and then it sweeps behind the phones: it shortens the
feed. What was set aside is tried again when it starts. All else it leaves to the workers, and it may run more than
once.
"""

import random
import signal
import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions import plans
from server.attachments.tending import waits
from server.cases.catalogues import editions as catalogue_editions
from server.cases.deadlines import escalating, recounting
from server.cases.delivery.deliveries import is_due
from server.cases.life import phones
from server.cases.routing.retries import awaits
from server.cases.timing import alarms
from server.config import Config
from server.grids.imports import rows as imports
from server.jobs import tiles
from server.jobs.process import now, transaction, wake
from server.monitoring import logs
from sync.pull.compaction import compact
from sync.redraw import moving
from sync.store import dead_letters
from sync.store.dead_letters import NOT_OF_AN_ITEM

EVERY_S = 3.0
# What is held may have got its base without anybody being woken; that is rare and costs the merge job a look.
HELD_EVERY = 20
# About an hour of rounds; the first soon after the start.
COMPACT_EVERY = 1200
COMPACTED_AT_ONCE = 5_000

log = structlog.get_logger()

_UNSETTLED = text("SELECT EXISTS (SELECT FROM operation WHERE status = ANY (CAST(:statuses AS text[])))")


def waiting(session: Session, moment: datetime, *, held_too: bool) -> list[str]:
    """Return the queues whose work waits in PostgreSQL."""
    statuses = ["pending", "held"] if held_too else ["pending"]
    looks: dict[str, Callable[[], object]] = {
        "merge": lambda: session.scalar(_UNSETTLED, {"statuses": statuses}),
        "routing": lambda: awaits(session, moment) or catalogue_editions.is_due(session, moment),
        "steps": lambda: phones.waits(session, moment),
        "delivery": lambda: is_due(session, moment),
        "files": lambda: waits(session, moment, keep_for=Config.upload_ttl),
        "imports": lambda: imports.waits(session, moment),
        "editions": lambda: moving.waits(session, moment) or plans.is_due(session, moment),
        "tiles": lambda: tiles.waits(session),
        "calendar": lambda: recounting.waits(session, moment),
        "clocks": lambda: alarms.waits(session, moment) or escalating.waits(session, moment),
    }
    return [name for name, look in looks.items() if _finds(session, name, look)]


def _finds(session: Session, name: str, look: Callable[[], object]) -> bool:
    """Return whether there is work; where that cannot be seen, the job shall look: the other queues do not wait."""
    try:
        with session.begin_nested():
            return bool(look())
    except NOT_OF_AN_ITEM:
        raise
    except Exception as error:  # noqa: BLE001  # one look that fails must not hide what the others see
        log.warning("could not look whether a queue has work", queue=name, error=repr(error))
        return True


def sweep(*, held_too: bool = True) -> list[str]:
    """Wake every queue whose work waits; return those that Redis took."""
    with transaction() as session:
        names = waiting(session, now(), held_too=held_too)
    return [name for name in names if wake(name)]


def shorten_feed(stop: threading.Event) -> int:
    """Take away what every live phone has of the feed, a little in each transaction; return how many touches."""
    removed, last = 0, COMPACTED_AT_ONCE
    while last == COMPACTED_AT_ONCE and not stop.is_set():
        with transaction() as session:
            last = compact(session, now(), limit=COMPACTED_AT_ONCE)
        removed += last
    return removed


def main(stop: threading.Event) -> None:
    """Sweep until asked to stop. Nothing that goes wrong ends it."""
    rounds = 0
    while not stop.is_set():
        try:
            if rounds == 0:
                _try_all_again()
            sweep(held_too=rounds % HELD_EVERY == 0)
            if rounds % COMPACT_EVERY == 0:
                shorten_feed(stop)
        except Exception as error:  # noqa: BLE001  # the edge of a process that must go on
            log.warning("could not sweep; trying again", error=str(error))
        rounds += 1
        stop.wait(EVERY_S * random.uniform(0.8, 1.2))  # noqa: S311  # so that several do not march in step


def _try_all_again() -> None:
    """Have all that was set aside tried again: other code than that which failed on it may be running now."""
    with transaction() as session:
        dead_letters.try_again(session, now())


def _run() -> None:
    logs.configure()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    main(stop)


if __name__ == "__main__":
    _run()
