"""Devices: codes that enrol a phone once, tokens that are stored hashed, revocation. Knows no HTTP."""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from sync.errors import CodeExpired, CodeUnknown, CodeUsed, DeviceRevoked, TokenUnknown
from sync.statements import Reader, Statement
from sync.tables import Assignment, Device, Enrolment, Person

# No letters or digits that look alike: a code may be read out in the rain.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class LastScope:
    """The newest scope that a person was given: for which serials it holds, and until when (None: no end in sight)."""

    version: int
    grid_ids: tuple[int, ...]
    serials: tuple[int, ...]
    holds_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class CallingDevice:
    """The device of one exchange, and with it, read in one statement: the city's serials, feed and scope.

    ``revoked_at``: when the device was revoked, or its person ceased to be active, whichever was first.
    ``floor``: up to which touches of the feed may be gone; ``head``: its last; ``scope``: the newest of its person.
    """

    id: int
    uid: uuid.UUID
    person_id: int
    person_name: str
    app_version: str
    revoked_at: dt.datetime | None
    wipe: bool
    epoch: uuid.UUID
    ground_serial: int
    scope_serial: int
    floor: int
    head: int
    pulled_at: dt.datetime | None
    scope: LastScope | None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a phone is told once: its token is never shown again."""

    device_id: int
    device_uid: uuid.UUID
    token: str
    person: Person


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def issue_code(session: Session, person_id: int, *, now: dt.datetime, ttl: dt.timedelta) -> tuple[str, dt.datetime]:
    """Return a new enrolment code for a person and when it expires. The code is stored hashed."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    expires_at = now + ttl
    session.add(Enrolment(code_hash=_digest(code), person_id=person_id, created_at=now, expires_at=expires_at))
    session.flush()
    return code, expires_at


def enrol(session: Session, code: str, described: dict[str, Any], *, now: dt.datetime) -> Enrolled:
    """Turn a code into a device; the row of the code is locked, so that it works once.

    ``described``: name, platform, app_version and optionally public_info.
    Raises ``CodeUnknown``, ``CodeUsed`` or ``CodeExpired``.
    """
    digest = _digest(code.strip().upper().replace("-", ""))
    enrolment = session.scalars(select(Enrolment).where(Enrolment.code_hash == digest).with_for_update()).one_or_none()
    if enrolment is None:
        raise CodeUnknown
    if enrolment.used_at is not None:
        raise CodeUsed
    person = session.get_one(Person, enrolment.person_id)
    if enrolment.expires_at <= now or not person.is_active:
        raise CodeExpired
    token = secrets.token_urlsafe(32)
    device = Device(person_id=enrolment.person_id, token_hash=_digest(token), enrolled_at=now, **described)
    session.add(device)
    session.flush()
    enrolment.used_at = now
    enrolment.device_id = device.id
    session.refresh(device)
    return Enrolled(device.id, device.uid, token, person)


_CALLING = Statement("""
    SELECT device.id, device.uid, device.person_id, person.name, device.app_version,
           least(device.revoked_at, person.inactive_since),
           device.wipe_ordered_at IS NOT NULL, city_state.epoch, city_state.ground_serial, city_state.scope_serial,
           feed_counter.floor, feed_counter.position, device.pulled_at,
           scope.version, scope.grid_ids, scope.serials, scope.holds_until
    FROM device JOIN person ON person.id = device.person_id CROSS JOIN city_state CROSS JOIN feed_counter
    LEFT JOIN LATERAL (
        SELECT version, grid_ids, serials, holds_until FROM scope_snapshot
        WHERE person_id = device.person_id ORDER BY version DESC LIMIT 1
    ) AS scope ON true
    WHERE device.token_hash = :digest
""")


def authenticate(source: Session | Reader, token: str, *, revoked_may: bool = False) -> CallingDevice:
    """Return the device of a token. Raises ``TokenUnknown``, or ``DeviceRevoked`` unless the revoked may."""
    digest = _digest(token)
    rows = _CALLING.run(source, digest=digest) if isinstance(source, Session) else _CALLING.read(source, digest=digest)
    if not rows:
        raise TokenUnknown
    *facts, version, grids, serials, holds_until = rows[0]
    scope = None if version is None else LastScope(version, tuple(grids), tuple(serials), holds_until)
    device = CallingDevice(*(*facts, scope))
    if device.revoked_at is not None and not revoked_may:
        raise revocation(device)
    return device


def revocation(device: CallingDevice) -> DeviceRevoked:
    """Return the error that tells a revoked device so, with the order to wipe itself where there is one."""
    return DeviceRevoked(wipe=True) if device.wipe else DeviceRevoked()


def revoke(session: Session, device_uid: uuid.UUID, *, wipe: bool, now: dt.datetime) -> bool:
    """Revoke a device; return whether there is such a device. Revoking twice keeps the first time."""
    changed = session.execute(
        update(Device)
        .where(Device.uid == device_uid)
        .values(
            revoked_at=text("coalesce(revoked_at, :now)").bindparams(now=now),
            **({"wipe_ordered_at": now} if wipe else {}),
        )
        .returning(Device.id)
    )
    return changed.one_or_none() is not None


def wiped(session: Session, device_id: int, *, now: dt.datetime) -> None:
    """Note that a device has carried out the order to wipe itself; without such an order it means nothing."""
    session.execute(
        update(Device)
        .where(Device.id == device_id, Device.wipe_ordered_at.is_not(None))
        .values(wiped_at=text("coalesce(wiped_at, :now)").bindparams(now=now))
    )


def belongs(session: Session, device_uid: uuid.UUID, area_ids: Sequence[int] | None) -> bool:
    """Return whether a device is of somebody assigned to one of the areas (None: to any)."""
    found = select(Device.id).where(Device.uid == device_uid)
    if area_ids is not None:
        assigned = select(Assignment.person_id).where(Assignment.area_id.in_(area_ids))
        found = found.where(Device.person_id.in_(assigned))
    return session.scalar(found) is not None
