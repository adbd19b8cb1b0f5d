"""Application passwords: what a GIS program signs in with, so that nobody's own password lies in a project file.

Owns ``app_password``. Must not know headers. A secret is 192 random bits, so a plain digest of it cannot be turned
back and is found by an index: no slow hash on each of a program's many requests.
"""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from server.accounts.errors import OutsideCharge, SignInRefused, SignInRequired, TooManyAppPasswords
from server.accounts.logins import looked_up
from server.accounts.signin import TOUCH_AFTER, Staff, is_open
from server.accounts.tables import AppPassword
from sync.tables import Person

MOST = 20


@dataclass(frozen=True, slots=True)
class Named:
    """An application password as its owner sees it; the secret is never seen again."""

    id: int
    name: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Made:
    """A new application password with its ``secret``, told this once."""

    password: Named
    secret: str


def make(session: Session, person_id: int, name: str, *, token: str, now: dt.datetime) -> Made:
    """Make an application password for the holder of a session. Raises ``TooManyAppPasswords``.

    Raises ``SignInRequired`` where the session of ``token`` was ended meanwhile: what it makes would outlive it.
    """
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    if not is_open(session, token):
        raise SignInRequired
    held = session.scalar(
        select(func.count()).where(AppPassword.person_id == person_id, AppPassword.revoked_at.is_(None))
    )
    if (held or 0) >= MOST:
        raise TooManyAppPasswords(most=MOST)
    secret = f"gp-{secrets.token_urlsafe(24)}"
    row = AppPassword(person_id=person_id, name=name, secret_hash=_digest(secret), created_at=now)
    session.add(row)
    session.flush()
    return Made(Named(row.id, name, now, None), secret)


def held_by(session: Session, person_id: int) -> list[Named]:
    """Return the passwords in use, the newest first."""
    rows = session.execute(
        select(AppPassword.id, AppPassword.name, AppPassword.created_at, AppPassword.last_used_at)
        .where(AppPassword.person_id == person_id, AppPassword.revoked_at.is_(None))
        .order_by(AppPassword.id.desc())
    )
    return [Named(*row) for row in rows]


def revoke(session: Session, person_id: int, password_id: int, *, now: dt.datetime) -> None:
    """Take a password out of use at once. Raises ``OutsideCharge`` for one that is not this person's."""
    done = session.scalar(
        update(AppPassword)
        .where(AppPassword.id == password_id, AppPassword.person_id == person_id, AppPassword.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(AppPassword.id)
    )
    if done is None:
        raise OutsideCharge(what=str(password_id))


def revoke_all(session: Session, person_id: int, *, now: dt.datetime) -> int:
    """Take all of a person's application passwords out of use; return how many there were."""
    revoked = (
        update(AppPassword)
        .where(AppPassword.person_id == person_id, AppPassword.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return len(session.scalars(revoked.returning(AppPassword.id)).all())


# Programs ask often: a text is sent as it is, a composed statement is looked up anew each time.
_HOLDER = text("""
    SELECT person.id, person.login, person.name, held.created_at, held.last_used_at
    FROM app_password AS held JOIN person ON person.id = held.person_id
    WHERE held.secret_hash = :digest AND held.revoked_at IS NULL AND person.is_active AND person.login = :login
""")


def authenticate(session: Session, login: str, secret: str) -> Staff:
    """Return whose password this is; ``seen_at`` is when it was last noted. Raises ``SignInRefused``."""
    held = {"digest": _digest(secret), "login": looked_up(login).replace("\0", " ")}
    row = session.execute(_HOLDER, held).one_or_none()
    if row is None:
        raise SignInRefused
    person_id, login, name, created_at, last_used_at = row
    seen_at = last_used_at or created_at - 2 * TOUCH_AFTER
    return Staff(person_id, login, name, dt.datetime.max.replace(tzinfo=dt.UTC), seen_at)


def note_use(session: Session, secret: str, *, now: dt.datetime) -> None:
    """Note that a password was used."""
    session.execute(update(AppPassword).where(AppPassword.secret_hash == _digest(secret)).values(last_used_at=now))


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
