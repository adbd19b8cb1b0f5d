"""What an edition changed on the ground, the moving of records after it, and editions that are to come."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RECORDS = ("household", "issue", "task", "visit")

STATEMENTS = (
    """
    CREATE TABLE edition_fragment (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        edition_number INTEGER NOT NULL,
        from_area_id INTEGER NOT NULL,
        to_area_id INTEGER,
        polygon geometry(MULTIPOLYGON,4326) NOT NULL,
        CONSTRAINT pk_edition_fragment PRIMARY KEY (id),
        CONSTRAINT ck_edition_fragment_to_another CHECK (from_area_id IS DISTINCT FROM to_area_id),
        CONSTRAINT fk_edition_fragment_edition_number FOREIGN KEY(edition_number) REFERENCES edition (number),
        CONSTRAINT fk_edition_fragment_from_area_id FOREIGN KEY(from_area_id) REFERENCES area (id),
        CONSTRAINT fk_edition_fragment_to_area_id FOREIGN KEY(to_area_id) REFERENCES area (id)
    )
    """,
    "CREATE INDEX ix_edition_fragment_edition_number ON edition_fragment (edition_number)",
    "COMMENT ON COLUMN edition_fragment.to_area_id IS 'null: the ground is in no area any more'",
    """
    CREATE TABLE edition_move (
        edition_number INTEGER NOT NULL,
        area_ids INTEGER[] NOT NULL,
        reach geometry(POLYGON,4326) NOT NULL,
        stage TEXT DEFAULT 'households' NOT NULL,
        looked_at INTEGER DEFAULT '0' NOT NULL,
        moved INTEGER DEFAULT '0' NOT NULL,
        reassigned INTEGER DEFAULT '0' NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE,
        finished_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_edition_move PRIMARY KEY (edition_number),
        CONSTRAINT ck_edition_move_stage_known CHECK (stage IN ('households', 'issues', 'tasks', 'visits', 'done')),
        CONSTRAINT ck_edition_move_done_when_finished CHECK ((stage = 'done') = (finished_at IS NOT NULL)),
        CONSTRAINT fk_edition_move_edition_number FOREIGN KEY(edition_number) REFERENCES edition (number)
    )
    """,
    "CREATE INDEX ix_edition_move_open ON edition_move (edition_number) WHERE finished_at IS NULL",
    "COMMENT ON COLUMN edition_move.area_ids IS 'grids that lost ground or are gone, ascending'",
    "COMMENT ON COLUMN edition_move.reach IS 'the box around all ground that changed hands'",
    "COMMENT ON COLUMN edition_move.stage IS 'the collection that is being moved'",
    "COMMENT ON COLUMN edition_move.looked_at IS 'records that were located anew'",
    "COMMENT ON COLUMN edition_move.reassigned IS 'open tasks that were given to the worker of their new grid'",
    """
    CREATE TABLE planned_edition (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        name TEXT NOT NULL,
        note TEXT DEFAULT '' NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        planned_at TIMESTAMP WITH TIME ZONE NOT NULL,
        planned_by TEXT NOT NULL,
        base_edition INTEGER NOT NULL,
        areas JSONB NOT NULL,
        retired TEXT[] NOT NULL,
        state TEXT DEFAULT 'waiting' NOT NULL,
        edition_number INTEGER,
        problem JSONB,
        settled_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_planned_edition PRIMARY KEY (id),
        CONSTRAINT ck_planned_edition_state_known CHECK (state IN ('waiting', 'published', 'refused', 'withdrawn')),
        CONSTRAINT ck_planned_edition_refused_with_a_reason CHECK ((state = 'refused') = (problem IS NOT NULL)),
        CONSTRAINT fk_planned_edition_base_edition FOREIGN KEY(base_edition) REFERENCES edition (number),
        CONSTRAINT fk_planned_edition_edition_number FOREIGN KEY(edition_number) REFERENCES edition (number)
    )
    """,
    "CREATE INDEX ix_planned_edition_due_at ON planned_edition (due_at) WHERE state = 'waiting'",
    "COMMENT ON COLUMN planned_edition.areas IS 'what is new or changed, as published: code, kind, name, parent, WKB in hex'",
    "COMMENT ON COLUMN planned_edition.retired IS 'codes of the areas that it has no more'",
    "COMMENT ON COLUMN planned_edition.base_edition IS 'the edition it was drawn over: refused where another came since'",
    # What changed between two editions is found without looking at what did not.
    "CREATE INDEX ix_area_version_begins ON area_version (lower(editions))",
    "CREATE INDEX ix_area_version_ends ON area_version (upper(editions))",
    "CREATE INDEX ix_task_household_id ON task (household_id) WHERE household_id IS NOT NULL",
    "CREATE INDEX ix_task_issue_id ON task (issue_id) WHERE issue_id IS NOT NULL",
    # Few records lie in no grid; a redraw must find them without looking at the others.
    *(
        f"CREATE INDEX ix_{table}_elsewhere ON {table} USING gist (position) WHERE located <> 'inside'"
        for table in RECORDS
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in RECORDS:
        op.execute(f"DROP INDEX ix_{table}_elsewhere")
    for index in ("ix_task_issue_id", "ix_task_household_id", "ix_area_version_ends", "ix_area_version_begins"):
        op.execute(f"DROP INDEX {index}")
    for table in ("planned_edition", "edition_move", "edition_fragment"):
        op.execute(f"DROP TABLE {table}")
