"""The imports job: works on boundary files that wait, one after another, and takes away those whose time is over."""

from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST, Ground
from server.attachments.store import open_store
from server.database.ground_cache import ground_at
from server.grids.imports.job import Importer
from server.jobs.process import config, now, transaction, wake


def import_all() -> int:
    """Work on all imports that wait; return how many ended. Safe to run twice at once, and to kill at any moment."""
    importer = Importer(transaction, open_store(config().files_url), now, _ground)
    done = 0
    while (ended := importer.import_next()) is not None:
        done += 1
        if ended.published:
            wake("editions")
    importer.expire()
    return done


def _ground(session: Session) -> Ground | None:
    return ground_at(session)(NEWEST)
