"""Suggestions of duplicates lock no cases: their foreign keys made routing wait for whoever had the other in hand."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in ("issue_id", "other_id"):
        op.execute(f"ALTER TABLE duplicate_suggestion DROP CONSTRAINT fk_duplicate_suggestion_{column}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in ("issue_id", "other_id"):
        op.execute(
            f"ALTER TABLE duplicate_suggestion ADD CONSTRAINT fk_duplicate_suggestion_{column}"
            f" FOREIGN KEY({column}) REFERENCES issue (id)"
        )
