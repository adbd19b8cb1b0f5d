"""The catalogue over time: versions of its rows, filing conditions, and where and when a category is not taken."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE category_version (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        code TEXT NOT NULL,
        during TSTZRANGE NOT NULL,
        terms JSONB NOT NULL,
        entered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        entered_by INTEGER,
        CONSTRAINT pk_category_version PRIMARY KEY (id),
        CONSTRAINT ck_category_version_some_time CHECK (NOT isempty(during)),
        CONSTRAINT ex_category_version_one_at_a_time EXCLUDE USING gist (code WITH =, during WITH &&),
        CONSTRAINT fk_category_version_code FOREIGN KEY(code) REFERENCES category (code) ON DELETE CASCADE,
        CONSTRAINT fk_category_version_entered_by FOREIGN KEY(entered_by) REFERENCES person (id)
    )
    """,
    "COMMENT ON COLUMN category_version.during IS 'facts of then are judged by it; it may lie in the future'",
    "COMMENT ON COLUMN category_version.terms IS 'the columns of category but code and validity'",
    "COMMENT ON COLUMN category_version.entered_by IS 'null: the program itself'",
    "CREATE INDEX ix_category_version_begins ON category_version (lower(during))",
    """
    CREATE FUNCTION category_terms(category) RETURNS jsonb LANGUAGE sql STABLE
        AS $$ SELECT to_jsonb($1) - 'code' - 'valid_from' - 'valid_until' $$
    """,
    # Whoever changes a category, what it was is kept: nobody can forget it.
    """
    CREATE FUNCTION category_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        standing category_version;
        following timestamptz;
        -- Whoever changes the catalogue as of a moment says so; whoever writes the table changes it now.
        moment timestamptz := coalesce(nullif(current_setting('gridpatrol.moment', true), '')::timestamptz, now());
    BEGIN
        SELECT * INTO standing FROM category_version WHERE code = NEW.code AND during @> moment;
        IF NOT FOUND THEN
            SELECT min(lower(during)) INTO following FROM category_version
                WHERE code = NEW.code AND lower(during) > moment;
            INSERT INTO category_version (code, during, terms)
                VALUES (NEW.code, tstzrange(CASE WHEN TG_OP = 'INSERT' THEN NEW.valid_from ELSE moment END, following),
                        category_terms(NEW));
        ELSIF standing.terms <> category_terms(NEW) THEN
            IF lower(standing.during) = moment THEN
                UPDATE category_version SET terms = category_terms(NEW) WHERE id = standing.id;
            ELSE
                UPDATE category_version SET during = tstzrange(lower(during), moment) WHERE id = standing.id;
                INSERT INTO category_version (code, during, terms)
                    VALUES (NEW.code, tstzrange(moment, upper(standing.during)), category_terms(NEW));
            END IF;
        END IF;
        RETURN NULL;
    END $$
    """,
    (
        "INSERT INTO category_version (code, during, terms)"
        " SELECT code, tstzrange(valid_from, NULL), category_terms(category) FROM category"
    ),
    (
        "CREATE TRIGGER category_keeps_version AFTER INSERT OR UPDATE ON category"
        " FOR EACH ROW EXECUTE FUNCTION category_keep_version()"
    ),
    """
    CREATE TABLE filing_condition (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        category TEXT NOT NULL,
        number SMALLINT NOT NULL,
        name_zh TEXT NOT NULL,
        name_en TEXT NOT NULL,
        close_when TEXT DEFAULT '' NOT NULL,
        close_when_en TEXT DEFAULT '' NOT NULL,
        limit_value SMALLINT NOT NULL,
        limit_unit TEXT NOT NULL,
        during TSTZRANGE NOT NULL,
        CONSTRAINT pk_filing_condition PRIMARY KEY (id),
        CONSTRAINT ck_filing_condition_number_positive CHECK (number > 0),
        CONSTRAINT ck_filing_condition_limit_positive CHECK (limit_value > 0),
        CONSTRAINT ck_filing_condition_limit_unit_known CHECK (limit_unit IN ('h', 'wh', 'wd', 'd')),
        CONSTRAINT ck_filing_condition_some_time CHECK (NOT isempty(during)),
        CONSTRAINT ex_filing_condition_one_at_a_time
            EXCLUDE USING gist (category WITH =, number WITH =, during WITH &&),
        CONSTRAINT fk_filing_condition_category FOREIGN KEY(category) REFERENCES category (code) ON DELETE CASCADE
    )
    """,
    "COMMENT ON COLUMN filing_condition.close_when IS 'when a case of this sort may be closed; empty: as its category'",
    "COMMENT ON COLUMN filing_condition.during IS 'cases of then may be filed under it; it may lie in the future'",
    """
    CREATE TABLE reporting_ban (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        category TEXT NOT NULL,
        area_id INTEGER,
        hours TEXT,
        reason_zh TEXT NOT NULL,
        reason_en TEXT NOT NULL,
        during TSTZRANGE NOT NULL,
        CONSTRAINT pk_reporting_ban PRIMARY KEY (id),
        CONSTRAINT ck_reporting_ban_hours_shape
            CHECK (hours ~ '^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$'),
        CONSTRAINT ck_reporting_ban_some_time CHECK (NOT isempty(during)),
        CONSTRAINT fk_reporting_ban_category FOREIGN KEY(category) REFERENCES category (code) ON DELETE CASCADE,
        CONSTRAINT fk_reporting_ban_area_id FOREIGN KEY(area_id) REFERENCES area (id)
    )
    """,
    "COMMENT ON COLUMN reporting_ban.area_id IS 'with all areas below it; null: everywhere'",
    "COMMENT ON COLUMN reporting_ban.hours IS 'HH:MM-HH:MM in Asia/Shanghai, over midnight too; null: always'",
    "CREATE INDEX ix_reporting_ban_category ON reporting_ban (category)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER category_keeps_version ON category")
    for table in ("reporting_ban", "filing_condition", "category_version"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION category_keep_version()")
    op.execute("DROP FUNCTION category_terms(category)")
