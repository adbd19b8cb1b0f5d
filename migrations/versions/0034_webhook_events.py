"""Bodies' systems hear of every step of their cases: a delivery may tell of a step instead of a decision."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_BEFORE = "uq_delivery_decision_id_organisation_id_channel"

_STATEMENTS = (
    "ALTER TABLE delivery ADD COLUMN step_id UUID CONSTRAINT fk_delivery_step_id REFERENCES case_step (id)",
    "COMMENT ON COLUMN delivery.step_id IS 'the step that is told of; null: the decision itself is'",
    "ALTER TABLE delivery DROP CONSTRAINT ck_delivery_kind_known",
    "ALTER TABLE delivery ADD CONSTRAINT ck_delivery_kind_known CHECK (kind IN ('dispatched', 'withdrawn', 'step'))",
    "ALTER TABLE delivery ADD CONSTRAINT ck_delivery_step_told CHECK ((kind = 'step') = (step_id IS NOT NULL))",
    f"ALTER TABLE delivery DROP CONSTRAINT {_BEFORE}",
    "CREATE UNIQUE INDEX uq_delivery_decision ON delivery (decision_id, organisation_id, channel) WHERE step_id IS NULL",
    "CREATE UNIQUE INDEX uq_delivery_step ON delivery (step_id, organisation_id, channel) WHERE step_id IS NOT NULL",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60min'")
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM delivery_attempt USING delivery WHERE delivery.id = delivery_id AND step_id IS NOT NULL")
    op.execute("DELETE FROM delivery WHERE step_id IS NOT NULL")
    op.execute("DROP INDEX uq_delivery_step")
    op.execute("DROP INDEX uq_delivery_decision")
    op.execute(f"ALTER TABLE delivery ADD CONSTRAINT {_BEFORE} UNIQUE (decision_id, organisation_id, channel)")
    op.execute("ALTER TABLE delivery DROP CONSTRAINT ck_delivery_step_told")
    op.execute("ALTER TABLE delivery DROP COLUMN step_id")
    op.execute("ALTER TABLE delivery DROP CONSTRAINT ck_delivery_kind_known")
    op.execute("ALTER TABLE delivery ADD CONSTRAINT ck_delivery_kind_known CHECK (kind IN ('dispatched', 'withdrawn'))")
