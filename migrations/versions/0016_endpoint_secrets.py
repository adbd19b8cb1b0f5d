"""Former secrets of endpoints, with which webhooks are signed for a while beside the new; and who set what when."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE TABLE former_secret (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            organisation_id INTEGER NOT NULL,
            sealed_secret BYTEA NOT NULL,
            until TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_former_secret PRIMARY KEY (id),
            CONSTRAINT fk_former_secret_organisation_id FOREIGN KEY(organisation_id)
                REFERENCES endpoint (organisation_id)
        )
        """
    )
    op.execute("COMMENT ON COLUMN former_secret.sealed_secret IS 'Fernet token of the whsec_ secret'")
    op.execute(
        "COMMENT ON COLUMN former_secret.until IS 'webhooks are signed with it until then, and it is taken away'"
    )
    op.execute("CREATE INDEX ix_former_secret_organisation_id ON former_secret (organisation_id, until)")
    op.execute(
        """
        CREATE TABLE endpoint_change (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            organisation_id INTEGER NOT NULL,
            changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
            changed_by INTEGER,
            url TEXT NOT NULL,
            active BOOLEAN NOT NULL,
            secret TEXT NOT NULL,
            former_until TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_endpoint_change PRIMARY KEY (id),
            CONSTRAINT fk_endpoint_change_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
            CONSTRAINT fk_endpoint_change_changed_by FOREIGN KEY(changed_by) REFERENCES person (id),
            CONSTRAINT ck_endpoint_change_secret_known CHECK (secret IN ('kept', 'new'))
        )
        """
    )
    op.execute("COMMENT ON COLUMN endpoint_change.former_until IS 'how long the secret before it still signs'")
    op.execute("CREATE INDEX ix_endpoint_change_organisation_id ON endpoint_change (organisation_id, id)")
    # Who changed where cases are told to is never taken away.
    op.execute(
        """
        CREATE TRIGGER endpoint_change_kept BEFORE DELETE ON endpoint_change
            FOR EACH ROW EXECUTE FUNCTION refuse_delete()
        """
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE endpoint_change")
    op.execute("DROP TABLE former_secret")
