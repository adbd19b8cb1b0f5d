"""Routing onward: rules, decisions, deliveries and endpoints; an issue's category and body must exist."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE TABLE rule (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        label TEXT NOT NULL,
        category TEXT,
        area_id INTEGER,
        severity TEXT,
        hours TEXT DEFAULT 'any' NOT NULL,
        source TEXT,
        lead_body_id INTEGER NOT NULL,
        assisting_ids INTEGER[] DEFAULT '{}' NOT NULL,
        limit_value SMALLINT,
        limit_unit TEXT,
        tier TEXT,
        active BOOLEAN DEFAULT true NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        created_by INTEGER,
        retired_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_rule PRIMARY KEY (id),
        CONSTRAINT ck_rule_severity_known CHECK (severity IN ('low', 'normal', 'urgent')),
        CONSTRAINT ck_rule_hours_known CHECK (hours IN ('any', 'working', 'off')),
        CONSTRAINT ck_rule_source_known CHECK (source IN ('worker', 'resident', 'staff')),
        CONSTRAINT ck_rule_limit_unit_known CHECK (limit_unit IN ('h', 'wh', 'wd', 'd')),
        CONSTRAINT ck_rule_limit_whole CHECK ((limit_value IS NULL) = (limit_unit IS NULL)),
        CONSTRAINT ck_rule_limit_positive CHECK (limit_value > 0),
        CONSTRAINT ck_rule_lead_does_not_assist CHECK (NOT (lead_body_id = ANY (assisting_ids))),
        CONSTRAINT fk_rule_category FOREIGN KEY(category) REFERENCES category (code),
        CONSTRAINT fk_rule_area_id FOREIGN KEY(area_id) REFERENCES area (id),
        CONSTRAINT fk_rule_lead_body_id FOREIGN KEY(lead_body_id) REFERENCES organisation (id),
        CONSTRAINT fk_rule_created_by FOREIGN KEY(created_by) REFERENCES person (id)
    )
    """,
    """
    CREATE UNIQUE INDEX uq_rule_no_ties ON rule (category, area_id, severity, hours, source)
        NULLS NOT DISTINCT WHERE active
    """,
    """
    COMMENT ON COLUMN rule.category IS 'two or four digits; null: all'
    """,
    """
    COMMENT ON COLUMN rule.area_id IS 'with all areas below it; null: all'
    """,
    """
    COMMENT ON COLUMN rule.limit_value IS 'null: the category''s limit'
    """,
    """
    CREATE TABLE routing_decision (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        issue_id UUID NOT NULL,
        decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
        rule_id INTEGER,
        body_id INTEGER NOT NULL,
        assisting_ids INTEGER[] NOT NULL,
        tier TEXT NOT NULL,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        limit_value SMALLINT,
        limit_unit TEXT,
        due_at TIMESTAMP WITH TIME ZONE,
        edition INTEGER,
        reasons JSONB NOT NULL,
        CONSTRAINT pk_routing_decision PRIMARY KEY (id),
        CONSTRAINT ck_routing_decision_limit_unit_known CHECK (limit_unit IN ('h', 'wh', 'wd', 'd')),
        CONSTRAINT fk_routing_decision_issue_id FOREIGN KEY(issue_id) REFERENCES issue (id),
        CONSTRAINT fk_routing_decision_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id),
        CONSTRAINT fk_routing_decision_body_id FOREIGN KEY(body_id) REFERENCES organisation (id)
    )
    """,
    """
    CREATE INDEX ix_routing_decision_issue_id ON routing_decision (issue_id, id)
    """,
    """
    COMMENT ON COLUMN routing_decision.rule_id IS 'null: a default decided'
    """,
    """
    COMMENT ON COLUMN routing_decision.tier IS 'the lowest level that may settle it'
    """,
    """
    COMMENT ON COLUMN routing_decision.since IS 'when the clock of this deadline began to run'
    """,
    """
    COMMENT ON COLUMN routing_decision.edition IS 'edition of the ground it was decided on'
    """,
    """
    COMMENT ON COLUMN routing_decision.reasons IS '[{"code", "zh", "en"}], most telling first'
    """,
    """
    CREATE TABLE endpoint (
        organisation_id INTEGER NOT NULL,
        url TEXT NOT NULL,
        sealed_secret BYTEA NOT NULL,
        active BOOLEAN DEFAULT true NOT NULL,
        disabled_reason TEXT,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        leased_until TIMESTAMP WITH TIME ZONE,
        resting_until TIMESTAMP WITH TIME ZONE,
        failures INTEGER DEFAULT '0' NOT NULL,
        CONSTRAINT pk_endpoint PRIMARY KEY (organisation_id),
        CONSTRAINT ck_endpoint_disabled_with_a_reason CHECK (active = (disabled_reason IS NULL)),
        CONSTRAINT fk_endpoint_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
    )
    """,
    """
    COMMENT ON COLUMN endpoint.sealed_secret IS 'Fernet token of the whsec_ secret'
    """,
    """
    COMMENT ON COLUMN endpoint.leased_until IS 'somebody is sending to it until then at most'
    """,
    """
    COMMENT ON COLUMN endpoint.resting_until IS 'circuit open: nothing is sent until then'
    """,
    """
    COMMENT ON COLUMN endpoint.failures IS 'attempts that went wrong in a row'
    """,
    """
    CREATE TABLE delivery (
        id UUID NOT NULL,
        decision_id BIGINT NOT NULL,
        issue_id UUID NOT NULL,
        organisation_id INTEGER NOT NULL,
        channel TEXT NOT NULL,
        kind TEXT DEFAULT 'dispatched' NOT NULL,
        state TEXT NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        first_due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        next_attempt_at TIMESTAMP WITH TIME ZONE,
        last_error TEXT,
        delivered_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_delivery PRIMARY KEY (id),
        CONSTRAINT uq_delivery_decision_id_organisation_id_channel UNIQUE (decision_id, organisation_id, channel),
        CONSTRAINT ck_delivery_channel_known CHECK (channel IN ('desk', 'webhook')),
        CONSTRAINT ck_delivery_kind_known CHECK (kind IN ('dispatched', 'withdrawn')),
        CONSTRAINT ck_delivery_state_known CHECK (
            state IN ('waiting', 'sending', 'delivered', 'failed', 'given_up', 'superseded')),
        CONSTRAINT ck_delivery_delivered_when CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)),
        CONSTRAINT fk_delivery_decision_id FOREIGN KEY(decision_id) REFERENCES routing_decision (id),
        CONSTRAINT fk_delivery_issue_id FOREIGN KEY(issue_id) REFERENCES issue (id),
        CONSTRAINT fk_delivery_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
    )
    """,
    """
    CREATE INDEX ix_delivery_due ON delivery (organisation_id, next_attempt_at)
        WHERE state IN ('waiting', 'sending', 'failed')
    """,
    """
    CREATE INDEX ix_delivery_given_up ON delivery (id) WHERE state IN ('failed', 'given_up')
    """,
    """
    CREATE INDEX ix_delivery_issue_id ON delivery (issue_id)
    """,
    """
    COMMENT ON COLUMN delivery.first_due_at IS 'trying is counted from here; reset by hand'
    """,
    """
    CREATE TABLE delivery_attempt (
        delivery_id UUID NOT NULL,
        number INTEGER NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        status_code SMALLINT,
        error TEXT,
        CONSTRAINT pk_delivery_attempt PRIMARY KEY (delivery_id, number),
        CONSTRAINT fk_delivery_attempt_delivery_id FOREIGN KEY(delivery_id) REFERENCES delivery (id)
    )
    """,
    """
    CREATE INDEX ix_issue_body_id ON issue (body_id, due_at)
        WHERE closed_at IS NULL AND body_id IS NOT NULL
    """,
    """
    CREATE INDEX ix_issue_assisting_ids ON issue USING gin (assisting_ids)
        WHERE closed_at IS NULL AND assisting_ids IS NOT NULL
    """,
    # Decisions are the record of why: they are superseded, never changed or removed.
    """
    CREATE TRIGGER routing_decision_kept BEFORE DELETE ON routing_decision
        FOR EACH ROW EXECUTE FUNCTION refuse_delete()
    """,
)

KEYS = (
    ("fk_issue_category", "FOREIGN KEY (category) REFERENCES category (code)"),
    ("fk_issue_body_id", "FOREIGN KEY (body_id) REFERENCES organisation (id)"),
)

INDEXES = ("ix_issue_body_id", "ix_issue_assisting_ids")

COLUMNS = ("file_when_en", "close_when_en")

TABLES = ("delivery_attempt", "delivery", "endpoint", "routing_decision", "rule")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)
    for column in COLUMNS:
        op.execute(f"ALTER TABLE category ADD COLUMN {column} TEXT DEFAULT '' NOT NULL")
    for name, key in KEYS:
        op.execute(f"ALTER TABLE issue ADD CONSTRAINT {name} {key} NOT VALID")
        op.execute(f"ALTER TABLE issue VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for name, _ in KEYS:
        op.execute(f"ALTER TABLE issue DROP CONSTRAINT {name}")
    for index in INDEXES:
        op.execute(f"DROP INDEX {index}")
    for column in COLUMNS:
        op.execute(f"ALTER TABLE category DROP COLUMN {column}")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
