"""The bodies that cases can be given to, as people choose among them: by kind, then by code.

Owns that order; must not know requests.
"""

from dataclasses import dataclass

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from server.accounts.tables import Organisation

# Those that handle most come first; what a city has besides follows.
_FIRST = ("department", "community", "company", "property", "society")


@dataclass(frozen=True, slots=True)
class ListedBody:
    """One body by its code and names."""

    code: str
    kind: str
    zh: str
    en: str


def list_bodies(session: Session) -> list[ListedBody]:
    """Return all bodies that are not retired."""
    rank = case({kind: place for place, kind in enumerate(_FIRST)}, value=Organisation.kind, else_=len(_FIRST))
    rows = session.execute(
        select(Organisation.code, Organisation.kind, Organisation.name, Organisation.name_en)
        .where(Organisation.retired_at.is_(None))
        .order_by(rank, Organisation.kind, Organisation.code)
    )  # fmt: skip
    return [ListedBody(row.code, row.kind, row.name, row.name_en or row.name) for row in rows]
