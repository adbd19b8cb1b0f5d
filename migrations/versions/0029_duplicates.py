"""What a category asks of intake and of the hour; fingerprints of photos; cases that may be of one matter."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE category ADD COLUMN intake TEXT DEFAULT 'auto' NOT NULL",
    "ALTER TABLE category ADD COLUMN is_night BOOLEAN DEFAULT false NOT NULL",
    "ALTER TABLE category ADD COLUMN gbt_code TEXT",
    "ALTER TABLE category ADD CONSTRAINT ck_category_intake_known CHECK (intake IN ('auto', 'duty'))",
    "ALTER TABLE category ADD CONSTRAINT ck_category_gbt_code_shape CHECK (gbt_code ~ '^[0-9]{2}([0-9]{2,3})?$')",
    (
        "ALTER TABLE category ADD CONSTRAINT ck_category_photo_rule_known"
        " CHECK (photo_rule IN ('none', 'report', 'after', 'both'))"
    ),
    "ALTER TABLE category ADD CONSTRAINT ck_category_duplicate_radius_positive CHECK (duplicate_radius_m > 0)",
    "ALTER TABLE category ADD CONSTRAINT ck_category_duplicate_window_positive CHECK (duplicate_window_h > 0)",
    (
        "ALTER TABLE category ADD CONSTRAINT ck_category_duplicate_whole"
        " CHECK ((duplicate_radius_m IS NULL) = (duplicate_window_h IS NULL))"
    ),
    (
        "COMMENT ON COLUMN category.intake IS"
        " 'auto: rules dispatch at once; duty: the duty desk accepts, files and dispatches'"
    ),
    "COMMENT ON COLUMN category.is_night IS 'a fault of the night: checked at night'",
    "COMMENT ON COLUMN category.gbt_code IS 'class and subclass in GB/T 30428, where the city has entered it'",
    """
    CREATE TABLE photo_hash (
        attachment_id UUID NOT NULL,
        sha256 BYTEA NOT NULL,
        phash BIGINT,
        bands INTEGER[] GENERATED ALWAYS AS (CASE WHEN phash IS NOT NULL THEN ARRAY[
            (phash & 65535)::integer, 65536 + (phash >> 16 & 65535)::integer,
            131072 + (phash >> 32 & 65535)::integer, 196608 + (phash >> 48 & 65535)::integer] END) STORED,
        CONSTRAINT pk_photo_hash PRIMARY KEY (attachment_id),
        CONSTRAINT ck_photo_hash_sha256_whole CHECK (length(sha256) = 32),
        CONSTRAINT fk_photo_hash_attachment_id FOREIGN KEY(attachment_id) REFERENCES attachment (id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN photo_hash.sha256 IS 'of the file as it was sent'",
    "COMMENT ON COLUMN photo_hash.phash IS 'of the picture as it looks, 64 bits; null: it has nothing to tell it by'",
    "COMMENT ON COLUMN photo_hash.bands IS 'the four 16 bits of phash, each with its number above it'",
    "CREATE INDEX ix_photo_hash_sha256 ON photo_hash (sha256)",
    "CREATE INDEX ix_photo_hash_bands ON photo_hash USING gin (bands) WITH (fastupdate = off)",
    # Of pictures of before the file itself is known, not how it looks.
    """
    INSERT INTO photo_hash (attachment_id, sha256)
    SELECT id, decode(doc ->> 'sha256', 'hex') FROM attachment
    WHERE media_type LIKE 'image/%' AND preview <> 'awaited'
    """,
    """
    CREATE TABLE duplicate_suggestion (
        issue_id UUID NOT NULL,
        other_id UUID NOT NULL,
        score REAL NOT NULL,
        likeness REAL,
        distance_m REAL NOT NULL,
        hours_apart REAL NOT NULL,
        same_category BOOLEAN NOT NULL,
        found_at TIMESTAMP WITH TIME ZONE NOT NULL,
        dismissed_at TIMESTAMP WITH TIME ZONE,
        dismissed_by INTEGER,
        CONSTRAINT pk_duplicate_suggestion PRIMARY KEY (issue_id, other_id),
        CONSTRAINT ck_duplicate_suggestion_not_of_itself CHECK (issue_id <> other_id),
        CONSTRAINT ck_duplicate_suggestion_score_is_a_part CHECK (score BETWEEN 0 AND 1),
        CONSTRAINT ck_duplicate_suggestion_likeness_is_a_part CHECK (likeness BETWEEN 0 AND 1),
        CONSTRAINT fk_duplicate_suggestion_issue_id FOREIGN KEY(issue_id) REFERENCES issue (id),
        CONSTRAINT fk_duplicate_suggestion_other_id FOREIGN KEY(other_id) REFERENCES issue (id),
        CONSTRAINT fk_duplicate_suggestion_dismissed_by FOREIGN KEY(dismissed_by) REFERENCES person (id)
    )
    """,
    "COMMENT ON COLUMN duplicate_suggestion.issue_id IS 'the one that came later'",
    "COMMENT ON COLUMN duplicate_suggestion.likeness IS 'of the texts; null: one of them says nothing'",
    "CREATE INDEX ix_duplicate_suggestion_other_id ON duplicate_suggestion (other_id)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE duplicate_suggestion")
    op.execute("DROP TABLE photo_hash")
    for name in ("intake_known", "gbt_code_shape", "photo_rule_known", "duplicate_radius_positive",
                 "duplicate_window_positive", "duplicate_whole"):  # fmt: skip
        op.execute(f"ALTER TABLE category DROP CONSTRAINT ck_category_{name}")
    for name in ("gbt_code", "is_night", "intake"):
        op.execute(f"ALTER TABLE category DROP COLUMN {name}")
