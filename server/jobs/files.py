"""The files job: finishes, binds, previews, expires and tidies what waits, until nothing does."""

import dataclasses

from sqlalchemy.orm import Session

from geo.editions.ground import Ground
from server.attachments.store import open_store
from server.attachments.tending import Tender
from server.attachments.uploads import Limits
from server.database.ground_cache import ground_now
from server.jobs.process import config, now, transaction


def tend() -> dict[str, int]:
    """Tend to all files that wait; return what was done. Safe to run twice at once, and to kill at any moment."""
    settings = config()
    limits = Limits(
        settings.file_limit_bytes, settings.open_uploads, settings.open_upload_bytes, settings.upload_ttl
    )  # fmt: skip
    return dataclasses.asdict(Tender(transaction, open_store(settings.files_url), _ground, limits, now).tend())


def _ground(session: Session) -> Ground:
    return ground_now(session)
