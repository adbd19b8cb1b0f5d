"""Staff sign-in: argon2id passwords, and sessions that are stored by the hash of their token.

Owns ``staff_session`` and the password hashes of ``person``. Must not know cookies, headers or roles.
"""

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from server.accounts.errors import LoginUnusable, PasswordBlank, PasswordTooShort, SignInRefused, SignInRequired
from server.accounts.logins import normal_form
from server.accounts.tables import StaffSession
from sync.tables import Person

IDLE = dt.timedelta(hours=12)
LONGEST = dt.timedelta(days=7)
# A session is written at most this often, however many requests it makes.
TOUCH_AFTER = dt.timedelta(minutes=5)
LEAST_PASSWORD = 10
# The oldest of a person's sessions end when there are more.
MOST_SESSIONS = 50

_hasher = PasswordHasher()
# Verified where the login is unknown, so that an answer takes as long either way.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True, slots=True)
class Staff:
    """Somebody who is signed in. ``seen_at`` is when the session was last written."""

    person_id: int
    login: str
    name: str
    expires_at: dt.datetime
    seen_at: dt.datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. ``token`` goes into the cookie and is stored hashed only."""

    token: str
    staff: Staff


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password. Raises ``PasswordTooShort`` or ``PasswordBlank``."""
    if len(password) < LEAST_PASSWORD:
        raise PasswordTooShort(least=LEAST_PASSWORD)
    if all(unicodedata.category(each)[0] in "ZC" for each in password):
        raise PasswordBlank
    return _hasher.hash(_composed(password))


def sign_in(session: Session, login: str, password: str, *, now: dt.datetime) -> SignedIn:
    """Check login and password and open a session. Raises ``SignInRefused``, telling nothing more."""
    person = person_of(session, login)
    verify(session, person, password)
    if person is None:
        raise SignInRefused
    return open_session(session, person, now=now)


def person_of(session: Session, login: str) -> Person | None:
    """Return who has a login, however it was typed; None where nobody has, or could have."""
    try:
        known_as = normal_form(login)
    except LoginUnusable:
        return None
    return session.scalars(select(Person).where(Person.login == known_as)).one_or_none()


def verify(session: Session, person: Person | None, password: str) -> None:
    """Check the password of a person who may sign in, and lock the row. Raises ``SignInRefused``.

    It takes as long for nobody, and for somebody who has no password or is blocked.
    """
    may = person is not None and person.is_active and person.password_hash is not None
    known_hash = person.password_hash if person is not None and may else None
    if not _verify(known_hash or _NOBODY, password) or person is None or known_hash is None:
        raise SignInRefused
    # The check takes a while: who got another password, or was blocked, meanwhile is refused. From here to the end of
    # the transaction neither can happen, so that ending somebody's sessions misses none.
    session.refresh(person, with_for_update={"read": True})
    if not person.is_active or person.password_hash != known_hash:
        raise SignInRefused
    if _hasher.check_needs_rehash(known_hash):
        person.password_hash = hash_password(password)


def open_session(session: Session, person: Person, *, now: dt.datetime) -> SignedIn:
    """Open a session for somebody whose password was checked in this transaction."""
    token = secrets.token_urlsafe(32)
    expires_at = now + IDLE
    newest = (
        select(StaffSession.token_hash)
        .where(StaffSession.person_id == person.id, StaffSession.expires_at > now)
        .order_by(StaffSession.created_at.desc())
        .limit(MOST_SESSIONS - 1)
    )
    session.execute(
        delete(StaffSession).where(StaffSession.person_id == person.id, StaffSession.token_hash.not_in(newest))
    )
    session.add(
        StaffSession(
            token_hash=_digest(token), person_id=person.id, created_at=now, expires_at=expires_at, last_seen_at=now
        )
    )
    session.flush()
    return SignedIn(token, Staff(person.id, person.login, person.name, expires_at, now))


def authenticate(session: Session, token: str, *, now: dt.datetime) -> Staff:
    """Return who holds the session of a token. Raises ``SignInRequired`` when it is none or ended."""
    row = session.execute(
        select(Person.id, Person.login, Person.name, StaffSession.expires_at, StaffSession.last_seen_at)
        .join(StaffSession, StaffSession.person_id == Person.id)
        .where(StaffSession.token_hash == _digest(token), StaffSession.expires_at > now, Person.is_active)
    ).one_or_none()
    if row is None:
        raise SignInRequired
    return Staff(*row)


def sessions_in_force(connection: Connection, shown: Collection[bytes], *, now: dt.datetime) -> frozenset[bytes]:
    """Return which of these sessions, as ``session_digest`` names them, would still let somebody in."""
    return frozenset(
        connection.scalars(
            select(StaffSession.token_hash)
            .join(Person, Person.id == StaffSession.person_id)
            .where(StaffSession.token_hash.in_(shown), StaffSession.expires_at > now, Person.is_active)
        )
    )


def session_digest(token: str) -> bytes:
    """Return what a session is known by where its token must not be kept."""
    return _digest(token)


def touch(session: Session, token: str, *, now: dt.datetime) -> dt.datetime | None:
    """Move the end of a session on, up to its longest; return the new end, None where it is gone."""
    row = session.scalars(select(StaffSession).where(StaffSession.token_hash == _digest(token))).one_or_none()
    if row is None:
        return None
    row.last_seen_at = now
    row.expires_at = max(row.expires_at, min(now + IDLE, row.created_at + LONGEST))
    session.flush()
    return row.expires_at


def sign_out(session: Session, token: str) -> None:
    """End a session; ending one that is gone changes nothing."""
    session.execute(delete(StaffSession).where(StaffSession.token_hash == _digest(token)))


def set_password_hash(session: Session, person_id: int, hashed: str) -> None:
    """Give a person a password, by its hash. What they are signed in with is for the caller to end."""
    session.execute(update(Person).where(Person.id == person_id).values(password_hash=hashed))


def end_sessions(session: Session, person_id: int) -> int:
    """End all sessions of a person; return how many there were."""
    ended = delete(StaffSession).where(StaffSession.person_id == person_id).returning(StaffSession.token_hash)
    return len(session.scalars(ended).all())


def is_open(session: Session, token: str) -> bool:
    """Return whether a session is there still; asked under a lock on its person."""
    return session.scalar(select(StaffSession.token_hash).where(StaffSession.token_hash == _digest(token))) is not None


def csrf_token(token: str) -> str:
    """Return the CSRF token of a session: derived, so that it needs no storage and ends with the session."""
    digest = hmac.digest(token.encode(), b"gridpatrol csrf", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def csrf_matches(token: str, sent: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(csrf_token(token).encode(), sent.encode())


def _verify(hashed: str, password: str) -> bool:
    """Check a password as it is stored, composed; and as it was typed, as it was stored before."""
    return any(_matches(hashed, each) for each in dict.fromkeys((_composed(password), password)))


def _matches(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _composed(password: str) -> str:
    """Return a password as every keyboard sends it: some compose accents, some do not."""
    return unicodedata.normalize("NFC", password)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
