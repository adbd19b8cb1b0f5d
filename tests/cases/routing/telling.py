"""Rules, endpoints and changed issues, and whom the decisions tell."""

from datetime import timedelta

from sqlalchemy import text

from server.cases.routing.rulebook import Draft, save
from tests.cases.city import NOW, id_of, rows

LATER = NOW + timedelta(minutes=30)


def rule(session, lead="xiaofang", **more):
    return save(session, Draft("试行规则", lead, **more), author_id=None, now=NOW)


def hook(session, code):
    session.execute(
        text("""
            INSERT INTO endpoint (organisation_id, url, sealed_secret, changed_at)
            VALUES (:id, 'https://example.org/', '', now())
        """),
        {"id": id_of(session, "organisation", code)},
    )


def change(session, issue_id, **fields):
    """Change fields of an issue as a merged operation does."""
    for name, value in fields.items():
        session.execute(
            text("UPDATE issue SET doc = jsonb_set(doc, ARRAY[:name], to_jsonb(CAST(:value AS text))) WHERE id = :id"),
            {"id": issue_id, "name": name, "value": value},
        )


def deliveries(session, issue_id):
    return {
        (row["code"], row["channel"], row["kind"], row["state"])
        for row in rows(
            session,
            """SELECT code, channel, delivery.kind, state FROM delivery
               JOIN organisation ON organisation.id = organisation_id WHERE issue_id = :id""",
            id=issue_id,
        )
    }
