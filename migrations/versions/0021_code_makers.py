"""Who made an enrolment code, with what, and over which areas they might then."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    ALTER TABLE enrolment
        ADD COLUMN made_by INTEGER,
        ADD COLUMN made_with TEXT DEFAULT 'unknown' NOT NULL,
        ADD COLUMN made_over INTEGER[] DEFAULT '{}' NOT NULL,
        ADD CONSTRAINT ck_enrolment_made_with_known CHECK (made_with IN ('staff', 'command', 'unknown')),
        ADD CONSTRAINT ck_enrolment_staff_are_named CHECK ((made_with = 'staff') = (made_by IS NOT NULL)),
        ADD CONSTRAINT fk_enrolment_made_by FOREIGN KEY(made_by) REFERENCES person (id)
    """,
    """
    COMMENT ON COLUMN enrolment.made_with IS 'staff: by somebody signed in; command: on the command line'
    """,
    """
    COMMENT ON COLUMN enrolment.made_over IS 'areas that its maker might enrol for then, the tops'
    """,
    """
    CREATE INDEX ix_enrolment_device_id ON enrolment (device_id)
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_enrolment_device_id")
    op.execute("ALTER TABLE enrolment DROP COLUMN made_by, DROP COLUMN made_with, DROP COLUMN made_over")
