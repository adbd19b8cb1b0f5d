"""What has to be done about files when nobody asks: finish, bind, preview, expire, tidy. Coarse and idempotent.

Owns the order of that work and the look whether there is any. Bytes are touched outside transactions only.
"""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from server.attachments import previews, uploads
from server.attachments.bonds import bind_arrived, has_arrived, next_arrived
from server.attachments.errors import AttachmentError
from server.attachments.finishing import GroundOf, Transaction, claim_stranded, finish, is_stranded
from server.attachments.store import Store
from server.attachments.uploads import Limits
from sync.store import dead_letters
from sync.store.dead_letters import NOT_OF_AN_ITEM, Aside

BATCH = 100
QUEUE = "files"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tended:
    """What was done, by number."""

    finished: int
    bound: int
    previews: int
    expired: int
    tidied: int


@dataclass(frozen=True)
class Tender:
    """Does the work. ``clock`` returns the time, aware UTC."""

    transaction: Transaction
    store: Store
    ground_of: GroundOf
    limits: Limits
    clock: Callable[[], dt.datetime]

    def tend(self) -> Tended:
        """Do all that waits. Safe to run twice at once, and to kill at any moment."""
        return Tended(
            self._count(self._finish_one),
            self._count(self._bind_one),
            self._count(self._preview_one),
            self._safely("expiry", self._expire),
            self._safely("leftovers", self._tidy),
        )

    @staticmethod
    def _count(one: Callable[[], bool]) -> int:
        done = 0
        while one():
            done += 1
        return done

    def _safely(self, item: str, work: Callable[[], int]) -> int:
        """Do one thing; where it fails, set it aside, so that what comes after it is done all the same."""
        try:
            done = work()
        except NOT_OF_AN_ITEM:
            raise
        except Exception as error:
            log.exception("a file could not be tended to; it is set aside", item=item)
            Aside(QUEUE, self.transaction, self.clock).put(item, error)
            return 0
        if done:
            with self.transaction() as session:
                dead_letters.take_back(session, QUEUE, [item])
        return done

    def _finish_one(self) -> bool:
        with self.transaction() as session:
            upload_id = claim_stranded(session, self.clock())
        if upload_id is None:
            return False
        self._safely(f"upload/{upload_id}", lambda: self._finish(upload_id))
        return True

    def _finish(self, upload_id: uuid.UUID) -> int:
        try:
            finish(self.transaction, self.store, upload_id, self.ground_of, self.clock())
        except AttachmentError as error:
            log.info("an upload did not end well", upload=str(upload_id), error=error.code, **error.data)
        return 1

    def _bind_one(self) -> bool:
        with self.transaction() as session:
            resting = dead_letters.resting(session, QUEUE, self.clock())
            found = next_arrived(session, [uuid.UUID(each[5:]) for each in resting if each.startswith("bond/")])
        if found is None:
            return False
        self._safely(f"bond/{found}", lambda: self._bind(found))
        return True

    def _bind(self, attachment_id: uuid.UUID) -> int:
        with self.transaction() as session:
            bind_arrived(session, attachment_id, self.ground_of(session), self.clock())
        return 1

    def _preview_one(self) -> bool:
        with self.transaction() as session:
            claimed = previews.claim_preview(session, self.clock())
        if claimed is None:
            return False
        self._safely(f"preview/{claimed.id}", lambda: self._preview(claimed))
        return True

    def _preview(self, claimed: previews.ClaimedPreview) -> int:
        made = None if claimed.exhausted else previews.make_preview(self.store, claimed.id)
        with self.transaction() as session:
            previews.enter_preview(session, claimed.id, self.clock(), made)
        return 1

    def _expire(self) -> int:
        with self.transaction() as session:
            return uploads.expire(session, self.limits, self.clock(), limit=BATCH)

    def _tidy(self) -> int:
        """Take out of the store what is left over; a crash in between takes it out again."""
        with self.transaction() as session:
            folders = uploads.left_over(session, self.clock(), limit=BATCH)
        for folder in folders:
            self.store.remove(uploads.folder_key(folder))
        with self.transaction() as session:
            uploads.tidied(session, folders)
        return len(folders)


def waits(session: Session, now: dt.datetime, *, keep_for: dt.timedelta) -> bool:
    """Return whether there is anything to tend to."""
    return (
        is_stranded(session, now)
        or has_arrived(session)
        or previews.awaited(session, now)
        or uploads.has_expired(session, keep_for, now)
        or bool(uploads.left_over(session, now, limit=1))
    )
