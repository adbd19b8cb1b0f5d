"""The life of a case: every step that was taken, in an unbroken chain; and numbers that can be said."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_STEPS = (
    "'report', 'accept', 'refuse', 'merge', 'unmerge', 'settle', 'verify', 'file', 'dispatch', 'receive', 'return', "
    "'start', 'done', 'ask_extension', 'grant_extension', 'refuse_extension', 'suspend', 'resume', 'check', 'rework', "
    "'close', 'rate', 'reopen', 'escalate', 'void', 'whistle', 'assist_done', 'score'"
)
_STATES = (
    "'reported', 'accepted', 'refused', 'merged', 'settled', 'verified', 'filed', 'dispatched', 'received', "
    "'returned', 'in_progress', 'extended', 'suspended', 'done', 'checked', 'reworked', 'closed', 'void'"
)
_TABLES = (
    f"""
    CREATE TABLE case_step (
        id UUID NOT NULL CONSTRAINT pk_case_step PRIMARY KEY,
        issue_id UUID NOT NULL CONSTRAINT fk_case_step_issue_id REFERENCES issue (id),
        place INTEGER NOT NULL,
        previous INTEGER GENERATED ALWAYS AS (nullif(place - 1, 0)) STORED,
        step TEXT NOT NULL,
        state_before TEXT NOT NULL,
        state TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
        body_id INTEGER CONSTRAINT fk_case_step_body_id REFERENCES organisation (id),
        person_id INTEGER CONSTRAINT fk_case_step_person_id REFERENCES person (id),
        source TEXT NOT NULL,
        offline BOOLEAN DEFAULT false NOT NULL,
        given JSONB DEFAULT '{{}}' NOT NULL,
        CONSTRAINT uq_case_step_place UNIQUE (issue_id, place),
        CONSTRAINT uq_case_step_chain UNIQUE (issue_id, place, state),
        CONSTRAINT fk_case_step_chain FOREIGN KEY (issue_id, previous, state_before)
            REFERENCES case_step (issue_id, place, state),
        CONSTRAINT ck_case_step_place_positive CHECK (place > 0),
        CONSTRAINT ck_case_step_step_known CHECK (step IN ({_STEPS})),
        CONSTRAINT ck_case_step_state_known CHECK (state IN ({_STATES})),
        CONSTRAINT ck_case_step_source_known CHECK (source IN ('page', 'api', 'phone', 'callback', 'rule', 'sweeper')),
        CONSTRAINT ck_case_step_begins_with_a_report CHECK (
            (place = 1) = (step = 'report') AND (place = 1) = (state_before = '')
        ),
        CONSTRAINT ck_case_step_not_before_it_happened CHECK (at <= taken_at),
        CONSTRAINT ck_case_step_given_object CHECK (jsonb_typeof(given) = 'object')
    )
    """,
    "COMMENT ON COLUMN case_step.place IS '1, 2, 3 ... in its case'",
    "COMMENT ON COLUMN case_step.previous IS 'the step that this one follows; with its state, a chain without a gap'",
    "COMMENT ON COLUMN case_step.at IS 'when it was done: the corrected time of the device where it was done offline'",
    "COMMENT ON COLUMN case_step.body_id IS 'the body it concerns: dispatched to, or acting'",
    "COMMENT ON COLUMN case_step.person_id IS 'null: a rule, the sweeper, or a body by its signature'",
    "COMMENT ON COLUMN case_step.given IS 'the fields of the step; bodies by id'",
    """
    CREATE FUNCTION case_steps_stand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'what happened to a case is never changed; another step follows';
    END $$
    """,
    (
        "CREATE TRIGGER case_step_stands BEFORE UPDATE OR DELETE ON case_step"
        " FOR EACH ROW EXECUTE FUNCTION case_steps_stand()"
    ),
    "CREATE SEQUENCE case_serial AS bigint",
    # Two digits of the year, six or more counted on, and a check digit by ISO 7064 MOD 11,10: one digit misheard, or
    # two that changed places, is noticed.
    """
    CREATE FUNCTION case_number(year INTEGER, serial BIGINT) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
    DECLARE
        digits text := lpad((year % 100)::text, 2, '0') || lpad(serial::text, greatest(6, length(serial::text)), '0');
        product integer := 10;
        total integer;
    BEGIN
        FOR place IN 1 .. length(digits) LOOP
            total := (product + substr(digits, place, 1)::integer) % 10;
            IF total = 0 THEN total := 10; END IF;
            product := (total * 2) % 11;
        END LOOP;
        RETURN digits || (11 - product) % 10;
    END $$
    """,
    "ALTER TABLE issue ADD COLUMN number TEXT",
    "ALTER TABLE issue ADD COLUMN merged_into UUID CONSTRAINT fk_issue_merged_into REFERENCES issue (id)",
    "COMMENT ON COLUMN issue.number IS 'what people call the case by: digits, with a check digit'",
    "COMMENT ON COLUMN issue.merged_into IS 'the case that it is a duplicate of'",
    (
        "ALTER TABLE issue ADD CONSTRAINT ck_issue_merged_into_another"
        " CHECK (merged_into IS NULL OR (merged_into <> id AND state = 'merged'))"
    ),
    "CREATE UNIQUE INDEX uq_issue_number ON issue (number) WHERE number IS NOT NULL",
    "CREATE INDEX ix_issue_merged_into ON issue (merged_into) WHERE merged_into IS NOT NULL",
    # Both cases are locked by whoever merges, so that no two can be merged into each other.
    """
    CREATE FUNCTION issue_merges_into_open() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM issue WHERE id = NEW.merged_into AND merged_into IS NOT NULL) THEN
            RAISE EXCEPTION 'a case is merged into one that is merged into none' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END $$
    """,
    (
        "CREATE TRIGGER issue_merges_into_open BEFORE UPDATE ON issue FOR EACH ROW"
        " WHEN (NEW.merged_into IS NOT NULL AND OLD.merged_into IS DISTINCT FROM NEW.merged_into)"
        " EXECUTE FUNCTION issue_merges_into_open()"
    ),
    "ALTER TABLE task DROP CONSTRAINT ck_task_kind_known",
    "ALTER TABLE task ADD CONSTRAINT ck_task_kind_known CHECK (kind IN ('visit', 'check', 'verify', 'order')) NOT VALID",
    "ALTER TABLE task VALIDATE CONSTRAINT ck_task_kind_known",
)
# What cases went through before their steps were kept: the report, each body that a rule sent them to, and where they
# stand now.
_DERIVE = (
    """
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, person_id, source, offline, given)
    SELECT gen_random_uuid(), issue.id, 1, 'report', '', 'reported', least(captured_at, received_at), received_at,
           (SELECT id FROM person WHERE person.id = author_id), 'phone',
           received_at - captured_at > interval '5 minutes',
           jsonb_build_object('source', CASE WHEN author_id IS NULL THEN 'resident' ELSE 'worker' END)
    FROM issue WHERE NOT awaiting_routing OR body_id IS NOT NULL OR state <> 'reported'
    """,
    """
    WITH decision AS (
        SELECT issue_id, id, body_id, assisting_ids, decided_at,
               lag(body_id) OVER (PARTITION BY issue_id ORDER BY id) IS DISTINCT FROM body_id AS is_another
        FROM routing_decision
    ), moved AS (
        SELECT decision.*, row_number() OVER (PARTITION BY issue_id ORDER BY id) AS number
        FROM decision WHERE is_another
    )
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, body_id, source, given)
    SELECT gen_random_uuid(), moved.issue_id, moved.number + 1, 'dispatch',
           CASE moved.number WHEN 1 THEN 'reported' ELSE 'dispatched' END, 'dispatched',
           greatest(moved.decided_at, report.at), greatest(moved.decided_at, report.at), moved.body_id, 'rule',
           jsonb_build_object(
               'derived', true, 'bodies', jsonb_build_object('lead', moved.body_id, 'assisting', moved.assisting_ids)
           )
    FROM moved JOIN case_step AS report ON report.issue_id = moved.issue_id AND report.place = 1
    """,
    """
    INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, body_id, source, given)
    SELECT gen_random_uuid(), issue.id, last.place + 1,
           CASE issue.state
               WHEN 'reported' THEN 'reopen' WHEN 'accepted' THEN 'accept' WHEN 'refused' THEN 'refuse'
               WHEN 'merged' THEN 'void' WHEN 'settled' THEN 'settle' WHEN 'verified' THEN 'verify'
               WHEN 'filed' THEN 'file' WHEN 'dispatched' THEN 'dispatch' WHEN 'received' THEN 'receive'
               WHEN 'returned' THEN 'return' WHEN 'in_progress' THEN 'start' WHEN 'extended' THEN 'grant_extension'
               WHEN 'suspended' THEN 'suspend' WHEN 'done' THEN 'done' WHEN 'checked' THEN 'check'
               WHEN 'reworked' THEN 'rework' WHEN 'closed' THEN 'close' ELSE 'void' END,
           last.state, issue.state, ended.moment, greatest(ended.moment, issue.changed_at), issue.body_id, 'rule',
           jsonb_strip_nulls(jsonb_build_object(
               'derived', true, 'reason', issue.closing_reason, 'answer', issue.public_answer
           ))
    FROM issue
    JOIN LATERAL (
        SELECT place, state, at FROM case_step WHERE issue_id = issue.id ORDER BY place DESC LIMIT 1
    ) AS last ON last.state <> issue.state
    CROSS JOIN LATERAL (SELECT greatest(coalesce(issue.closed_at, issue.changed_at), last.at) AS moment) AS ended
    WHERE issue.deleted_at IS NULL
    """,
    """
    UPDATE issue SET number = case_number(
        CAST(extract(year FROM captured_at AT TIME ZONE 'Asia/Shanghai') AS integer), nextval('case_serial')
    ) FROM (SELECT DISTINCT issue_id FROM case_step) AS begun WHERE begun.issue_id = issue.id
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    for statement in (*_TABLES, *_DERIVE):
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DELETE FROM task WHERE kind = 'verify'")
    op.execute("ALTER TABLE task DROP CONSTRAINT ck_task_kind_known")
    op.execute("ALTER TABLE task ADD CONSTRAINT ck_task_kind_known CHECK (kind IN ('visit', 'check', 'order'))")
    op.execute("DROP TRIGGER issue_merges_into_open ON issue")
    op.execute("DROP FUNCTION issue_merges_into_open()")
    op.execute("ALTER TABLE issue DROP COLUMN merged_into")
    op.execute("ALTER TABLE issue DROP COLUMN number")
    op.execute("DROP FUNCTION case_number(INTEGER, BIGINT)")
    op.execute("DROP SEQUENCE case_serial")
    op.execute("DROP TABLE case_step")
    op.execute("DROP FUNCTION case_steps_stand()")
