"""What a job failed on and set aside, of every kind of job in one table; issues that could not be routed go into it."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        """
        CREATE TABLE dead_letter (
            queue TEXT NOT NULL,
            item TEXT NOT NULL,
            mark TEXT DEFAULT '' NOT NULL,
            since TIMESTAMP WITH TIME ZONE NOT NULL,
            last_at TIMESTAMP WITH TIME ZONE NOT NULL,
            attempts INTEGER NOT NULL,
            next_attempt_at TIMESTAMP WITH TIME ZONE NOT NULL,
            reason TEXT NOT NULL,
            CONSTRAINT pk_dead_letter PRIMARY KEY (queue, item),
            CONSTRAINT ck_dead_letter_attempts_positive CHECK (attempts > 0)
        )
        """
    )
    op.execute(
        "COMMENT ON COLUMN dead_letter.item IS 'what it is, in words of the queue: an id, or a collection and an id'"
    )
    op.execute("COMMENT ON COLUMN dead_letter.mark IS 'its state then; in another it is tried at once'")
    op.execute("COMMENT ON COLUMN dead_letter.since IS 'when it failed first'")
    op.execute(
        """
        INSERT INTO dead_letter (queue, item, mark, since, last_at, attempts, next_attempt_at, reason)
        SELECT 'routing', issue_id::text, rev::text, since, least(since, next_attempt_at), attempts, next_attempt_at,
               reason
        FROM routing_failure
        """
    )
    op.execute("DROP TABLE routing_failure")


def downgrade() -> None:
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
    op.execute(
        """
        INSERT INTO routing_failure (issue_id, rev, since, attempts, next_attempt_at, reason)
        SELECT item::uuid, mark::int, since, attempts, next_attempt_at, reason FROM dead_letter WHERE queue = 'routing'
        """
    )
    op.execute("DROP TABLE dead_letter")
