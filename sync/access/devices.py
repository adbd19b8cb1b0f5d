"""Devices: codes that enrol a phone once, tokens that are stored hashed, revocation. Knows no HTTP."""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from sync.access.charge import InCharge, person_in_charge, person_wholly_in_charge
from sync.errors import CodeExpired, CodeUnknown, CodeUsed, CodeVoid, DeviceRevoked, TokenUnknown
from sync.sql.statements import Reader, Statement
from sync.tables import Device, Enrolment, Person

# No letters or digits that look alike: a code may be read out in the rain.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class LastScope:
    """The newest scope that a person was given: for which serials it holds, and until when (None: no end in sight)."""

    version: int
    grid_ids: tuple[int, ...]
    zones: tuple[tuple[int, ...], ...]
    serials: tuple[int, ...]
    holds_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class CallingDevice:
    """The device of one exchange, and with it, read in one statement: the city's serials, feed and scope.

    ``revoked_at``: when the device was revoked, or its person ceased to be active, whichever was first.
    ``private_over``: areas (tops) over which the maker of its code had a duty in what is private; None: the operator.
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
    private_over: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a phone is told once: its token is never shown again."""

    device_id: int
    device_uid: uuid.UUID
    token: str
    person: Person


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a code: a person signed in, and the areas (tops) that they may enrol for."""

    person_id: int
    area_ids: frozenset[int]


def issue_code(
    session: Session, person_id: int, *, now: dt.datetime, ttl: dt.timedelta, by: Maker | None = None
) -> tuple[str, dt.datetime]:
    """Return a new enrolment code for a person and when it expires. The code is stored hashed.

    ``by``: who makes it; None for the command line.
    """
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    expires_at = now + ttl
    made: dict[str, Any] = {"made_with": "command"}
    if by is not None:
        made = {"made_with": "staff", "made_by": by.person_id, "made_over": sorted(by.area_ids)}
    row = Enrolment(code_hash=_digest(code), person_id=person_id, created_at=now, expires_at=expires_at, **made)
    session.add(row)
    session.flush()
    return code, expires_at


def enrol(
    session: Session,
    code: str,
    described: dict[str, Any],
    *,
    now: dt.datetime,
    stands: Callable[[Enrolment], bool] = lambda _code: True,
    private_over: Callable[[Enrolment], frozenset[int] | None] = lambda _code: None,
) -> Enrolled:
    """Turn a code into a device; the row of the code is locked, so that it works once.

    ``described``: name, platform, app_version and optionally public_info. ``stands``: whether its maker might make
    the code still; ``private_over``: the areas in which its maker may see what is private. Raises ``CodeUnknown``,
    ``CodeUsed``, ``CodeExpired`` or ``CodeVoid``.
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
    if not stands(enrolment):
        raise CodeVoid
    token = secrets.token_urlsafe(32)
    over = private_over(enrolment)
    device = Device(
        person_id=enrolment.person_id,
        token_hash=_digest(token),
        enrolled_at=now,
        private_over=None if over is None else sorted(over),
        **described,
    )
    session.add(device)
    session.flush()
    enrolment.used_at = now
    enrolment.device_id = device.id
    session.refresh(device)
    return Enrolled(device.id, device.uid, token, person)


_FACTS = """
    SELECT device.id, device.uid, device.person_id, person.name, device.app_version,
           least(device.revoked_at, person.inactive_since),
           device.wipe_ordered_at IS NOT NULL, city_state.epoch, city_state.ground_serial, city_state.scope_serial,
           feed_counter.floor, feed_counter.position, device.pulled_at, device.private_over,
           scope.version, scope.grid_ids, scope.zones, scope.serials, scope.holds_until
    FROM device JOIN person ON person.id = device.person_id CROSS JOIN city_state CROSS JOIN feed_counter
    LEFT JOIN LATERAL (
        SELECT version, grid_ids, zones, serials, holds_until FROM scope_snapshot
        WHERE person_id = device.person_id ORDER BY version DESC LIMIT 1
    ) AS scope ON true
"""
_CALLING = Statement(f"{_FACTS} WHERE device.token_hash = :digest")
_NAMED = Statement(f"{_FACTS} WHERE device.uid = :uid")
_CARRIED = Statement("""
    SELECT device.token_hash, device.skew_ms, person.login FROM device JOIN person ON person.id = device.person_id
    WHERE device.uid = :uid
""")


def authenticate(source: Session | Reader, token: str, *, revoked_may: bool = False) -> CallingDevice:
    """Return the device of a token. Raises ``TokenUnknown``, or ``DeviceRevoked`` unless the revoked may."""
    digest = _digest(token)
    rows = _CALLING.run(source, digest=digest) if isinstance(source, Session) else _CALLING.read(source, digest=digest)
    if not rows:
        raise TokenUnknown
    device = _calling(rows[0])
    if device.revoked_at is not None and not revoked_may:
        raise revocation(device)
    return device


