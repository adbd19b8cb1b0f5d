"""A case shows the steps of phones that were not taken: found by their case."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    op.execute("CREATE INDEX ix_step_untaken ON step (issue_id) WHERE outcome IN ('overtaken', 'refused')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_step_untaken")
