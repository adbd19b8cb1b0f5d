"""Calendars by editions: days, hours, what a deadline was counted by, and which deadlines an edition moved."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE calendar_edition (
        number INTEGER NOT NULL CONSTRAINT pk_calendar_edition PRIMARY KEY,
        area_id INTEGER CONSTRAINT fk_calendar_edition_area_id REFERENCES area (id),
        year SMALLINT,
        valid_from DATE,
        status TEXT,
        withdrawn BOOLEAN DEFAULT false NOT NULL,
        source TEXT NOT NULL,
        entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        entered_by INTEGER CONSTRAINT fk_calendar_edition_entered_by REFERENCES person (id),
        entered_by_way TEXT NOT NULL,
        CONSTRAINT ck_calendar_edition_number_positive CHECK (number > 0),
        CONSTRAINT ck_calendar_edition_year_or_hours CHECK ((year IS NULL) <> (valid_from IS NULL)),
        CONSTRAINT ck_calendar_edition_year_has_a_status CHECK ((year IS NULL) = (status IS NULL)),
        CONSTRAINT ck_calendar_edition_status_known CHECK (status IN ('announced', 'provisional')),
        CONSTRAINT ck_calendar_edition_year_near CHECK (year BETWEEN 2000 AND 2100),
        CONSTRAINT ck_calendar_edition_way_known CHECK (entered_by_way IN ('seed', 'page', 'command'))
    )
    """,
    "COMMENT ON COLUMN calendar_edition.area_id IS 'with all areas below it; null: the city'",
    "COMMENT ON COLUMN calendar_edition.valid_from IS 'first day of these hours, in Asia/Shanghai'",
    (
        "COMMENT ON COLUMN calendar_edition.withdrawn IS"
        " 'what was said before holds no longer, and nothing takes its place'"
    ),
    "COMMENT ON COLUMN calendar_edition.entered_by IS 'null: the program itself'",
    "CREATE INDEX ix_calendar_edition_area_id ON calendar_edition (area_id, year, valid_from, number)",
    """
    CREATE TABLE calendar_day (
        edition INTEGER NOT NULL CONSTRAINT fk_calendar_day_edition REFERENCES calendar_edition (number),
        day DATE NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        CONSTRAINT pk_calendar_day PRIMARY KEY (edition, day),
        CONSTRAINT ck_calendar_day_kind_known CHECK (kind IN ('holiday', 'workday'))
    )
    """,
    """
    CREATE TABLE calendar_span (
        edition INTEGER NOT NULL CONSTRAINT fk_calendar_span_edition REFERENCES calendar_edition (number),
        weekday SMALLINT NOT NULL,
        opens TIME WITHOUT TIME ZONE NOT NULL,
        closes TIME WITHOUT TIME ZONE NOT NULL,
        CONSTRAINT pk_calendar_span PRIMARY KEY (edition, weekday, opens),
        CONSTRAINT ck_calendar_span_weekday_known CHECK (weekday BETWEEN 1 AND 7),
        CONSTRAINT ck_calendar_span_opens_before_it_closes CHECK (opens < closes)
    )
    """,
    """
    CREATE FUNCTION calendar_editions_stand() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'an edition of the calendar is never changed; enter another one';
    END $$
    """,
    *(
        f"CREATE TRIGGER {table}_stands BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION calendar_editions_stand()"
        for table in ("calendar_edition", "calendar_day", "calendar_span")
    ),
    """
    CREATE TABLE deadline_move (
        edition INTEGER NOT NULL CONSTRAINT fk_deadline_move_edition REFERENCES calendar_edition (number),
        issue_id UUID NOT NULL CONSTRAINT fk_deadline_move_issue_id REFERENCES issue (id),
        decision_id BIGINT NOT NULL CONSTRAINT fk_deadline_move_decision_id REFERENCES routing_decision (id),
        was_due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        moved_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_deadline_move PRIMARY KEY (edition, issue_id)
    )
    """,
    "CREATE INDEX ix_deadline_move_issue_id ON deadline_move (issue_id)",
    "ALTER TABLE routing_decision ADD COLUMN calendar_edition INTEGER",
    "ALTER TABLE routing_decision ADD COLUMN provisional_years SMALLINT[] DEFAULT '{}' NOT NULL",
    (
        "COMMENT ON COLUMN routing_decision.calendar_edition IS"
        " 'edition of the calendar that due_at was counted by; null: by none'"
    ),
    "ALTER TABLE issue ADD COLUMN calendar_edition INTEGER",
    (
        "COMMENT ON COLUMN issue.calendar_edition IS"
        " 'newest edition of the calendar by which due_at is right; null: it depends on none'"
    ),
    # What was counted before there were editions is counted again by the first.
    """
    UPDATE issue SET calendar_edition = 0
    FROM (SELECT DISTINCT ON (issue_id) issue_id, limit_unit, due_at FROM routing_decision ORDER BY issue_id, id DESC)
        AS standing
    WHERE standing.issue_id = issue.id AND standing.limit_unit IN ('wh', 'wd') AND issue.closed_at IS NULL
        AND issue.deleted_at IS NULL AND standing.due_at = issue.due_at
    """,
    (
        "CREATE INDEX ix_issue_calendar_edition ON issue (calendar_edition, id)"
        " WHERE calendar_edition IS NOT NULL AND closed_at IS NULL AND deleted_at IS NULL"
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_issue_calendar_edition")
    op.execute("ALTER TABLE issue DROP COLUMN calendar_edition")
    op.execute("ALTER TABLE routing_decision DROP COLUMN calendar_edition, DROP COLUMN provisional_years")
    for table in ("deadline_move", "calendar_span", "calendar_day", "calendar_edition"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION calendar_editions_stand()")
