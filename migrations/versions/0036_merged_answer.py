"""Who reported a duplicate sees how the case stands that it was merged into, at the end of the chain if there is one."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # The answer of a private case is told where the duplicate is private too, and seen by as few.
    op.execute("""
        CREATE FUNCTION merged_case(first uuid, privately boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
            WITH RECURSIVE chain AS (
                SELECT issue.id, issue.merged_into, 1 AS far FROM issue WHERE issue.id = first
                UNION ALL
                SELECT issue.id, issue.merged_into, far + 1 FROM chain JOIN issue ON issue.id = chain.merged_into
                WHERE far < 100
            )
            SELECT jsonb_strip_nulls(jsonb_build_object(
                'id', issue.id, 'number', issue.number, 'state', issue.state, 'closed_at', issue.closed_at,
                'closing_reason', issue.closing_reason,
                'public_answer',
                CASE WHEN privately OR NOT (issue.private OR category.is_private) THEN issue.public_answer END
            ))
            FROM chain JOIN issue ON issue.id = chain.id JOIN category ON category.code = issue.category
            ORDER BY far DESC LIMIT 1
        $$
    """)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION merged_case")
