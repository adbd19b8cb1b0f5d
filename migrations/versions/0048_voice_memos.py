"""Voice memos are attachments: sound in WebM and MP4.

The new check is added unproven and proven afterwards, so that nobody waits for a look at every row.
"""

from alembic import op

revision = "0048"
down_revision = "0043"
branch_labels = None
depends_on = None

_BEFORE = "'image/jpeg', 'image/png', 'image/webp', 'image/heic', 'application/pdf'"


def upgrade() -> None:
    """Take sound, too."""
    _allow(f"{_BEFORE}, 'audio/webm', 'audio/mp4'")


def downgrade() -> None:
    """Take no sound; fails where there is some."""
    _allow(_BEFORE)


def _allow(types: str) -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE attachment DROP CONSTRAINT ck_attachment_media_type_known")
    op.execute(
        "ALTER TABLE attachment ADD CONSTRAINT ck_attachment_media_type_known "
        f"CHECK (media_type IN ({types})) NOT VALID"
    )
    op.execute("ALTER TABLE attachment VALIDATE CONSTRAINT ck_attachment_media_type_known")
