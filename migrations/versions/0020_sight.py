"""What phones see: zones below grids, and of private issues what follows a task, a category or a flag.

Whoever has an open task on a private issue sees it whole, so a task that comes, goes or ends touches the issue and its
files for that person. A category or flag that changes touches what it masks. Deferred to the commit, like all touches
of triggers: the feed's counter is locked last.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TOUCH_OF_TASK = """
    CREATE FUNCTION private_issue_follows_task() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        channels bigint[];
        topics smallint[];
        refs uuid[];
    BEGIN
        WITH people AS (
            SELECT DISTINCT person FROM unnest(ARRAY[NEW.person_id, OLD.person_id]) AS person WHERE person IS NOT NULL
        ), shown AS (
            SELECT issue.id FROM issue JOIN category ON category.code = issue.category
            WHERE issue.id IN (NEW.issue_id, OLD.issue_id) AND (issue.private OR category.is_private)
        ), touched AS (
            SELECT 2 AS topic, id AS ref FROM shown
            UNION ALL
            SELECT 5, attachment.id FROM attachment JOIN shown ON shown.id = attachment.record_id
            WHERE attachment.collection = 'issues' AND attachment.bond = 'bound'
        )
        SELECT array_agg(person::bigint * 4 + 1), array_agg(topic), array_agg(ref) INTO channels, topics, refs
        FROM people, touched;
        PERFORM touch_feed(channels, topics, refs);
        RETURN NULL;
    END
    $$
"""
TOUCH_OF_CATEGORY = """
    CREATE FUNCTION issues_follow_category() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        channels bigint[];
        topics smallint[];
        refs uuid[];
    BEGIN
        WITH masked AS (
            SELECT 2 AS topic, id, grid_now, author_id AS person_id FROM issue
            WHERE category = NEW.code AND deleted_at IS NULL
            UNION ALL
            SELECT 5, attachment.id, attachment.grid_now, attachment.follower_id
            FROM attachment JOIN issue ON issue.id = attachment.record_id
            WHERE attachment.collection = 'issues' AND attachment.bond = 'bound' AND issue.category = NEW.code
        ), told AS (
            SELECT grid_now::bigint * 4 AS channel, topic, id FROM masked WHERE grid_now IS NOT NULL
            UNION ALL
            SELECT person_id::bigint * 4 + 1, topic, id FROM masked WHERE person_id IS NOT NULL
        )
        SELECT array_agg(channel), array_agg(topic), array_agg(id) INTO channels, topics, refs FROM told;
        PERFORM touch_feed(channels, topics, refs);
        RETURN NULL;
    END
    $$
"""
STATEMENTS = (
    """
    ALTER TABLE scope_snapshot ADD COLUMN zones INTEGER[] NOT NULL DEFAULT '{}'
    """,
    """
    COMMENT ON COLUMN scope_snapshot.zones IS
        'rows of: area below a grid, edition since which it is drawn so, the grid around it'
    """,
    """
    CREATE FUNCTION touch_feed(channels bigint[], topics smallint[], refs uuid[]) RETURNS void LANGUAGE sql AS $$
        WITH taken AS (
            UPDATE feed_counter SET position = position + cardinality(channels) WHERE cardinality(channels) > 0
            RETURNING position - cardinality(channels) AS before
        )
        INSERT INTO feed (channel, position, topic, ref)
        SELECT touch.channel, taken.before + touch.ordinality, touch.topic, touch.ref
        FROM taken, unnest(channels, topics, refs) WITH ORDINALITY AS touch (channel, topic, ref, ordinality)
    $$
    """,
    TOUCH_OF_TASK,
    TOUCH_OF_CATEGORY,
    """
    CREATE CONSTRAINT TRIGGER task_shows_private_issue AFTER INSERT ON task DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.issue_id IS NOT NULL) EXECUTE FUNCTION private_issue_follows_task()
    """,
    """
    CREATE CONSTRAINT TRIGGER task_hides_private_issue AFTER UPDATE ON task DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (
            (OLD.issue_id IS NOT NULL OR NEW.issue_id IS NOT NULL) AND (
                OLD.issue_id IS DISTINCT FROM NEW.issue_id OR OLD.person_id IS DISTINCT FROM NEW.person_id
                OR OLD.state IS DISTINCT FROM NEW.state OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at
            )
        ) EXECUTE FUNCTION private_issue_follows_task()
    """,
    """
    CREATE CONSTRAINT TRIGGER category_masks_issues AFTER UPDATE ON category DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (OLD.is_private IS DISTINCT FROM NEW.is_private) EXECUTE FUNCTION issues_follow_category()
    """,
    """
    CREATE TRIGGER issue_masks_attachments AFTER UPDATE ON issue FOR EACH ROW
        WHEN (OLD.private IS DISTINCT FROM NEW.private OR OLD.category IS DISTINCT FROM NEW.category)
        EXECUTE FUNCTION attachments_follow('issues')
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
    op.execute("DROP TRIGGER issue_masks_attachments ON issue")
    op.execute("DROP TRIGGER category_masks_issues ON category")
    op.execute("DROP TRIGGER task_hides_private_issue ON task")
    op.execute("DROP TRIGGER task_shows_private_issue ON task")
    op.execute("DROP FUNCTION private_issue_follows_task()")
    op.execute("DROP FUNCTION issues_follow_category()")
    op.execute("DROP FUNCTION touch_feed(bigint[], smallint[], uuid[])")
    op.execute("ALTER TABLE scope_snapshot DROP COLUMN zones")
