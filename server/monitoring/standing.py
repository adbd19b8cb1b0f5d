"""What stands: how long the oldest work of each queue has waited, and how much of it is set aside.

Owns the look, for readiness and figures; a queue whose oldest work has waited for more than a minute stands. What rests
because it was set aside is counted apart, and does not make its queue stand.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.store import dead_letters

WATCHED: Final = ("merge", "steps", "routing", "editions")
STANDS_AFTER: Final = timedelta(minutes=1)

_OLDEST = text("""
    SELECT 'merge' AS queue, min(coalesce(ruled_at, received_at)) AS since FROM operation
    WHERE status = 'pending' AND record_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM dead_letter WHERE queue = 'merge' AND item = operation.collection || '/' || operation.record_id)
    UNION ALL
    SELECT 'steps', min(received_at) FROM step
    WHERE outcome IS NULL AND deleted_at IS NULL AND EXISTS (SELECT FROM issue WHERE issue.id = step.issue_id)
        AND NOT EXISTS (SELECT FROM dead_letter WHERE queue = 'steps' AND item = step.id::text)
    UNION ALL
    SELECT 'routing', min(changed_at) FROM issue
    WHERE awaiting_routing AND (deleted_at IS NULL OR must_tell) AND NOT EXISTS (
        SELECT FROM dead_letter WHERE queue = 'routing' AND item = issue.id::text)
    UNION ALL
    SELECT 'editions', min(edition.published_at) FROM edition_move JOIN edition ON number = edition_number
    WHERE finished_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """``waited``: how long the oldest work of each queue has; nothing waits in those left out. ``aside``: by queue."""

    waited: dict[str, timedelta]
    aside: dict[str, int]

    @property
    def queues(self) -> list[str]:
        """Return the queues that stand."""
        return sorted(queue for queue, waited in self.waited.items() if waited > STANDS_AFTER)


def standing(session: Session, now: datetime) -> Standing:
    """Return what waits and what is set aside."""
    rows = session.execute(_OLDEST)
    waited = {row.queue: max(now - row.since, timedelta()) for row in rows if row.since is not None}
    return Standing(waited, dead_letters.counted(session))
