"""Boundary files that were sent to be imported, and what came of them."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE boundary_import (
        id UUID NOT NULL,
        person_id INTEGER NOT NULL,
        login TEXT NOT NULL,
        file TEXT NOT NULL,
        suffix TEXT DEFAULT '' NOT NULL,
        size BIGINT DEFAULT 0 NOT NULL,
        parts INTEGER DEFAULT 0 NOT NULL,
        asked JSONB NOT NULL,
        dry_run BOOLEAN NOT NULL,
        state TEXT DEFAULT 'receiving' NOT NULL,
        counts JSONB DEFAULT '{}' NOT NULL,
        attempts INTEGER DEFAULT 0 NOT NULL,
        claim UUID,
        claimed_until TIMESTAMP WITH TIME ZONE,
        report JSONB,
        outcome JSONB,
        problem JSONB,
        begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_boundary_import PRIMARY KEY (id),
        CONSTRAINT fk_boundary_import_person_id FOREIGN KEY(person_id) REFERENCES person (id),
        CONSTRAINT ck_boundary_import_state_known CHECK (
            state IN ('receiving', 'waiting', 'working', 'done', 'refused')
        ),
        CONSTRAINT ck_boundary_import_claimed_while_working CHECK ((state = 'working') = (claim IS NOT NULL)),
        CONSTRAINT ck_boundary_import_claimed_until CHECK ((claim IS NULL) = (claimed_until IS NULL)),
        CONSTRAINT ck_boundary_import_refused_with_a_reason CHECK ((state = 'refused') = (problem IS NOT NULL)),
        CONSTRAINT ck_boundary_import_ended CHECK ((state IN ('done', 'refused')) = (ended_at IS NOT NULL))
    )
    """,
    "CREATE INDEX ix_boundary_import_person_id ON boundary_import (person_id)",
    "CREATE INDEX ix_boundary_import_begun_at ON boundary_import (begun_at)",
    """
    CREATE INDEX ix_boundary_import_under_way ON boundary_import (state)
    WHERE state IN ('waiting', 'working')
    """,
    """
    COMMENT ON COLUMN boundary_import.login
    IS 'of the person, as editions and drafts name their authors'
    """,
    "COMMENT ON COLUMN boundary_import.file IS 'its name, as it was sent'",
    "COMMENT ON COLUMN boundary_import.suffix IS 'by its first bytes: .gpkg, .zip or .geojson'",
    "COMMENT ON COLUMN boundary_import.size IS 'bytes'",
    "COMMENT ON COLUMN boundary_import.parts IS 'objects in the store, numbered from 0'",
    "COMMENT ON COLUMN boundary_import.asked IS 'what shall become of it'",
    "COMMENT ON COLUMN boundary_import.dry_run IS 'it is only looked at'",
    "COMMENT ON COLUMN boundary_import.counts IS 'how far it is, by step'",
    "COMMENT ON COLUMN boundary_import.claimed_until IS 'after that, another process may begin it anew'",
    "COMMENT ON COLUMN boundary_import.report IS 'GeoJSON: faults, repairs and findings'",
    "COMMENT ON COLUMN boundary_import.outcome IS 'what it changed, and where'",
    "COMMENT ON COLUMN boundary_import.problem IS 'code and data of why it was refused'",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '1min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE boundary_import")
