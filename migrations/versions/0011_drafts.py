"""Drafts over an edition, and the operations that they are made of."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE draft (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        name TEXT NOT NULL,
        base_edition INTEGER NOT NULL,
        author TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        version INTEGER DEFAULT 1 NOT NULL,
        published_edition INTEGER,
        CONSTRAINT pk_draft PRIMARY KEY (id),
        CONSTRAINT fk_draft_base_edition FOREIGN KEY(base_edition) REFERENCES edition (number),
        CONSTRAINT fk_draft_published_edition FOREIGN KEY(published_edition) REFERENCES edition (number)
    )
    """,
    "COMMENT ON COLUMN draft.author IS 'login of who began it'",
    "COMMENT ON COLUMN draft.version IS 'what If-Match names'",
    "COMMENT ON COLUMN draft.published_edition IS 'once set, the draft does not change any more'",
    """
    CREATE TABLE draft_operation (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        draft_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        parameters JSONB NOT NULL,
        undone BOOLEAN DEFAULT false NOT NULL,
        author TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_draft_operation PRIMARY KEY (id),
        CONSTRAINT uq_draft_operation_draft_id_position UNIQUE (draft_id, position),
        CONSTRAINT ck_draft_operation_kind_known CHECK (
            kind IN ('split', 'merge', 'reshape', 'rename', 'reassign', 'add', 'retire', 'replace')
        ),
        CONSTRAINT ck_draft_operation_position_positive CHECK (position > 0),
        CONSTRAINT fk_draft_operation_draft_id FOREIGN KEY(draft_id) REFERENCES draft (id) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN draft_operation.position IS '1, 2, 3 ... in the order in which they are done'",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '1min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE draft_operation, draft")
