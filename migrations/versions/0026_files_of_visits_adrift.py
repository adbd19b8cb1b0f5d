"""A visit that lies in no grid is its author's, and its files with it."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_VIEW = """
    CREATE OR REPLACE VIEW attachable AS
        SELECT 'visits' AS collection, id, author_id, grid_now AS lies_in, grid_now,
               {follower} AS follower_id, NULL::timestamptz AS closed_at, deleted_at FROM visit
        UNION ALL
        SELECT 'issues', id, author_id, grid_now, grid_now, author_id, closed_at, deleted_at FROM issue
        UNION ALL
        SELECT 'households', id, author_id, grid_now, grid_now, NULL, NULL, deleted_at FROM household
        UNION ALL
        SELECT 'tasks', id, author_id, grid_now, NULL, person_id, NULL, deleted_at FROM task
"""
_AGAIN = """
    UPDATE attachment SET follower_id = record.follower_id, rev = rev + 1, changed_at = now()
    FROM attachable AS record
    WHERE attachment.collection = 'visits' AND record.collection = 'visits' AND record.id = attachment.record_id
      AND attachment.bond = 'bound' AND attachment.grid_now IS NULL
      AND attachment.follower_id IS DISTINCT FROM record.follower_id
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(_VIEW.format(follower="CASE WHEN grid_now IS NULL THEN author_id END"))
    op.execute(_AGAIN)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(_VIEW.format(follower="NULL::integer"))
    op.execute(_AGAIN)
