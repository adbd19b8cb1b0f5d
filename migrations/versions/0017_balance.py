"""Two operations of drafts more: dividing ground evenly, and healing a division."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BEFORE = "'split', 'merge', 'reshape', 'rename', 'reassign', 'add', 'retire', 'replace'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '1min'")
    _require(f"{BEFORE}, 'propose', 'heal'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM draft WHERE id IN (SELECT draft_id FROM draft_operation WHERE kind IN ('propose', 'heal'))")
    _require(BEFORE)


def _require(kinds: str) -> None:
    op.execute("ALTER TABLE draft_operation DROP CONSTRAINT ck_draft_operation_kind_known")
    op.execute(f"ALTER TABLE draft_operation ADD CONSTRAINT ck_draft_operation_kind_known CHECK (kind IN ({kinds}))")
