"""The names of people by their logins, for lists that show who did what. Reads only; must not know requests."""

from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.tables import Person


def names_of(session: Session, logins: Iterable[str]) -> Mapping[str, str]:
    """Return login -> name, of those that somebody has; whoever did something long ago may have none any more."""
    wanted = sorted(set(logins))
    if not wanted:
        return {}
    rows = session.execute(select(Person.login, Person.name).where(Person.login.in_(wanted)))
    return {row.login: row.name for row in rows}
