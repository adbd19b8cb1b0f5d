"""People, organisations, assignments and staff sessions."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE city_state (
        id INTEGER NOT NULL,
        epoch UUID DEFAULT gen_random_uuid() NOT NULL,
        ground_serial INTEGER DEFAULT '0' NOT NULL,
        scope_serial INTEGER DEFAULT '0' NOT NULL,
        CONSTRAINT pk_city_state PRIMARY KEY (id),
        CONSTRAINT ck_city_state_one_row CHECK (id = 1)
    )
    """,
    """
    COMMENT ON COLUMN city_state.epoch IS 'new after a restore'
    """,
    """
    COMMENT ON COLUMN city_state.ground_serial IS 'bumped by a trigger on edition'
    """,
    """
    COMMENT ON COLUMN city_state.scope_serial IS 'bumped by a trigger on assignment'
    """,
    """
    CREATE TABLE person (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        login TEXT NOT NULL,
        name TEXT NOT NULL,
        password_hash TEXT,
        is_active BOOLEAN DEFAULT true NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_person PRIMARY KEY (id),
        CONSTRAINT uq_person_login UNIQUE (login)
    )
    """,
    """
    COMMENT ON COLUMN person.password_hash IS 'argon2id; null: may not sign in'
    """,
    """
    CREATE TABLE staff_session (
        token_hash BYTEA NOT NULL,
        person_id INTEGER NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_staff_session PRIMARY KEY (token_hash),
        CONSTRAINT fk_staff_session_person_id FOREIGN KEY(person_id) REFERENCES person (id)
    )
    """,
    """
    CREATE INDEX ix_staff_session_person_id ON staff_session (person_id)
    """,
    """
    CREATE TABLE organisation (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        code TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        name_en TEXT DEFAULT '' NOT NULL,
        area_id INTEGER,
        position geometry(POINT,4326),
        CONSTRAINT pk_organisation PRIMARY KEY (id),
        CONSTRAINT ck_organisation_kind_known CHECK (kind IN ('party', 'department', 'property', 'society', 'company', 'service_centre', 'community')),
        CONSTRAINT uq_organisation_code UNIQUE (code),
        CONSTRAINT fk_organisation_area_id FOREIGN KEY(area_id) REFERENCES area (id)
    )
    """,
    """
    CREATE TABLE assignment (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        person_id INTEGER NOT NULL,
        role TEXT NOT NULL,
        area_id INTEGER,
        organisation_id INTEGER,
        during TSTZRANGE NOT NULL,
        CONSTRAINT pk_assignment PRIMARY KEY (id),
        CONSTRAINT ck_assignment_role_known CHECK (role IN ('grid_head', 'grid_worker', 'building_head', 'unit_head', 'dispatcher', 'handler', 'checker', 'supervisor', 'gis', 'auditor', 'admin')),
        CONSTRAINT ck_assignment_somewhere CHECK (area_id IS NOT NULL OR organisation_id IS NOT NULL),
        CONSTRAINT ck_assignment_during_not_empty CHECK (NOT isempty(during)),
        CONSTRAINT ex_assignment_once_at_a_time EXCLUDE USING gist (person_id WITH =, role WITH =, coalesce(area_id, 0) WITH =, coalesce(organisation_id, 0) WITH =, during WITH &&),
        CONSTRAINT fk_assignment_person_id FOREIGN KEY(person_id) REFERENCES person (id),
        CONSTRAINT fk_assignment_area_id FOREIGN KEY(area_id) REFERENCES area (id),
        CONSTRAINT fk_assignment_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
    )
    """,
    """
    CREATE INDEX ix_assignment_area_id ON assignment (area_id)
    """,
    """
    CREATE TABLE service_link (
        organisation_id INTEGER NOT NULL,
        area_id INTEGER NOT NULL,
        CONSTRAINT pk_service_link PRIMARY KEY (organisation_id, area_id),
        CONSTRAINT fk_service_link_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
        CONSTRAINT fk_service_link_area_id FOREIGN KEY(area_id) REFERENCES area (id)
    )
    """,
)

TRIGGERS = (
    """
    INSERT INTO city_state (id) VALUES (1)
    """,
    """
    CREATE FUNCTION bump_city_serial() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_TABLE_NAME = 'edition' THEN
            UPDATE city_state SET ground_serial = ground_serial + 1;
        ELSE
            UPDATE city_state SET scope_serial = scope_serial + 1;
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER edition_noticed AFTER INSERT OR UPDATE ON edition
        FOR EACH STATEMENT EXECUTE FUNCTION bump_city_serial()
    """,
    """
    CREATE TRIGGER assignment_noticed AFTER INSERT OR UPDATE OR DELETE ON assignment
        FOR EACH STATEMENT EXECUTE FUNCTION bump_city_serial()
    """,
    """
    CREATE TRIGGER person_kept BEFORE DELETE ON person FOR EACH ROW EXECUTE FUNCTION refuse_delete()
    """,
)

TABLES = (
    "service_link",
    "assignment",
    "organisation",
    "staff_session",
    "person",
    "city_state",
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
    op.execute("DROP FUNCTION bump_city_serial() CASCADE")