def _calling(row: Sequence[Any]) -> CallingDevice:
    *facts, over, version, grids, zones, serials, holds_until = row
    zoned = tuple(map(tuple, zones or ()))
    scope = None if version is None else LastScope(version, tuple(grids), zoned, tuple(serials), holds_until)
    return CallingDevice(*(*facts, scope, None if over is None else tuple(over)))


@dataclass(frozen=True, slots=True)
class AbsentDevice:
    """A device for which somebody else speaks, as a file does that was carried here.

    ``token_hash``: SHA-256 of its token, by which it proves what it wrote; ``skew``: by how much its clock was ahead
    of ours when it was last heard of; ``login``: of its person.
    """

    calling: CallingDevice
    token_hash: bytes
    skew: dt.timedelta
    login: str


def absent(session: Session, device_uid: uuid.UUID) -> AbsentDevice | None:
    """Return a device by its id, revoked or not; None where there is none."""
    rows, carried = _NAMED.run(session, uid=device_uid), _CARRIED.run(session, uid=device_uid)
    if not rows:
        return None
    token_hash, skew_ms, login = carried[0]
    return AbsentDevice(_calling(rows[0]), bytes(token_hash), dt.timedelta(milliseconds=skew_ms or 0), login)


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


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """One of a person's devices in use, as it described itself."""

    uid: uuid.UUID
    name: str
    platform: str
    enrolled_at: dt.datetime
    last_exchange_at: dt.datetime | None


def in_use(session: Session, person_id: int) -> list[OwnDevice]:
    """Return the devices of a person that are not revoked, the newest first."""
    facts = select(Device.uid, Device.name, Device.platform, Device.enrolled_at, Device.last_exchange_at)
    theirs = facts.where(Device.person_id == person_id, Device.revoked_at.is_(None))
    return [OwnDevice(*row) for row in session.execute(theirs.order_by(Device.enrolled_at.desc(), Device.id.desc()))]


def is_of(session: Session, device_uid: uuid.UUID, person_id: int) -> bool:
    """Return whether a device, revoked or not, is this person's."""
    found = select(Device.id).where(Device.uid == device_uid, Device.person_id == person_id)
    return session.scalar(found) is not None


def describe(session: Session, device_id: int, described: Mapping[str, Any]) -> None:
    """Note what a device says of itself anew: any of name, platform, app_version and public_info."""
    if described:
        session.execute(update(Device).where(Device.id == device_id).values(**described))


def wiped(session: Session, device_id: int, *, now: dt.datetime) -> None:
    """Note that a device has carried out the order to wipe itself; without such an order it means nothing."""
    session.execute(
        update(Device)
        .where(Device.id == device_id, Device.wipe_ordered_at.is_not(None))
        .values(wiped_at=text("coalesce(wiped_at, :now)").bindparams(now=now))
    )


def revoke_all(session: Session, person_id: int, *, now: dt.datetime) -> int:
    """Revoke every device that a person has in use; return how many."""
    revoked = update(Device).where(Device.person_id == person_id, Device.revoked_at.is_(None)).values(revoked_at=now)
    return len(session.scalars(revoked.returning(Device.id)).all())


def void_codes(session: Session, person_id: int, *, now: dt.datetime) -> None:
    """Have a person's codes that were not used expire."""
    session.execute(
        update(Enrolment)
        .where(Enrolment.person_id == person_id, Enrolment.used_at.is_(None), Enrolment.expires_at > now)
        .values(expires_at=now)
    )


_IN_CHARGE = text(f"SELECT 1 FROM device WHERE uid = :uid AND {person_wholly_in_charge('device.person_id')}")  # noqa: S608  # constants of ours
_LOOKED_AFTER = text(f"SELECT 1 FROM device WHERE uid = :uid AND {person_in_charge('device.person_id')}")  # noqa: S608  # constants of ours


def belongs(session: Session, device_uid: uuid.UUID, charge: InCharge) -> bool:
    """Return whether a device is of somebody who does field work in areas in charge today, and holds nothing beyond."""
    return session.execute(_IN_CHARGE, charge.asked() | {"uid": device_uid}).first() is not None


def looked_after(session: Session, device_uid: uuid.UUID, charge: InCharge) -> bool:
    """Return whether a device is of somebody who does field work in areas in charge today."""
    return session.execute(_LOOKED_AFTER, charge.asked() | {"uid": device_uid}).first() is not None
