"""The light of a case is that of the clock that runs out first, not of handling alone.

A case that waits to be accepted, dispatched, signed for or checked has a deadline too; lists showed none. The clocks
are counted by the job as before, which now writes down the one that runs out first; until it has, a list goes by the
deadline of handling.
"""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_OPEN = "closed_at IS NULL AND deleted_at IS NULL"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    op.execute("""
        ALTER TABLE issue ADD COLUMN pressing_stage TEXT, ADD COLUMN pressing_warn_at TIMESTAMPTZ,
            ADD COLUMN pressing_due_at TIMESTAMPTZ,
            ADD COLUMN light_due_at TIMESTAMPTZ GENERATED ALWAYS AS (
                CASE WHEN closed_at IS NOT NULL THEN NULL WHEN pressing_due_at IS NOT NULL THEN pressing_due_at
                     WHEN state IN ('suspended', 'done', 'checked') THEN NULL ELSE due_at END
            ) STORED
    """)
    for column, comment in (
        ("pressing_stage", "stage of the clock that runs out first, as the job has counted it; null: not counted"),
        ("pressing_warn_at", "when four fifths of its time are gone"),
        ("pressing_due_at", "when it runs out"),
        ("light_due_at", "by which the light of the case is; null: none"),
    ):
        op.execute(f"COMMENT ON COLUMN issue.{column} IS '{comment}'")
    op.execute("DROP INDEX ix_issue_due_first")
    op.execute(f"CREATE INDEX ix_issue_due_first ON issue ((coalesce(light_due_at, received_at)), id) WHERE {_OPEN}")
    op.execute("DROP INDEX ix_issue_open")
    op.execute(f"CREATE INDEX ix_issue_open ON issue (grid_now, state, light_due_at) WHERE {_OPEN}")
    op.execute("UPDATE case_timing SET stale = true WHERE NOT stale")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    op.execute("DROP INDEX ix_issue_open")
    op.execute("DROP INDEX ix_issue_due_first")
    op.execute("""
        ALTER TABLE issue DROP COLUMN light_due_at, DROP COLUMN pressing_due_at, DROP COLUMN pressing_warn_at,
            DROP COLUMN pressing_stage
    """)
    op.execute(f"CREATE INDEX ix_issue_open ON issue (grid_now, state, due_at) WHERE {_OPEN}")
    op.execute(f"CREATE INDEX ix_issue_due_first ON issue ((coalesce(due_at, received_at)), id) WHERE {_OPEN}")
