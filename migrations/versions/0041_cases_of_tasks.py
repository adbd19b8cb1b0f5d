"""A task shows the case that it is of: what changes there is told to whoever has the task.

The phone of somebody who checks holds no copy of the issue, which lies elsewhere; it kept words of the case that had
been changed meanwhile. The task's revision is raised with the case, and the feed touched at the commit: its counter is
locked last.
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE FUNCTION tasks_follow_case() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE task SET rev = rev + 1, changed_at = NEW.changed_at
        WHERE issue_id = NEW.id AND kind IN ('verify', 'check') AND deleted_at IS NULL;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER issue_changes_its_tasks AFTER UPDATE ON issue FOR EACH ROW
        WHEN (OLD.doc IS DISTINCT FROM NEW.doc OR OLD.state IS DISTINCT FROM NEW.state
              OR OLD.number IS DISTINCT FROM NEW.number OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
        EXECUTE FUNCTION tasks_follow_case()
    """,
    """
    CREATE FUNCTION task_touches_feed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM touch_feed(ARRAY[NEW.person_id::bigint * 4 + 1], ARRAY[4::smallint], ARRAY[NEW.id]);
        RETURN NULL;
    END
    $$
    """,
    # What changes a task itself touches the feed by itself.
    """
    CREATE CONSTRAINT TRIGGER task_follows_its_case AFTER UPDATE OF rev ON task DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (
            NEW.issue_id IS NOT NULL AND OLD.rev IS DISTINCT FROM NEW.rev AND OLD.doc IS NOT DISTINCT FROM NEW.doc
            AND OLD.person_id IS NOT DISTINCT FROM NEW.person_id AND OLD.deleted_at IS NOT DISTINCT FROM NEW.deleted_at
            AND OLD.due_at IS NOT DISTINCT FROM NEW.due_at AND OLD.grid_now IS NOT DISTINCT FROM NEW.grid_now
        ) EXECUTE FUNCTION task_touches_feed()
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute("DROP TRIGGER task_follows_its_case ON task")
    op.execute("DROP FUNCTION task_touches_feed()")
    op.execute("DROP TRIGGER issue_changes_its_tasks ON issue")
    op.execute("DROP FUNCTION tasks_follow_case()")
