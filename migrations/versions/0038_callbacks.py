"""Calls of bodies' systems by their ids, with the answers that they were given: sent again, each is answered alike."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE callback (
        organisation_id INTEGER NOT NULL,
        id_hash BYTEA NOT NULL,
        body_hash BYTEA NOT NULL,
        called_at TIMESTAMP WITH TIME ZONE NOT NULL,
        answer JSONB,
        CONSTRAINT pk_callback PRIMARY KEY (organisation_id, id_hash),
        CONSTRAINT fk_callback_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
    )
    """,
    "CREATE INDEX ix_callback_called_at ON callback (called_at)",
    "COMMENT ON COLUMN callback.id_hash IS 'SHA-256 of the webhook-id'",
    "COMMENT ON COLUMN callback.body_hash IS 'SHA-256 of the body as it was sent'",
    "COMMENT ON COLUMN callback.answer IS 'null: it is being answered'",
    # Whoever holds a phone shows its worker's own reports by what the maker of its code may hand out.
    "ALTER TABLE device ADD COLUMN private_over INTEGER[]",
    (
        "COMMENT ON COLUMN device.private_over IS"
        " 'areas, the tops, over which whoever made its code has a duty in what is private; null: the operator made it'"
    ),
    """
    UPDATE device SET private_over = '{}' FROM enrolment
    WHERE enrolment.device_id = device.id AND enrolment.made_by IS NOT NULL
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE device DROP COLUMN private_over")
    op.execute("DROP TABLE callback")
