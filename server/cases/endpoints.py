"""Where organisations take their webhooks: saved with a sealed secret, switched off with a reason.

Owns the rows of ``endpoint`` as people set them, and the sealing of secrets. How they are used is
``server.cases.deliveries``. A secret is shown once, when it is made.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from server.accounts.tables import Organisation
from server.cases.errors import NoEndpoint, UnknownOrganisation
from server.cases.tables import Endpoint
from server.cases.webhook import Guard, check_secret, check_url

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Saved:
    """An endpoint as it was saved. ``secret`` is None where the one from before stays."""

    organisation: str
    url: str
    active: bool
    secret: str | None = field(repr=False)


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
) -> Saved:
    """Save the endpoint of an organisation (by code), after ``check``; its line rests no longer.

    A secret is made where there is none, or when ``rotate`` asks for it. Raises ``UnknownOrganisation``.
    """
    organisation_id = session.scalar(select(Organisation.id).where(Organisation.code == organisation))
    if organisation_id is None:
        raise UnknownOrganisation(organisation)
    before = session.get(Endpoint, organisation_id, with_for_update=True)
    if secret is None and (rotate or before is None):
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    sealed = (
        before.sealed_secret if secret is None and before is not None else seal_with.encrypt((secret or "").encode())
    )
    row = {
        "url": url,
        "sealed_secret": sealed,
        "active": active,
        "disabled_reason": None if active else "by-hand",
        "changed_at": now,
        "resting_until": None,
        "failures": 0,
    }
    session.execute(
        insert(Endpoint)
        .values(organisation_id=organisation_id, **row)
        .on_conflict_do_update(index_elements=["organisation_id"], set_=row)
    )
    return Saved(organisation, url, active, secret)


def read(session: Session, organisation: str) -> Endpoint:
    """Return the endpoint of an organisation (by code). Raises ``UnknownOrganisation`` and ``NoEndpoint``."""
    organisation_id = session.scalar(select(Organisation.id).where(Organisation.code == organisation))
    if organisation_id is None:
        raise UnknownOrganisation(organisation)
    found = session.get(Endpoint, organisation_id, populate_existing=True)
    if found is None:
        raise NoEndpoint(organisation)
    return found
