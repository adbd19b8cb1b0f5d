"""A body may be retired once nothing is given to it any more."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE organisation ADD COLUMN retired_at TIMESTAMP WITH TIME ZONE")
    op.execute("COMMENT ON COLUMN organisation.retired_at IS 'null: cases can be given to it'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE organisation DROP COLUMN retired_at")
