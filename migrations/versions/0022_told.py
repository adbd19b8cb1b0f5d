"""A body is told when what it was sent for is rewritten or deleted by whoever may: such an issue awaits routing anew."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

REWRITTEN = " OR ".join(
    f"OLD.doc -> '{name}' IS DISTINCT FROM NEW.doc -> '{name}'"
    for name in ("description", "address_text", "location", "photos")
)
STATEMENTS = (
    "ALTER TABLE issue ADD COLUMN must_tell BOOLEAN NOT NULL DEFAULT false",
    """
    COMMENT ON COLUMN issue.must_tell IS
        'its bodies do not know how it stands: set by a trigger when it is rewritten or deleted under them'
    """,
    """
    CREATE FUNCTION issue_tell_bodies() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.must_tell := true;
        NEW.awaiting_routing := true;
        RETURN NEW;
    END
    $$
    """,
    f"""
    CREATE TRIGGER issue_tells_bodies BEFORE UPDATE ON issue FOR EACH ROW
        WHEN (OLD.closed_at IS NULL AND OLD.body_id IS NOT NULL AND NEW.body_id IS NOT DISTINCT FROM OLD.body_id
              AND ({REWRITTEN} OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)))
        EXECUTE FUNCTION issue_tell_bodies()
    """,
    # Its bodies were told that they have it no longer.
    """
    CREATE TRIGGER issue_is_there_again BEFORE UPDATE ON issue FOR EACH ROW
        WHEN (OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL AND OLD.closed_at IS NULL)
        EXECUTE FUNCTION issue_tell_bodies()
    """,
    "DROP INDEX ix_issue_awaiting_routing",
    "CREATE INDEX ix_issue_awaiting_routing ON issue (id) WHERE awaiting_routing AND (deleted_at IS NULL OR must_tell)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DROP INDEX ix_issue_awaiting_routing")
    op.execute("CREATE INDEX ix_issue_awaiting_routing ON issue (id) WHERE awaiting_routing AND deleted_at IS NULL")
    op.execute("DROP TRIGGER issue_is_there_again ON issue")
    op.execute("DROP TRIGGER issue_tells_bodies ON issue")
    op.execute("DROP FUNCTION issue_tell_bodies()")
    op.execute("ALTER TABLE issue DROP COLUMN must_tell")
