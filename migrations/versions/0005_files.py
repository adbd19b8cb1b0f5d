"""Attachments: uploads that can be resumed, the files that came of them, and their bond to records."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE attachment (
        collection TEXT NOT NULL,
        record_id UUID NOT NULL,
        bond TEXT NOT NULL,
        follower_id INTEGER,
        closed_at TIMESTAMP WITH TIME ZONE,
        media_type TEXT NOT NULL,
        served_sha256 BYTEA NOT NULL,
        served_size BIGINT NOT NULL,
        preview TEXT NOT NULL,
        preview_attempts SMALLINT DEFAULT '0' NOT NULL,
        preview_claimed_at TIMESTAMP WITH TIME ZONE,
        id UUID NOT NULL,
        rev INTEGER NOT NULL,
        doc_rev INTEGER NOT NULL,
        doc JSONB NOT NULL,
        author_id INTEGER,
        captured_at TIMESTAMP WITH TIME ZONE NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        deleted_at TIMESTAMP WITH TIME ZONE,
        position geometry(POINT,4326),
        located TEXT,
        distance_m DOUBLE PRECISION,
        candidates INTEGER[],
        edition_at_capture INTEGER,
        grid_at_capture INTEGER,
        grid_now INTEGER,
        CONSTRAINT pk_attachment PRIMARY KEY (id),
        CONSTRAINT ck_attachment_collection_known CHECK (collection IN ('visits', 'issues', 'households', 'tasks')),
        CONSTRAINT ck_attachment_bond_known CHECK (bond IN ('awaited', 'bound', 'refused')),
        CONSTRAINT ck_attachment_preview_known CHECK (preview IN ('awaited', 'ready', 'none')),
        CONSTRAINT ck_attachment_media_type_known CHECK (
            media_type IN ('image/jpeg', 'image/png', 'image/webp', 'image/heic', 'application/pdf'))
    )
    """,
    """
    CREATE INDEX ix_attachment_awaiting_preview ON attachment (id) WHERE preview = 'awaited'
    """,
    """
    CREATE INDEX ix_attachment_awaiting_record ON attachment (record_id, id) WHERE bond = 'awaited'
    """,
    """
    CREATE INDEX ix_attachment_follower_id_id ON attachment (follower_id, id)
    """,
    """
    CREATE INDEX ix_attachment_grid_now_id ON attachment (grid_now, id)
    """,
    """
    CREATE INDEX ix_attachment_record_id ON attachment (record_id)
    """,
    """
    COMMENT ON COLUMN attachment.bond IS 'awaited: the record has not come; refused: its author may not attach to it'
    """,
    """
    COMMENT ON COLUMN attachment.follower_id IS 'the person who sees the record wherever it lies'
    """,
    """
    COMMENT ON COLUMN attachment.closed_at IS 'of the record'
    """,
    """
    COMMENT ON COLUMN attachment.media_type IS 'found in the bytes, not believed'
    """,
    """
    COMMENT ON COLUMN attachment.served_sha256 IS 'of the stripped file, which is what others get'
    """,
    """
    COMMENT ON COLUMN attachment.preview_claimed_at IS 'somebody is making it since then'
    """,
    """
    COMMENT ON COLUMN attachment.doc_rev IS 'the revision at which doc last changed: server fields move rev alone'
    """,
    """
    COMMENT ON COLUMN attachment.captured_at IS 'corrected device time of the first operation'
    """,
    """
    COMMENT ON COLUMN attachment.located IS 'inside, near or outside; null: no position was given'
    """,
    """
    COMMENT ON COLUMN attachment.distance_m IS 'to the grid, where located is near'
    """,
    """
    COMMENT ON COLUMN attachment.candidates IS 'grids within the GPS accuracy'
    """,
    """
    COMMENT ON COLUMN attachment.grid_at_capture IS 'area in force when captured; never changed'
    """,
    """
    COMMENT ON COLUMN attachment.grid_now IS 'area responsible today; moves with redraws'
    """,
    """
    CREATE TABLE upload (
        id UUID NOT NULL,
        device_id INTEGER NOT NULL,
        person_id INTEGER NOT NULL,
        collection TEXT NOT NULL,
        record_id UUID NOT NULL,
        sha256 BYTEA NOT NULL,
        length BIGINT NOT NULL,
        received BIGINT DEFAULT '0' NOT NULL,
        writer UUID,
        state TEXT DEFAULT 'open' NOT NULL,
        refusal TEXT,
        said TEXT NOT NULL,
        mismatches INTEGER DEFAULT '0' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        touched_at TIMESTAMP WITH TIME ZONE NOT NULL,
        folder UUID NOT NULL,
        CONSTRAINT pk_upload PRIMARY KEY (id),
        CONSTRAINT ck_upload_collection_known CHECK (collection IN ('visits', 'issues', 'households', 'tasks')),
        CONSTRAINT ck_upload_state_known CHECK (state IN ('open', 'finished', 'refused')),
        CONSTRAINT ck_upload_received_within_length CHECK (length > 0 AND received BETWEEN 0 AND length),
        CONSTRAINT ck_upload_refused_with_a_reason CHECK ((state = 'refused') = (refusal IS NOT NULL)),
        CONSTRAINT ck_upload_sha256_whole CHECK (length(sha256) = 32),
        CONSTRAINT fk_upload_device_id FOREIGN KEY(device_id) REFERENCES device (id),
        CONSTRAINT fk_upload_person_id FOREIGN KEY(person_id) REFERENCES person (id)
    )
    """,
    """
    CREATE INDEX ix_upload_unfinished ON upload (device_id) WHERE state = 'open'
    """,
    """
    CREATE INDEX ix_upload_touched_at ON upload (touched_at) WHERE state <> 'finished'
    """,
    """
    COMMENT ON COLUMN upload.sha256 IS 'of the whole file, as announced'
    """,
    """
    COMMENT ON COLUMN upload.received IS 'bytes that are durably stored: the offset'
    """,
    """
    COMMENT ON COLUMN upload.writer IS 'the request that may append; a later one takes over'
    """,
    """
    COMMENT ON COLUMN upload.refusal IS 'why the file is not taken'
    """,
    """
    COMMENT ON COLUMN upload.said IS 'Upload-Metadata as it was sent, to be sent back'
    """,
    """
    COMMENT ON COLUMN upload.mismatches IS 'times the whole was not what was announced'
    """,
    """
    COMMENT ON COLUMN upload.touched_at IS 'when a byte last came: it expires by this'
    """,
    """
    COMMENT ON COLUMN upload.folder IS 'of its parts in the store; another when it begins anew'
    """,
    """
    CREATE TABLE upload_part (
        upload_id UUID NOT NULL,
        position BIGINT NOT NULL,
        size INTEGER NOT NULL,
        key TEXT NOT NULL,
        CONSTRAINT pk_upload_part PRIMARY KEY (upload_id, position),
        CONSTRAINT ck_upload_part_size_positive CHECK (size > 0),
        CONSTRAINT fk_upload_part_upload_id FOREIGN KEY(upload_id) REFERENCES upload (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE leftover_folder (
        folder UUID NOT NULL,
        left_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_leftover_folder PRIMARY KEY (folder)
    )
    """,
    """
    COMMENT ON COLUMN upload_part.key IS 'of the object in the store; new for every write'
    """,
)

