"""Where the revisions of new records begin: after a restore above all that anybody may remember."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE city_state ADD COLUMN revisions_from INTEGER DEFAULT 0 NOT NULL")
    op.execute("COMMENT ON COLUMN city_state.revisions_from IS 'records begin above it: higher after a restore'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE city_state DROP COLUMN revisions_from")
