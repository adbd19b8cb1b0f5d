"""How often a device gave a number again that it had given: it was restored from an old backup."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE device ADD COLUMN reused_seqs INTEGER DEFAULT 0 NOT NULL")
    op.execute("COMMENT ON COLUMN device.reused_seqs IS 'new operations under a seq that had come before'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE device DROP COLUMN reused_seqs")
