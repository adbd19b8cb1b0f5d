"""Issues that could not be routed: why, how often it was tried, and when it is tried again."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE TABLE routing_failure (
            issue_id UUID NOT NULL,
            rev INTEGER NOT NULL,
            since TIMESTAMP WITH TIME ZONE NOT NULL,
            attempts INTEGER NOT NULL,
            next_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL,
            reason TEXT NOT NULL,
            CONSTRAINT pk_routing_failure PRIMARY KEY (issue_id),
            CONSTRAINT fk_routing_failure_issue_id FOREIGN KEY(issue_id) REFERENCES issue (id),
            CONSTRAINT ck_routing_failure_attempts_positive CHECK (attempts > 0)
        )
        """
    )
    op.execute("COMMENT ON COLUMN routing_failure.rev IS 'of the issue; another revision is tried at once'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TABLE routing_failure")
