"""Logins in one normal form, and the book of what was done to accounts.

A login that is none is renamed: folded, with ``-`` for what no login may hold; where that is taken, with a number. Who
kept or got which login stands in ``account_event``.
"""

import unicodedata

from alembic import op
from sqlalchemy import text

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NORMAL = r"login = lower(normalize(login, NFKC)) AND login !~ '[[:space:][:cntrl:]]' AND login <> ''"
EVENTS = (
    "'added', 'renamed', 'role_given', 'role_ended', 'password_set', 'password_changed', 'blocked', 'unblocked', "
    "'signed_out'"
)
PUNCTUATION = "._-@+"
TAKEN = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"}
LONGEST = 60


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '10min'")
    op.execute(
        f"""
        CREATE TABLE account_event (
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            person_id INTEGER NOT NULL,
            actor_id INTEGER,
            what TEXT NOT NULL,
            at TIMESTAMP WITH TIME ZONE NOT NULL,
            source TEXT NOT NULL,
            detail JSONB DEFAULT '{{}}' NOT NULL,
            CONSTRAINT pk_account_event PRIMARY KEY (id),
            CONSTRAINT ck_account_event_what_known CHECK (what IN ({EVENTS})),
            CONSTRAINT fk_account_event_person_id FOREIGN KEY(person_id) REFERENCES person (id),
            CONSTRAINT fk_account_event_actor_id FOREIGN KEY(actor_id) REFERENCES person (id)
        )
        """
    )
    op.execute("COMMENT ON COLUMN account_event.source IS 'the caller''s address; command or migration'")
    op.execute("CREATE INDEX ix_account_event_person_id ON account_event (person_id)")
    op.execute(
        """
        CREATE TRIGGER account_event_kept BEFORE DELETE OR UPDATE ON account_event
            FOR EACH ROW EXECUTE FUNCTION refuse_delete()
        """
    )
    _rename()
    op.execute(f"ALTER TABLE person ADD CONSTRAINT ck_person_login_normal CHECK ({NORMAL})")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE person DROP CONSTRAINT ck_person_login_normal")
    op.execute("DROP TABLE account_event")


def _rename() -> None:
    """Give a normal login to those who have none. Who has one keeps it; of the rest the oldest account is first."""
    op.execute("LOCK TABLE person IN SHARE ROW EXCLUSIVE MODE")
    people = op.get_bind().execute(text("SELECT id, login FROM person ORDER BY id")).all()
    taken = {login for _, login in people if _normal(login, 0) == login}
    renamed = []
    for person_id, login in people:
        plain = _normal(login, person_id)
        if plain == login:
            continue
        free = next(name for name in _numbered(plain) if name not in taken)
        taken.add(free)
        renamed.append({"id": person_id, "was": login, "login": free})
    for each in renamed:
        op.get_bind().execute(text("UPDATE person SET login = :login WHERE id = :id"), each)
        op.get_bind().execute(
            text("""
                INSERT INTO account_event (person_id, what, at, source, detail)
                VALUES (:id, 'renamed', now(), 'migration', jsonb_build_object('was', CAST(:was AS text),
                                                                               'login', CAST(:login AS text)))
            """),
            each,
        )


def _numbered(plain: str):  # noqa: ANN202
    yield plain
    number = 2
    while True:
        ending = f"-{number}"
        yield plain[: LONGEST - len(ending)] + ending
        number += 1


def _normal(login: str, person_id: int) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).strip().casefold()).lower()
    kept = "".join(
        char if char in PUNCTUATION or unicodedata.category(char) in TAKEN else "-"
        for char in unicodedata.normalize("NFKC", folded)
    )[:LONGEST]
    return kept if kept[:1].isalnum() else f"person-{person_id}{kept}"[:LONGEST]