# What files can be attached to, and what an attachment copies of it. A task is seen by its worker alone.
VIEW = """
    CREATE VIEW attachable AS
        SELECT 'visits' AS collection, id, author_id, grid_now AS lies_in, grid_now,
               NULL::integer AS follower_id, NULL::timestamptz AS closed_at, deleted_at FROM visit
        UNION ALL
        SELECT 'issues', id, author_id, grid_now, grid_now, author_id, closed_at, deleted_at FROM issue
        UNION ALL
        SELECT 'households', id, author_id, grid_now, grid_now, NULL, NULL, deleted_at FROM household
        UNION ALL
        SELECT 'tasks', id, author_id, grid_now, NULL, person_id, NULL, deleted_at FROM task
"""

FUNCTIONS = (
    """
    CREATE FUNCTION attachments_follow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE attachment SET grid_now = record.grid_now, follower_id = record.follower_id,
            closed_at = record.closed_at, deleted_at = record.deleted_at, rev = rev + 1, changed_at = now()
        FROM attachable AS record
        WHERE record.collection = TG_ARGV[0] AND record.id = NEW.id
            AND attachment.record_id = NEW.id AND attachment.collection = TG_ARGV[0] AND attachment.bond = 'bound';
        RETURN NULL;
    END
    $$
    """,
    # Deferred to the commit, when the writer has appended its own touches: the counter is locked last.
    """
    CREATE FUNCTION attachment_touch() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        channels bigint[];
    BEGIN
        SELECT array_agg(DISTINCT channel ORDER BY channel) INTO channels FROM unnest(ARRAY[
            NEW.grid_now::bigint * 4, NEW.follower_id::bigint * 4 + 1,
            OLD.grid_now::bigint * 4, OLD.follower_id::bigint * 4 + 1
        ]) AS channel WHERE channel IS NOT NULL;
        IF channels IS NOT NULL THEN
            WITH taken AS (
                UPDATE feed_counter SET position = position + cardinality(channels)
                RETURNING position - cardinality(channels) AS before
            )
            INSERT INTO feed (channel, position, topic, ref)
            SELECT touch.channel, taken.before + touch.ordinality, 5, NEW.id
            FROM taken, unnest(channels) WITH ORDINALITY AS touch (channel, ordinality);
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE CONSTRAINT TRIGGER attachment_touches_feed AFTER INSERT OR UPDATE OF rev ON attachment
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attachment_touch()
    """,
)

# Table -> (its collection, columns whose change moves its attachments).
FOLLOWED = {
    "visit": ("visits", ("grid_now", "deleted_at")),
    "issue": ("issues", ("grid_now", "deleted_at", "author_id", "closed_at")),
    "household": ("households", ("grid_now", "deleted_at")),
    "task": ("tasks", ("deleted_at", "person_id")),
}


def _follow(table: str) -> str:
    collection, columns = FOLLOWED[table]
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    return f"""
        CREATE TRIGGER {table}_moves_attachments AFTER UPDATE ON {table} FOR EACH ROW
            WHEN ({changed}) EXECUTE FUNCTION attachments_follow('{collection}')
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in (*STATEMENTS, VIEW, *FUNCTIONS, *map(_follow, FOLLOWED)):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for table in FOLLOWED:
        op.execute(f"DROP TRIGGER {table}_moves_attachments ON {table}")
    op.execute("DROP VIEW attachable")
    for table in ("leftover_folder", "upload_part", "upload", "attachment"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION attachment_touch()")
    op.execute("DROP FUNCTION attachments_follow()")
