"""Photos of the month: entered as ones that have come, without the files, which nobody of the month looks at."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Flask
from sqlalchemy import text

from server.clock import now
from server.database.extensions import db

_COME: Final = text("""
    INSERT INTO attachment (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now, closed_at,
                            follower_id, collection, record_id, bond, media_type, served_sha256, served_size, preview)
    SELECT new.photo, 1, 1, '{}', :now, :now, :now, issue.grid_now, issue.closed_at, issue.author_id,
           'issues', issue.id, 'bound', 'image/jpeg', sha256(''), 0, 'none'
    FROM unnest(CAST(:photos AS uuid[]), CAST(:issues AS uuid[])) AS new (photo, issue)
    JOIN issue ON issue.id = new.issue
    ON CONFLICT DO NOTHING
""")


def come(app: Flask, steps: Sequence[Mapping[str, Any]]) -> None:
    """Let the photos come that steps name, each of the case of its step."""
    named = [(photo, step["issue_id"]) for step in steps for photo in step.get("photos", ())]
    if not named:
        return
    with app.app_context():
        photos, issues = zip(*named, strict=True)
        db.session.execute(_COME, {"now": now(), "photos": list(photos), "issues": list(issues)})
        db.session.commit()
