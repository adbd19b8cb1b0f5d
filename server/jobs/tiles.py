"""The tiles job: sketches the newest edition for the maps, kind by kind, until none waits.

A kind that cannot be sketched keeps none of the others from it: it is set aside (``sync.store.dead_letters``), and its
tiles are cut from the areas themselves meanwhile.
"""

import structlog
from sqlalchemy.orm import Session

from geo.serving import simplifying
from server.jobs.process import now, transaction
from sync.store import dead_letters
from sync.store.dead_letters import NOT_OF_AN_ITEM, Aside

QUEUE = "tiles"

log = structlog.get_logger()


def sketch() -> int:
    """Sketch what waits; return how many areas are drawn otherwise now. Safe to run twice, and to kill."""
    written = 0
    while True:
        with transaction() as session:
            kind = simplifying.waiting(session, skipped=dead_letters.resting(session, QUEUE, now()))
        if kind is None:
            return written
        try:
            done = _sketch_next()
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:
            log.exception("a kind of area could not be sketched; it is set aside", kind=kind)
            Aside(QUEUE, transaction, now).put(kind, error)
            continue
        if done is None:
            return written
        written += done.written
        log.info("sketched", kind=done.kind, edition=done.edition, drawn=done.drawn, written=done.written)


def waits(session: Session) -> bool:
    """Return whether the newest edition has a kind that is to be sketched now."""
    return simplifying.waiting(session, skipped=dead_letters.resting(session, QUEUE, now())) is not None


def _sketch_next() -> simplifying.Done | None:
    with transaction() as session:
        done = simplifying.sketch_next(session, skipped=dead_letters.resting(session, QUEUE, now()))
        if done is not None:
            dead_letters.take_back(session, QUEUE, [done.kind])
        return done
