"""Steps of cases as phones send them, and what became of each."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE step (
        issue_id UUID GENERATED ALWAYS AS (CAST(doc ->> 'issue_id' AS uuid)) STORED NOT NULL,
        outcome TEXT,
        settled_at TIMESTAMP WITH TIME ZONE,
        case_state TEXT,
        instead JSONB,
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
        CONSTRAINT pk_step PRIMARY KEY (id),
        CONSTRAINT ck_step_outcome_known CHECK (outcome IN ('taken', 'overtaken', 'refused')),
        CONSTRAINT ck_step_settled_with_an_outcome CHECK ((outcome IS NULL) = (settled_at IS NULL))
    )
    """,
    "CREATE INDEX ix_step_grid_now_id ON step (grid_now, id)",
    "CREATE INDEX ix_step_elsewhere ON step USING gist (position) WHERE located <> 'inside'",
    "CREATE INDEX ix_step_author_id_id ON step (author_id, id)",
    "CREATE INDEX ix_step_waiting ON step (issue_id) WHERE outcome IS NULL AND deleted_at IS NULL",
    "COMMENT ON COLUMN step.doc_rev IS 'the revision at which doc last changed: server fields move rev alone'",
    "COMMENT ON COLUMN step.captured_at IS 'corrected device time of the first operation'",
    "COMMENT ON COLUMN step.located IS 'inside, near or outside; null: no position was given'",
    "COMMENT ON COLUMN step.distance_m IS 'to the grid, where located is near'",
    "COMMENT ON COLUMN step.candidates IS 'grids within the GPS accuracy'",
    "COMMENT ON COLUMN step.grid_at_capture IS 'area in force when captured; never changed'",
    "COMMENT ON COLUMN step.grid_now IS 'area responsible today; moves with redraws'",
    "COMMENT ON COLUMN step.outcome IS 'null: it waits to take effect'",
    "COMMENT ON COLUMN step.case_state IS 'of the case, when this was settled'",
    "COMMENT ON COLUMN step.instead IS 'why it was not taken: what happened, what is possible'",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE step")
