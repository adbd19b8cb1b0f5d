"""Where organisations take their webhooks: saved with a sealed secret, switched off with a reason.

Owns the rows of ``endpoint`` as people set them, who set them when, and the sealing of secrets. How they are used is
``server.cases.delivery.deliveries``. A secret is shown once, when it is made. The one before it
signs beside it for a while, so that a body can take the new one over without missing a message.
"""

import base64
import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.accounts.tables import Organisation
from server.cases.delivery import webhook_payload
from server.cases.delivery.destinations import Guard, check_url
from server.cases.delivery.webhook import Letter, check_secret
from server.cases.errors import InvalidEndpoint, NoEndpoint, UnknownOrganisation
from server.cases.tables import Endpoint, EndpointChange, FormerSecret
from sync.tables import Person

_SECRET_BYTES = 32
# As many signatures as a message carries beside the newest one.
_MOST_FORMER = 3
OVERLAP = timedelta(hours=24)
_MOST_CHANGES = 100


@dataclass(frozen=True, slots=True)
class Saved:
    """An endpoint as it was saved. ``secret`` is None where the one from before stays."""

    organisation: str
    url: str
    active: bool
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody (a login; None: a program of the server) set an endpoint to. ``secret``: kept, or new."""

    changed_at: datetime
    by: str | None
    url: str
    active: bool
    secret: str
    former_until: datetime | None


def seal(key: str) -> Fernet:
    """Return the seal for secrets at rest, made of the server's secret key."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"endpoint:" + key.encode()).digest()))


def check(url: str, secret: str | None, guard: Guard) -> None:
    """Raise ``InvalidEndpoint`` unless webhooks can be sent there. Asks the network: call it outside a transaction."""
    check_url(url, guard)
    if secret is not None:
        check_secret(secret)


def save(  # noqa: PLR0913  # one endpoint has so many sides
    session: Session,
    organisation: str,
    url: str,
    *,
    seal_with: Fernet,
    now: datetime,
    secret: str | None = None,
    rotate: bool = False,
    active: bool = True,
    author_id: int | None = None,
    overlap: timedelta = OVERLAP,
) -> Saved:
    """Save the endpoint of an organisation (by code), after ``check``; its line rests no longer.

    A secret is made where there is none, or when ``rotate`` asks for it. The one before a new one signs beside it for
    the time of ``overlap``; none: no former one signs from now on. Raises ``UnknownOrganisation``.
    """
    organisation_id = session.scalar(select(Organisation.id).where(Organisation.code == organisation))
    if organisation_id is None:
        raise UnknownOrganisation(organisation)
    before = session.get(Endpoint, organisation_id, with_for_update=True)
    before_secret = None if before is None else before.sealed_secret
    if secret is None and (rotate or before is None):
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    sealed = seal_with.encrypt(secret.encode()) if secret is not None else before_secret
    _write(session, organisation_id, {"url": url, "sealed_secret": sealed, "active": active, "changed_at": now})
    former_until = None
    if before_secret is not None and secret is not None:
        former_until = now + overlap if overlap else None
        _keep_former(session, organisation_id, before_secret, former_until)
    session.add(
        EndpointChange(
            organisation_id=organisation_id, changed_at=now, changed_by=author_id, url=url, active=active,
            secret="kept" if secret is None else "new", former_until=former_until,
        )
    )  # fmt: skip
    session.flush()
    return Saved(organisation, url, active, secret)


def _write(session: Session, organisation_id: int, row: dict[str, Any]) -> None:
    """Write what is set of an endpoint; its line neither rests nor counts failures from now on."""
    row |= {"disabled_reason": None if row["active"] else "by-hand", "resting_until": None, "failures": 0}
    session.execute(
        insert(Endpoint)
        .values(organisation_id=organisation_id, **row)
        .on_conflict_do_update(index_elements=["organisation_id"], set_=row)
    )


def _keep_former(session: Session, organisation_id: int, sealed: bytes, until: datetime | None) -> None:
    """Keep a secret that was replaced until a time, and of those before it the newest few; without one, none."""
    of_it = FormerSecret.organisation_id == organisation_id
    if until is None:
        session.execute(delete(FormerSecret).where(of_it))
        return
    session.add(FormerSecret(organisation_id=organisation_id, sealed_secret=sealed, until=until))
    session.flush()
    newest = select(FormerSecret.id).where(of_it).order_by(FormerSecret.id.desc()).limit(_MOST_FORMER)
    session.execute(delete(FormerSecret).where(of_it, FormerSecret.id.not_in(newest)))


def former_until(session: Session, endpoint: Endpoint, now: datetime) -> datetime | None:
    """Return until when a former secret still signs, None where none does."""
    of_it = FormerSecret.organisation_id == endpoint.organisation_id
    return session.scalar(select(func.max(FormerSecret.until)).where(of_it, FormerSecret.until > now))


def changes(session: Session, organisation: str) -> list[Change]:
    """Return who set the endpoint of an organisation (by code) to what, the newest first."""
    found = session.execute(
        select(EndpointChange, Person.login)
        .join(Organisation, Organisation.id == EndpointChange.organisation_id)
        .outerjoin(Person, Person.id == EndpointChange.changed_by)
        .where(Organisation.code == organisation)
        .order_by(EndpointChange.id.desc())
        .limit(_MOST_CHANGES)
    )
    return [Change(row.changed_at, login, row.url, row.active, row.secret, row.former_until) for row, login in found]


def trial_letter(session: Session, organisation: str, *, seal_with: Fernet, now: datetime) -> Letter:
    """Return a letter by which the body of an organisation (by code) can try its endpoint: signed, and about no case.

    It is sent once, outside any transaction, also to an endpoint that is switched off; its line does not hear of it.
    Raises ``UnknownOrganisation``, ``NoEndpoint``, or ``InvalidEndpoint`` for a secret that cannot be opened.
    """
    endpoint = read(session, organisation)
    opened = open_secrets(session, endpoint, seal_with=seal_with, now=now)
    return Letter(uuid.uuid4(), endpoint.url, opened, webhook_payload.trial(organisation, now))


def open_secrets(session: Session, endpoint: Endpoint, *, seal_with: Fernet, now: datetime) -> tuple[str, ...]:
    """Return the secrets that hold for an endpoint now, the newest first. Raises ``InvalidEndpoint``."""
    former = select(FormerSecret.sealed_secret).where(
        FormerSecret.organisation_id == endpoint.organisation_id, FormerSecret.until > now
    )
    sealed = (endpoint.sealed_secret, *session.scalars(former.order_by(FormerSecret.until.desc())))
    try:
        return tuple(seal_with.decrypt(each).decode() for each in sealed)
    except InvalidToken:
        raise InvalidEndpoint("secret", "unreadable") from None


def read(session: Session, organisation: str) -> Endpoint:
    """Return the endpoint of an organisation (by code). Raises ``UnknownOrganisation`` and ``NoEndpoint``."""
    organisation_id = session.scalar(select(Organisation.id).where(Organisation.code == organisation))
    if organisation_id is None:
        raise UnknownOrganisation(organisation)
    found = session.get(Endpoint, organisation_id, populate_existing=True)
    if found is None:
        raise NoEndpoint(organisation)
    return found
