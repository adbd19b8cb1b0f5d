"""The engine: devices, operation log, feed, and the synced records."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE category (
        code TEXT NOT NULL,
        parent_code TEXT,
        name_zh TEXT NOT NULL,
        name_en TEXT NOT NULL,
        sort TEXT NOT NULL,
        file_when TEXT DEFAULT '' NOT NULL,
        close_when TEXT DEFAULT '' NOT NULL,
        limit_value SMALLINT,
        limit_unit TEXT,
        response_h SMALLINT,
        lowest_tier TEXT DEFAULT 'community' NOT NULL,
        default_body TEXT,
        assisting_bodies TEXT DEFAULT '' NOT NULL,
        photo_rule TEXT DEFAULT 'after' NOT NULL,
        duplicate_radius_m SMALLINT,
        duplicate_window_h SMALLINT,
        is_private BOOLEAN NOT NULL,
        is_active BOOLEAN NOT NULL,
        CONSTRAINT pk_category PRIMARY KEY (code),
        CONSTRAINT ck_category_code_shape CHECK (code ~ '^[0-9]{2}([0-9]{2})?$'),
        CONSTRAINT ck_category_second_level_has_parent CHECK ((length(code) = 2) = (parent_code IS NULL)),
        CONSTRAINT ck_category_limit_unit_known CHECK (limit_unit IN ('h', 'wh', 'wd', 'd')),
        CONSTRAINT ck_category_sort_known CHECK (sort IN ('component', 'event')),
        CONSTRAINT fk_category_parent_code FOREIGN KEY(parent_code) REFERENCES category (code)
    )
    """,
    """
    COMMENT ON COLUMN category.sort IS 'component (部件) or event (事件)'
    """,
    """
    COMMENT ON COLUMN category.limit_value IS 'time to handle it, in limit_unit'
    """,
    """
    COMMENT ON COLUMN category.limit_unit IS 'h clock hours, wh working hours, wd working days, d days'
    """,
    """
    COMMENT ON COLUMN category.response_h IS 'time to answer, clock hours'
    """,
    """
    COMMENT ON COLUMN category.default_body IS 'code of the organisation that handles it by default'
    """,
    """
    COMMENT ON COLUMN category.assisting_bodies IS 'codes, separated by commas'
    """,
    """
    CREATE TABLE feed (
        channel BIGINT NOT NULL,
        position BIGINT NOT NULL,
        topic SMALLINT NOT NULL,
        ref UUID NOT NULL,
        CONSTRAINT pk_feed PRIMARY KEY (channel, position)
    )
    """,
    """
    COMMENT ON COLUMN feed.ref IS 'id of the record, or op_id of an outcome'
    """,
    """
    CREATE TABLE feed_counter (
        id INTEGER NOT NULL,
        position BIGINT DEFAULT '0' NOT NULL,
        floor BIGINT DEFAULT '0' NOT NULL,
        CONSTRAINT pk_feed_counter PRIMARY KEY (id),
        CONSTRAINT ck_feed_counter_one_row CHECK (id = 1)
    )
    """,
    """
    COMMENT ON COLUMN feed_counter.floor IS 'touches up to here may be gone'
    """,
    """
    CREATE TABLE household (
        risk_tier TEXT GENERATED ALWAYS AS (coalesce(doc ->> 'risk_tier', 'general')) STORED NOT NULL,
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
        CONSTRAINT pk_household PRIMARY KEY (id),
        CONSTRAINT ck_household_risk_tier_known CHECK (risk_tier IN ('general', 'key', 'high'))
    )
    """,
    """
    CREATE INDEX ix_household_grid_now_id ON household (grid_now, id)
    """,
    """
    COMMENT ON COLUMN household.doc_rev IS 'the revision at which doc last changed: server fields move rev alone'
    """,
    """
    COMMENT ON COLUMN household.captured_at IS 'corrected device time of the first operation'
    """,
    """
    COMMENT ON COLUMN household.located IS 'inside, near or outside; null: no position was given'
    """,
    """
    COMMENT ON COLUMN household.distance_m IS 'to the grid, where located is near'
    """,
    """
    COMMENT ON COLUMN household.candidates IS 'grids within the GPS accuracy'
    """,
    """
    COMMENT ON COLUMN household.grid_at_capture IS 'area in force when captured; never changed'
    """,
    """
    COMMENT ON COLUMN household.grid_now IS 'area responsible today; moves with redraws'
    """,
    """
    CREATE TABLE issue (
        category TEXT GENERATED ALWAYS AS (doc ->> 'category') STORED NOT NULL,
        severity TEXT GENERATED ALWAYS AS (coalesce(doc ->> 'severity', 'normal')) STORED NOT NULL,
        private BOOLEAN GENERATED ALWAYS AS (coalesce((doc -> 'private')::boolean, false)) STORED NOT NULL,
        state TEXT DEFAULT 'reported' NOT NULL,
        awaiting_routing BOOLEAN DEFAULT true NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE,
        body_id INTEGER,
        assisting_ids INTEGER[],
        routing JSONB,
        public_answer TEXT,
        closed_at TIMESTAMP WITH TIME ZONE,
        closing_reason TEXT,
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
        CONSTRAINT pk_issue PRIMARY KEY (id),
        CONSTRAINT ck_issue_state_known CHECK (state IN ('reported', 'accepted', 'refused', 'merged', 'settled', 'verified', 'filed', 'dispatched', 'received', 'returned', 'in_progress', 'extended', 'suspended', 'done', 'checked', 'reworked', 'closed', 'void')),
        CONSTRAINT ck_issue_severity_known CHECK (severity IN ('low', 'normal', 'urgent'))
    )
    """,
    """
    CREATE INDEX ix_issue_author_id_id ON issue (author_id, id)
    """,
    """
    CREATE INDEX ix_issue_awaiting_routing ON issue (id) WHERE awaiting_routing AND deleted_at IS NULL
    """,
    """
    CREATE INDEX ix_issue_grid_now_id ON issue (grid_now, id)
    """,
    """
    CREATE INDEX ix_issue_open ON issue (state, due_at) WHERE closed_at IS NULL
    """,
    """
    CREATE INDEX ix_issue_position ON issue USING gist (position)
    """,
    """
    COMMENT ON COLUMN issue.awaiting_routing IS 'set anew by a trigger when category, severity or grid_now changes'
    """,
    """
    COMMENT ON COLUMN issue.due_at IS 'deadline of the handling body'
    """,
    """
    COMMENT ON COLUMN issue.body_id IS 'organisation that must handle it'
    """,
    """
    COMMENT ON COLUMN issue.routing IS 'the reasons of the newest routing decision'
    """,
    """
    COMMENT ON COLUMN issue.doc_rev IS 'the revision at which doc last changed: server fields move rev alone'
    """,
    """
    COMMENT ON COLUMN issue.captured_at IS 'corrected device time of the first operation'
    """,
    """
    COMMENT ON COLUMN issue.located IS 'inside, near or outside; null: no position was given'
    """,
    """
    COMMENT ON COLUMN issue.distance_m IS 'to the grid, where located is near'
    """,
    """
    COMMENT ON COLUMN issue.candidates IS 'grids within the GPS accuracy'
    """,
    """
    COMMENT ON COLUMN issue.grid_at_capture IS 'area in force when captured; never changed'
    """,
    """
    COMMENT ON COLUMN issue.grid_now IS 'area responsible today; moves with redraws'
    """,
    """
    CREATE TABLE operation (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        device_id INTEGER,
        op_id UUID NOT NULL,
        body_hash BYTEA NOT NULL,
        batch_id UUID,
        seq BIGINT,
        collection TEXT NOT NULL,
        record_id UUID,
        action TEXT NOT NULL,
        base_rev INTEGER,
        base_op UUID,
        author_id INTEGER,
        captured_at TIMESTAMP WITH TIME ZONE,
        corrected_at TIMESTAMP WITH TIME ZONE,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        data JSONB,
        raw BYTEA,
        changes JSONB,
        rev INTEGER,
        status TEXT NOT NULL,
        problem JSONB,
        provenance JSONB,
        receipt JSON,
        settled_at TIMESTAMP WITH TIME ZONE,
        ruling TEXT,
        ruled_by INTEGER,
        ruled_at TIMESTAMP WITH TIME ZONE,
        ruling_note TEXT,
        CONSTRAINT pk_operation PRIMARY KEY (id),
        CONSTRAINT ck_operation_status_known CHECK (status IN ('applied', 'pending', 'held', 'quarantined', 'merged', 'review', 'released', 'dismissed')),
        CONSTRAINT ck_operation_ruling_known CHECK (ruling IN ('released', 'dismissed')),
        CONSTRAINT ck_operation_quarantined_with_a_reason CHECK (status <> 'quarantined' OR problem IS NOT NULL)
    )
    """,
    """
    CREATE INDEX ix_operation_in_doubt ON operation (device_id) WHERE status IN ('pending', 'held', 'quarantined', 'review')
    """,
    """
    CREATE INDEX ix_operation_record_id_rev ON operation (record_id, rev)
    """,
    """
    CREATE INDEX ix_operation_waiting ON operation (collection, record_id) WHERE status IN ('pending', 'held')
    """,
    """
    CREATE UNIQUE INDEX uq_operation_device_id_op_id_body_hash ON operation (device_id, op_id, body_hash)
    """,
    """
    COMMENT ON COLUMN operation.device_id IS 'null: made by the server or by staff'
    """,
    """
    COMMENT ON COLUMN operation.captured_at IS 'by the device''s clock, as sent'
    """,
    """
    COMMENT ON COLUMN operation.corrected_at IS 'captured_at less the measured skew'
    """,
    """
    COMMENT ON COLUMN operation.raw IS 'the bytes of an operation that could not be decoded'
    """,
    """
    COMMENT ON COLUMN operation.changes IS 'fields it wrote, where not simply data'
    """,
    """
    COMMENT ON COLUMN operation.rev IS 'revision of the record that it made'
    """,
    """
    COMMENT ON COLUMN operation.provenance IS 'field -> mine, theirs, both or review, once merged'
    """,
    """
    COMMENT ON COLUMN operation.ruling IS 'released or dismissed by a person, once quarantined'
    """,
    """
    COMMENT ON COLUMN operation.ruling_note IS 'the reason, as the worker is told it'
    """,
    """
    COMMENT ON COLUMN operation.receipt IS 'the first answer, byte for byte'
    """,
    """
    CREATE TABLE task (
        state TEXT GENERATED ALWAYS AS (coalesce(doc ->> 'state', 'open')) STORED NOT NULL,
        kind TEXT NOT NULL,
        title TEXT NOT NULL,
        person_id INTEGER NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE,
        household_id UUID,
        issue_id UUID,
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
        CONSTRAINT pk_task PRIMARY KEY (id),
        CONSTRAINT ck_task_kind_known CHECK (kind IN ('visit', 'check', 'order')),
        CONSTRAINT ck_task_state_known CHECK (state IN ('open', 'started', 'done', 'declined'))
    )
    """,
    """
    CREATE INDEX ix_task_grid_now_id ON task (grid_now, id)
    """,
    """
    CREATE INDEX ix_task_person_id_id ON task (person_id, id)
    """,
    """
    COMMENT ON COLUMN task.person_id IS 'the worker it is given to'
    """,
    """
    COMMENT ON COLUMN task.doc_rev IS 'the revision at which doc last changed: server fields move rev alone'
    """,
    """
    COMMENT ON COLUMN task.captured_at IS 'corrected device time of the first operation'
    """,
    """
    COMMENT ON COLUMN task.located IS 'inside, near or outside; null: no position was given'
    """,
    """
    COMMENT ON COLUMN task.distance_m IS 'to the grid, where located is near'
    """,
    """
    COMMENT ON COLUMN task.candidates IS 'grids within the GPS accuracy'
    """,
    """
    COMMENT ON COLUMN task.grid_at_capture IS 'area in force when captured; never changed'
    """,
    """
    COMMENT ON COLUMN task.grid_now IS 'area responsible today; moves with redraws'
    """,
    """
    CREATE TABLE visit (
        household_id TEXT GENERATED ALWAYS AS (doc ->> 'household_id') STORED,
        outcome TEXT GENERATED ALWAYS AS (doc ->> 'outcome') STORED NOT NULL,
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
        CONSTRAINT pk_visit PRIMARY KEY (id),
        CONSTRAINT ck_visit_outcome_known CHECK (outcome IN ('met', 'no_answer', 'refused', 'moved', 'vacant', 'appointment'))
    )
    """,
    """
    CREATE INDEX ix_visit_grid_now_id ON visit (grid_now, id)
    """,
    """
    CREATE INDEX ix_visit_household_id ON visit (household_id)
    """,
    """
    COMMENT ON COLUMN visit.doc_rev IS 'the revision at which doc last changed: server fields move rev alone'
    """,
    """
    COMMENT ON COLUMN visit.captured_at IS 'corrected device time of the first operation'
    """,
    """
    COMMENT ON COLUMN visit.located IS 'inside, near or outside; null: no position was given'
    """,
    """
    COMMENT ON COLUMN visit.distance_m IS 'to the grid, where located is near'
    """,
    """
    COMMENT ON COLUMN visit.candidates IS 'grids within the GPS accuracy'
    """,
    """
    COMMENT ON COLUMN visit.grid_at_capture IS 'area in force when captured; never changed'
    """,
    """
    COMMENT ON COLUMN visit.grid_now IS 'area responsible today; moves with redraws'
    """,
    """
    CREATE TABLE conflict (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        collection TEXT NOT NULL,
        record_id UUID NOT NULL,
        operation_id BIGINT NOT NULL,
        kind TEXT NOT NULL,
        field TEXT NOT NULL,
        standing JSONB,
        offered JSONB,
        base JSONB,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE,
        decided_by INTEGER,
        decision JSONB,
        CONSTRAINT pk_conflict PRIMARY KEY (id),
        CONSTRAINT ck_conflict_kind_known CHECK (kind IN ('field', 'delete')),
        CONSTRAINT fk_conflict_operation_id FOREIGN KEY(operation_id) REFERENCES operation (id)
    )
    """,
    """
    CREATE INDEX ix_conflict_open ON conflict (collection, record_id) WHERE decided_at IS NULL
    """,
    """
    CREATE UNIQUE INDEX uq_conflict_operation_id_field ON conflict (operation_id, field)
    """,
    """
    COMMENT ON COLUMN conflict.base IS '{"value"} that both authors had seen'
    """,
    """
    COMMENT ON COLUMN conflict.standing IS '{"value", "author_id", "captured_at"}'
    """,
    """
    CREATE TABLE device (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        uid UUID DEFAULT gen_random_uuid() NOT NULL,
        person_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        platform TEXT NOT NULL,
        app_version TEXT NOT NULL,
        public_info JSONB,
        token_hash BYTEA NOT NULL,
        enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL,
        revoked_at TIMESTAMP WITH TIME ZONE,
        wipe_ordered_at TIMESTAMP WITH TIME ZONE,
        wiped_at TIMESTAMP WITH TIME ZONE,
        pulled_to BIGINT,
        pulled_at TIMESTAMP WITH TIME ZONE,
        last_exchange_at TIMESTAMP WITH TIME ZONE,
        skew_ms BIGINT,
        seqs INT8MULTIRANGE DEFAULT '{}' NOT NULL,
        CONSTRAINT pk_device PRIMARY KEY (id),
        CONSTRAINT uq_device_uid UNIQUE (uid),
        CONSTRAINT fk_device_person_id FOREIGN KEY(person_id) REFERENCES person (id),
        CONSTRAINT uq_device_token_hash UNIQUE (token_hash)
    )
    """,
    """
    CREATE INDEX ix_device_person_id ON device (person_id)
    """,
    """
    COMMENT ON COLUMN device.token_hash IS 'SHA-256 of the bearer token'
    """,
    """
    COMMENT ON COLUMN device.wiped_at IS 'when the app said that it had wiped itself'
    """,
    """
    COMMENT ON COLUMN device.pulled_to IS 'a feed position that a cursor of it is known to have passed'
    """,
    """
    COMMENT ON COLUMN device.skew_ms IS 'device clock minus server clock at the last push'
    """,
    """
    COMMENT ON COLUMN device.seqs IS 'every seq received; what is missing below its top is a gap'
    """,
    """
    CREATE TABLE scope_snapshot (
        person_id INTEGER NOT NULL,
        version INTEGER NOT NULL,
        grid_ids INTEGER[] NOT NULL,
        serials INTEGER[] NOT NULL,
        holds_until TIMESTAMP WITH TIME ZONE,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_scope_snapshot PRIMARY KEY (person_id, version),
        CONSTRAINT fk_scope_snapshot_person_id FOREIGN KEY(person_id) REFERENCES person (id)
    )
    """,
    """
    COMMENT ON COLUMN scope_snapshot.grid_ids IS 'area ids, ascending'
    """,
    """
    COMMENT ON COLUMN scope_snapshot.holds_until IS 'when the next assignment begins or ends'
    """,
    """
    COMMENT ON COLUMN scope_snapshot.serials IS 'ground and scope serial it was computed at'
    """,
    """
    CREATE TABLE enrolment (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        code_hash BYTEA NOT NULL,
        person_id INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        device_id INTEGER,
        CONSTRAINT pk_enrolment PRIMARY KEY (id),
        CONSTRAINT uq_enrolment_code_hash UNIQUE (code_hash),
        CONSTRAINT fk_enrolment_person_id FOREIGN KEY(person_id) REFERENCES person (id),
        CONSTRAINT fk_enrolment_device_id FOREIGN KEY(device_id) REFERENCES device (id)
    )
    """,
)

