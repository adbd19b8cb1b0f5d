"""Limits of stages as editions: by which decision they were set, and which deadlines of open cases each of them moved."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE stage_limit ADD COLUMN source TEXT DEFAULT '' NOT NULL",
    "COMMENT ON COLUMN stage_limit.source IS 'by which document; empty: not said'",
    """
    CREATE TABLE stage_limit_move (
        number INTEGER NOT NULL,
        issue_id UUID NOT NULL,
        clock UUID NOT NULL,
        body_id INTEGER,
        was_due_at TIMESTAMP WITH TIME ZONE,
        due_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_stage_limit_move PRIMARY KEY (number, issue_id, clock),
        CONSTRAINT ck_stage_limit_move_moves CHECK (was_due_at IS DISTINCT FROM due_at),
        CONSTRAINT fk_stage_limit_move_number FOREIGN KEY (number) REFERENCES stage_limit (number),
        CONSTRAINT fk_stage_limit_move_issue_id FOREIGN KEY (issue_id) REFERENCES issue (id)
    )
    """,
    "COMMENT ON COLUMN stage_limit_move.clock IS 'the event that began it'",
    "COMMENT ON COLUMN stage_limit_move.due_at IS 'null: the stage has no limit now'",
    "CREATE INDEX ix_stage_limit_move_issue_id ON stage_limit_move (issue_id)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE stage_limit_move")
    op.execute("ALTER TABLE stage_limit DROP COLUMN source")
