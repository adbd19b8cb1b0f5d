"""An issue that is moved within its grid awaits routing anew too: its margin and its neighbour are of its place."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BEFORE = """
    OLD.doc ->> 'category' IS DISTINCT FROM NEW.doc ->> 'category'
    OR OLD.doc ->> 'severity' IS DISTINCT FROM NEW.doc ->> 'severity'
    OR OLD.grid_now IS DISTINCT FROM NEW.grid_now
"""
# Compared as bytes: a backup is read back with no schema to look an operator of geometries up in.
PLACE = "OR OLD.position::bytea IS DISTINCT FROM NEW.position::bytea"


def upgrade() -> None:
    _trigger(BEFORE + PLACE)
    op.execute(
        "COMMENT ON COLUMN issue.awaiting_routing IS "
        "'set anew by a trigger when category, severity, position or grid_now changes'"
    )


def downgrade() -> None:
    _trigger(BEFORE)
    op.execute(
        "COMMENT ON COLUMN issue.awaiting_routing IS "
        "'set anew by a trigger when category, severity or grid_now changes'"
    )


def _trigger(condition: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '1min'")
    op.execute("DROP TRIGGER issue_awaits_routing_anew ON issue")
    op.execute(
        "CREATE TRIGGER issue_awaits_routing_anew BEFORE UPDATE ON issue FOR EACH ROW "
        f"WHEN (OLD.closed_at IS NULL AND ({condition})) EXECUTE FUNCTION issue_await_routing()"
    )
