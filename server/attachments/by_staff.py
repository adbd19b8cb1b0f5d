"""Photos that staff and bodies' systems send of a case: checked as every file from outside, bound to the case at once.

Owns the attachment that no phone uploaded. A browser at a desk has a line: the file comes whole, in one request.
Bytes are written outside transactions; the row that names them is entered in one. Knows no requests.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach, masked
from server.attachments.errors import FileIdTaken, UnknownFile
from server.attachments.finishing import Transaction, original_key, served_key
from server.attachments.processing import Checked, check
from server.attachments.store import Store
from server.attachments.tables import Upload
from sync.collections.attachments import Attachment
from sync.collections.issues import Issue

ReachOf = Callable[[Session], Reach]


def attach(
    transaction: Transaction,
    store: Store,
    reach_of: ReachOf,
    *,
    issue_id: uuid.UUID,
    file_id: uuid.UUID,
    content: bytes,
    now: dt.datetime,
) -> None:
    """Attach a file to a case in this reach that is not masked for the caller; sending the same again changes nothing.

    Raises ``UnknownFile`` where there is no such case for them, ``FileIdTaken`` where the id names another file,
    ``FileRefused`` and ``ReadingLate`` as uploads do.
    """
    sha256 = hashlib.sha256(content).digest()
    with transaction() as session:
        _case(session, issue_id, reach_of(session), locked=False)
        if _is_again(session, file_id, issue_id, sha256):
            return
    checked = check(content)
    store.put(original_key(file_id), content)
    store.put(served_key(file_id), checked.served)
    with transaction() as session:
        reach = reach_of(session)
        issue = _case(session, issue_id, reach, locked=True)
        if not _is_again(session, file_id, issue_id, sha256):
            session.add(_attachment(issue, file_id, reach.person_id or None, content, sha256, checked, now))
            session.flush()


def _case(session: Session, issue_id: uuid.UUID, reach: Reach, *, locked: bool) -> Issue:
    """Return the case, locked so that it stays where it is until the commit. Raises ``UnknownFile``."""
    found = select(Issue).where(Issue.id == issue_id, in_reach(reach), ~masked(reach))
    issue = session.scalars(found.with_for_update(read=True) if locked else found).one_or_none()
    if issue is None:
        raise UnknownFile
    return issue


def _is_again(session: Session, file_id: uuid.UUID, issue_id: uuid.UUID, sha256: bytes) -> bool:
    """Return whether this very file is there already. Raises ``FileIdTaken`` where another is."""
    known = session.get(Attachment, file_id)
    if known is None and session.get(Upload, file_id) is None:
        return False
    if known is None or known.record_id != issue_id or known.doc["sha256"] != sha256.hex():
        raise FileIdTaken(field="id")
    return True


def _attachment(
    issue: Issue,
    file_id: uuid.UUID,
    author_id: int | None,
    content: bytes,
    sha256: bytes,
    checked: Checked,
    now: dt.datetime,
) -> Attachment:
    served, size = hashlib.sha256(checked.served), len(checked.served)
    doc = {
        "sha256": sha256.hex(),
        "size": len(content),
        "type": checked.media.type,
        "record": str(issue.id),
        "collection": "issues",
        "content": {"sha256": served.hexdigest(), "size": size},
    }
    return Attachment(
        id=file_id, rev=1, doc_rev=1, doc=doc, author_id=author_id, captured_at=now, received_at=now, changed_at=now,
        deleted_at=issue.deleted_at, grid_now=issue.grid_now, collection="issues", record_id=issue.id, bond="bound",
        follower_id=issue.author_id, closed_at=issue.closed_at, media_type=checked.media.type,
        served_sha256=served.digest(), served_size=size,
        preview="awaited" if checked.media.readable else "none",
    )  # fmt: skip
