"""Lists of cases find their page by an index.

The duty list by its order, that of a community and the counts by grid, a desk also what its body has closed. Over 300,000 cases of which 30,000 are open, the first page of the duty list read all that are open and sorted them.
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_OPEN = "closed_at IS NULL AND deleted_at IS NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    op.execute(f"CREATE INDEX ix_issue_due_first ON issue ((coalesce(due_at, received_at)), id) WHERE {_OPEN}")
    op.execute("DROP INDEX ix_issue_open")
    op.execute(f"CREATE INDEX ix_issue_open ON issue (grid_now, state, due_at) WHERE {_OPEN}")
    op.execute(
        "CREATE INDEX ix_issue_body_id_closed ON issue (body_id, due_at) WHERE closed_at IS NOT NULL AND body_id IS NOT NULL"
    )
    op.execute("DROP INDEX ix_issue_assisting_ids")
    op.execute("CREATE INDEX ix_issue_assisting_ids ON issue USING gin (assisting_ids) WHERE assisting_ids IS NOT NULL")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    op.execute("DROP INDEX ix_issue_assisting_ids")
    op.execute(
        "CREATE INDEX ix_issue_assisting_ids ON issue USING gin (assisting_ids)"
        " WHERE closed_at IS NULL AND assisting_ids IS NOT NULL"
    )
    op.execute("DROP INDEX ix_issue_body_id_closed")
    op.execute("DROP INDEX ix_issue_open")
    op.execute("CREATE INDEX ix_issue_open ON issue (state, due_at) WHERE closed_at IS NULL")
    op.execute("DROP INDEX ix_issue_due_first")