TRIGGERS = (
    """
    INSERT INTO feed_counter (id) VALUES (1)
    """,
    """
    ALTER TABLE feed_counter SET (fillfactor = 10)
    """,
    """
    ALTER TABLE device SET (fillfactor = 70)
    """,
    """
    CREATE TRIGGER device_kept BEFORE DELETE ON device FOR EACH ROW EXECUTE FUNCTION refuse_delete()
    """,
    """
    CREATE FUNCTION issue_await_routing() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.awaiting_routing := true;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER issue_awaits_routing_anew BEFORE UPDATE ON issue FOR EACH ROW
        WHEN (OLD.closed_at IS NULL AND (
            OLD.doc ->> 'category' IS DISTINCT FROM NEW.doc ->> 'category'
            OR OLD.doc ->> 'severity' IS DISTINCT FROM NEW.doc ->> 'severity'
            OR OLD.grid_now IS DISTINCT FROM NEW.grid_now))
        EXECUTE FUNCTION issue_await_routing()
    """,
)

TABLES = (
    "enrolment",
    "scope_snapshot",
    "device",
    "conflict",
    "visit",
    "task",
    "operation",
    "issue",
    "household",
    "feed_counter",
    "feed",
    "category",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)
    for statement in TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION issue_await_routing()")
