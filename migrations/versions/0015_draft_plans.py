"""Which plan shall publish a draft."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        ALTER TABLE draft ADD COLUMN plan_id INTEGER
        CONSTRAINT fk_draft_plan_id REFERENCES planned_edition (id)
        """
    )
    op.execute("COMMENT ON COLUMN draft.plan_id IS 'while that waits, the draft does not change'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE draft DROP COLUMN plan_id")
