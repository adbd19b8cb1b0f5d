"""Application passwords: what GIS programs sign in with."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(
        """
        CREATE TABLE app_password (
            id INTEGER GENERATED ALWAYS AS IDENTITY,
            person_id INTEGER NOT NULL,
            name TEXT NOT NULL,
            secret_hash BYTEA NOT NULL,
            created_at TIMESTAMP WITH TIME ZONE NOT NULL,
            last_used_at TIMESTAMP WITH TIME ZONE,
            revoked_at TIMESTAMP WITH TIME ZONE,
            CONSTRAINT pk_app_password PRIMARY KEY (id),
            CONSTRAINT uq_app_password_secret_hash UNIQUE (secret_hash),
            CONSTRAINT fk_app_password_person_id FOREIGN KEY(person_id) REFERENCES person (id)
        )
        """
    )
    op.execute("CREATE INDEX ix_app_password_person_id ON app_password (person_id)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE app_password")
