"""Doors taken by a worker for some days, so that two do not knock."""

from alembic import op

revision = "0043"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("""
        CREATE TABLE door_claim (
            household_id uuid NOT NULL CONSTRAINT fk_door_claim_household_id_household REFERENCES household (id),
            person_id integer NOT NULL CONSTRAINT fk_door_claim_person_id_person REFERENCES person (id),
            taken_at timestamptz NOT NULL,
            until timestamptz NOT NULL,
            CONSTRAINT pk_door_claim PRIMARY KEY (household_id),
            CONSTRAINT ck_door_claim_ends_after_it_began CHECK (until > taken_at)
        )
    """)
    op.execute("COMMENT ON COLUMN door_claim.until IS 'from then on it counts no more, and may be taken by others'")
    op.execute("CREATE INDEX ix_door_claim_until ON door_claim (until)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DROP TABLE door_claim")
