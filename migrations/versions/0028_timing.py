"""When cases speak up, what was raised already, and what a city sets for the stages of a case."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE stage_limit (
        number INTEGER GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_stage_limit PRIMARY KEY,
        stage TEXT NOT NULL,
        limit_value SMALLINT,
        limit_unit TEXT,
        entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        entered_by INTEGER CONSTRAINT fk_stage_limit_entered_by REFERENCES person (id),
        CONSTRAINT ck_stage_limit_stage_known CHECK (stage IN ('acceptance', 'check', 'closing', 'dispatch', 'filing', 'handling', 'rating', 'receipt', 'reporting', 'return', 'rework', 'verification')),
        CONSTRAINT ck_stage_limit_limit_unit_known CHECK (limit_unit IN ('min', 'h', 'wh', 'wd', 'd')),
        CONSTRAINT ck_stage_limit_limit_whole CHECK ((limit_value IS NULL) = (limit_unit IS NULL)),
        CONSTRAINT ck_stage_limit_limit_near CHECK (limit_value BETWEEN 1 AND 1000)
    )
    """,
    "COMMENT ON COLUMN stage_limit.limit_value IS 'null: the stage has no limit'",
    "COMMENT ON COLUMN stage_limit.entered_by IS 'null: the program itself'",
    """
    CREATE TABLE case_timing (
        issue_id UUID NOT NULL CONSTRAINT pk_case_timing PRIMARY KEY CONSTRAINT fk_case_timing_issue_id REFERENCES issue (id),
        stale BOOLEAN DEFAULT true NOT NULL,
        calendar_edition INTEGER
    )
    """,
    "COMMENT ON COLUMN case_timing.calendar_edition IS 'by which its alarms were counted; null: by none'",
    "CREATE INDEX ix_case_timing_stale ON case_timing (issue_id) WHERE stale",
    "CREATE INDEX ix_case_timing_calendar_edition ON case_timing (calendar_edition) WHERE calendar_edition > 0",
    """
    CREATE TABLE case_alarm (
        id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_case_alarm PRIMARY KEY,
        issue_id UUID NOT NULL CONSTRAINT fk_case_alarm_issue_id REFERENCES issue (id),
        clock UUID NOT NULL,
        stage TEXT NOT NULL,
        body_id INTEGER,
        level SMALLINT NOT NULL,
        area_id INTEGER,
        alarm_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT ck_case_alarm_level_counted CHECK (level >= 0)
    )
    """,
    "COMMENT ON COLUMN case_alarm.clock IS 'the event that began it'",
    "COMMENT ON COLUMN case_alarm.area_id IS 'to which area it goes; null: to who holds it'",
    "CREATE UNIQUE INDEX uq_case_alarm_once ON case_alarm (issue_id, clock, stage, body_id, level) NULLS NOT DISTINCT",
    "CREATE INDEX ix_case_alarm_alarm_at ON case_alarm (alarm_at)",
    """
    CREATE TABLE escalation (
        id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_escalation PRIMARY KEY,
        issue_id UUID NOT NULL CONSTRAINT fk_escalation_issue_id REFERENCES issue (id),
        clock UUID NOT NULL,
        stage TEXT NOT NULL,
        body_id INTEGER CONSTRAINT fk_escalation_body_id REFERENCES organisation (id),
        level SMALLINT NOT NULL,
        area_id INTEGER CONSTRAINT fk_escalation_area_id REFERENCES area (id),
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT ck_escalation_level_counted CHECK (level >= 0)
    )
    """,
    "COMMENT ON COLUMN escalation.clock IS 'the event that began it'",
    "COMMENT ON COLUMN escalation.level IS '0: a warning to who holds the case; 1 and more: up the tree'",
    "CREATE UNIQUE INDEX uq_escalation_once ON escalation (issue_id, clock, stage, body_id, level) NULLS NOT DISTINCT",
    # Whoever writes a step or a decision need not know that something is counted from it.
    """
    CREATE FUNCTION case_timing_is_stale() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO case_timing (issue_id) SELECT DISTINCT issue_id FROM fresh ORDER BY issue_id
        ON CONFLICT (issue_id) DO UPDATE SET stale = true WHERE NOT case_timing.stale;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER case_step_is_timed AFTER INSERT ON case_step REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION case_timing_is_stale()",
    "CREATE TRIGGER routing_decision_is_timed AFTER INSERT ON routing_decision REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION case_timing_is_stale()",
    "INSERT INTO case_timing (issue_id) SELECT DISTINCT issue_id FROM case_step JOIN issue ON issue.id = issue_id WHERE closed_at IS NULL",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER routing_decision_is_timed ON routing_decision")
    op.execute("DROP TRIGGER case_step_is_timed ON case_step")
    op.execute("DROP FUNCTION case_timing_is_stale()")
    for table in ("escalation", "case_alarm", "case_timing", "stage_limit"):
        op.execute(f"DROP TABLE {table}")
