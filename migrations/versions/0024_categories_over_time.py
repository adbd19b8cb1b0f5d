"""Categories are valid from-to, so that facts are judged by the catalogue of their time; visits that lie in no grid."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE category ADD COLUMN valid_from TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE category ADD COLUMN valid_until TIMESTAMP WITH TIME ZONE")
    op.execute("COMMENT ON COLUMN category.valid_from IS 'facts of before do not know it; null: always was'")
    op.execute(
        "COMMENT ON COLUMN category.valid_until IS"
        " 'facts of before still do; null: in force. Kept by a trigger when is_active changes'"
    )
    op.execute("UPDATE category SET valid_until = now() WHERE NOT is_active")
    op.execute(
        """
        CREATE FUNCTION category_over_time() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT NEW.is_active AND NEW.valid_until IS NULL THEN
                NEW.valid_until := now();
            ELSIF NEW.is_active AND TG_OP = 'UPDATE' AND NOT OLD.is_active THEN
                NEW.valid_until := NULL;
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER category_over_time BEFORE INSERT OR UPDATE OF is_active ON category"
        " FOR EACH ROW EXECUTE FUNCTION category_over_time()"
    )
    op.execute("CREATE INDEX ix_visit_author_id_adrift ON visit (author_id, id) WHERE grid_now IS NULL")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP INDEX ix_visit_author_id_adrift")
    op.execute("DROP TRIGGER category_over_time ON category")
    op.execute("DROP FUNCTION category_over_time()")
    op.execute("ALTER TABLE category DROP COLUMN valid_until")
    op.execute("ALTER TABLE category DROP COLUMN valid_from")
