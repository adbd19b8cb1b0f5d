"""Sketches of areas, from which tiles are drawn, and which editions are sketched whole."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE area_sketch (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        area_id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        code TEXT NOT NULL,
        name TEXT NOT NULL,
        editions INT4RANGE NOT NULL,
        zooms INT4RANGE NOT NULL,
        across_m DOUBLE PRECISION NOT NULL,
        label geometry(POINT,3857) NOT NULL,
        shape geometry(MULTIPOLYGON,3857) NOT NULL,
        CONSTRAINT pk_area_sketch PRIMARY KEY (id),
        CONSTRAINT ck_area_sketch_editions_not_empty CHECK (NOT isempty(editions)),
        CONSTRAINT ck_area_sketch_zooms_not_empty CHECK (NOT isempty(zooms)),
        CONSTRAINT fk_area_sketch_area_id FOREIGN KEY(area_id) REFERENCES area (id),
        CONSTRAINT fk_area_sketch_kind FOREIGN KEY(kind) REFERENCES area_kind (code)
    )
    """,
    "CREATE UNIQUE INDEX uq_area_sketch_area_id ON area_sketch (area_id, lower(editions), lower(zooms))",
    "CREATE INDEX ix_area_sketch_shape ON area_sketch USING gist (shape, zooms)",
    "COMMENT ON COLUMN area_sketch.editions IS '[first edition number, first it does not hold for)'",
    "COMMENT ON COLUMN area_sketch.zooms IS '[first zoom, first it is not drawn at)'",
    "COMMENT ON COLUMN area_sketch.across_m IS 'side of a square of its size, in metres of the equator'",
    "COMMENT ON COLUMN area_sketch.label IS 'where its name is written'",
    """
    CREATE TABLE edition_sketch (
        kind TEXT NOT NULL,
        edition_number INTEGER NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_edition_sketch PRIMARY KEY (kind, edition_number),
        CONSTRAINT fk_edition_sketch_kind FOREIGN KEY(kind) REFERENCES area_kind (code),
        CONSTRAINT fk_edition_sketch_edition_number FOREIGN KEY(edition_number) REFERENCES edition (number)
    )
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '1min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE edition_sketch, area_sketch")
