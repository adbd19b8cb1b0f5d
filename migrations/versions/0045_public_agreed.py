"""Who releases an operation that makes a private issue public says so, and what they said stays with the operation.

It takes effect later, in the merge job, which asks again.
"""

from alembic import op

revision = "0045"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the word; what was released before said nothing of it. A constant default rewrites no rows."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE operation ADD COLUMN public_agreed BOOLEAN NOT NULL DEFAULT false")
    op.execute(
        "COMMENT ON COLUMN operation.public_agreed IS "
        "'whoever released it said that a private issue becomes public by it'"
    )


def downgrade() -> None:
    """Take it out again."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE operation DROP COLUMN public_agreed")
