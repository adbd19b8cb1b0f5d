"""The tiles job: sketches the newest edition for the maps, kind by kind, until none waits."""

import structlog

from geo.sketching import sketch_next
from server.jobs.process import transaction

log = structlog.get_logger()


def sketch() -> int:
    """Sketch what waits; return how many areas are drawn otherwise now. Safe to run twice, and to kill."""
    written = 0
    while True:
        with transaction() as session:
            done = sketch_next(session)
        if done is None:
            return written
        written += done.written
        log.info("sketched", kind=done.kind, edition=done.edition, drawn=done.drawn, written=done.written)
