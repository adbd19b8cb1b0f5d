"""Ground: kinds, areas, editions, polygons over time."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS postgis",
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    """
    CREATE TABLE area_kind (
        code TEXT NOT NULL,
        name_zh TEXT NOT NULL,
        name_en TEXT NOT NULL,
        rank SMALLINT NOT NULL,
        is_locating BOOLEAN DEFAULT false NOT NULL,
        CONSTRAINT pk_area_kind PRIMARY KEY (code)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_area_kind_locating ON area_kind (is_locating) WHERE is_locating
    """,
    """
    COMMENT ON COLUMN area_kind.rank IS '0 is the whole city; larger is lower'
    """,
    """
    CREATE TABLE edition (
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        in_force TSTZRANGE NOT NULL,
        published_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        published_by TEXT NOT NULL,
        note TEXT DEFAULT '' NOT NULL,
        CONSTRAINT pk_edition PRIMARY KEY (number),
        CONSTRAINT ex_edition_in_force EXCLUDE USING gist (in_force WITH &&),
        CONSTRAINT ck_edition_in_force_not_empty CHECK (NOT isempty(in_force))
    )
    """,
    """
    COMMENT ON COLUMN edition.in_force IS '[from, to): open above while in force'
    """,
    """
    CREATE TABLE area (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        uid UUID DEFAULT gen_random_uuid() NOT NULL,
        code TEXT NOT NULL,
        kind TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_area PRIMARY KEY (id),
        CONSTRAINT uq_area_uid UNIQUE (uid),
        CONSTRAINT uq_area_code UNIQUE (code),
        CONSTRAINT fk_area_kind FOREIGN KEY(kind) REFERENCES area_kind (code)
    )
    """,
    """
    CREATE TABLE area_lineage (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        edition_number INTEGER NOT NULL,
        from_area_id INTEGER NOT NULL,
        to_area_id INTEGER NOT NULL,
        how TEXT NOT NULL,
        CONSTRAINT pk_area_lineage PRIMARY KEY (id),
        CONSTRAINT uq_area_lineage_edition_number_from_area_id_to_area_id_how UNIQUE (edition_number, from_area_id, to_area_id, how),
        CONSTRAINT fk_area_lineage_edition_number FOREIGN KEY(edition_number) REFERENCES edition (number),
        CONSTRAINT fk_area_lineage_from_area_id FOREIGN KEY(from_area_id) REFERENCES area (id),
        CONSTRAINT fk_area_lineage_to_area_id FOREIGN KEY(to_area_id) REFERENCES area (id)
    )
    """,
    """
    CREATE TABLE area_version (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        area_id INTEGER NOT NULL,
        parent_id INTEGER,
        name TEXT NOT NULL,
        polygon geometry(MULTIPOLYGON,4326) NOT NULL,
        editions INT4RANGE NOT NULL,
        CONSTRAINT pk_area_version PRIMARY KEY (id),
        CONSTRAINT ex_area_version_one_polygon EXCLUDE USING gist (area_id WITH =, editions WITH &&),
        CONSTRAINT ck_area_version_editions_not_empty CHECK (NOT isempty(editions)),
        CONSTRAINT ck_area_version_not_its_own_parent CHECK (area_id <> parent_id),
        CONSTRAINT ck_area_version_polygon_valid CHECK (ST_IsValid(polygon)),
        CONSTRAINT fk_area_version_area_id FOREIGN KEY(area_id) REFERENCES area (id),
        CONSTRAINT fk_area_version_parent_id FOREIGN KEY(parent_id) REFERENCES area (id)
    )
    """,
    """
    CREATE INDEX ix_area_version_parent_id ON area_version (parent_id)
    """,
    """
    CREATE INDEX ix_area_version_polygon ON area_version USING gist (polygon)
    """,
    """
    COMMENT ON COLUMN area_version.editions IS '[first edition number, first it is no longer in)'
    """,
)

TRIGGERS = (
    """
    CREATE FUNCTION refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% rows are never deleted: end or retire them', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER area_kept BEFORE DELETE ON area FOR EACH ROW EXECUTE FUNCTION refuse_delete()
    """,
    """
    CREATE TRIGGER edition_kept BEFORE DELETE ON edition FOR EACH ROW EXECUTE FUNCTION refuse_delete()
    """,
)

TABLES = (
    "area_version",
    "area_lineage",
    "area",
    "edition",
    "area_kind",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)
    for statement in TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_delete()")
