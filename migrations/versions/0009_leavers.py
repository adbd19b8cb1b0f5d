"""Since when somebody is no longer active: their devices count as revoked from then on."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("ALTER TABLE person ADD COLUMN inactive_since TIMESTAMP WITH TIME ZONE")
    op.execute("COMMENT ON COLUMN person.inactive_since IS 'kept by a trigger; devices count as revoked from then on'")
    op.execute("UPDATE person SET inactive_since = now() WHERE NOT is_active")
    op.execute(
        "ALTER TABLE person ADD CONSTRAINT ck_person_inactive_since CHECK (is_active = (inactive_since IS NULL))"
    )
    op.execute(
        """
        CREATE FUNCTION note_inactive_since() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.inactive_since := CASE WHEN NOT NEW.is_active THEN coalesce(NEW.inactive_since, now()) END;
            RETURN NEW;
        END
        $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER person_inactive_since BEFORE INSERT OR UPDATE OF is_active ON person
        FOR EACH ROW EXECUTE FUNCTION note_inactive_since()
        """
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER person_inactive_since ON person")
    op.execute("DROP FUNCTION note_inactive_since()")
    op.execute("ALTER TABLE person DROP COLUMN inactive_since")
