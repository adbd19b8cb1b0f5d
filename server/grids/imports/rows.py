"""The rows of imports: begun, sent whole, claimed by one process, told how far they are, ended, expired.

Owns ``boundary_import`` and what its states mean. Must not know files, HTTP or jobs. The caller commits.
"""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, undefer

from server.grids.imports.errors import ImportNotLookedAt, TooManyImports, UnknownImport
from server.grids.imports.tables import BoundaryImport

MOST_UNDER_WAY: Final = 5
ATTEMPTS: Final = 3
CLAIMED_FOR: Final = dt.timedelta(seconds=60)
KEPT_FOR: Final = dt.timedelta(days=7)
RECEIVED_WITHIN: Final = dt.timedelta(hours=6)

Seen = int | Literal["any"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall become of a file.

    ``draft``: the number of a draft, "new" for one that is begun, None for the next edition. ``seen``: the version of
    the draft over which this was asked. ``root``: areas without a parent may become roots.
    """

    kind: str
    parent: str | None = None
    name_field: str | None = None
    code_field: str | None = None
    parent_field: str | None = None
    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    draft: int | Literal["new"] | None = None
    seen: Seen = "any"
    retire_missing: bool = False
    root: bool = False


@dataclass(frozen=True, slots=True)
class ClaimedImport:
    """An import that this process works on, and what tells its claim from those before and after."""

    id: uuid.UUID
    claim: uuid.UUID
    person_id: int
    login: str
    file: str
    suffix: str
    parts: int
    kept: dict[str, Any]
    dry_run: bool
    attempts: int

    @property
    def asked(self) -> Asked:
        """What shall become of the file. Raises ``TypeError`` for a row that other code wrote."""
        return Asked(**self.kept)

    @property
    def is_exhausted(self) -> bool:
        """Whether it was begun too often."""
        return self.attempts > ATTEMPTS


def begin(
    session: Session, person_id: int, login: str, file: str, asked: Asked, *, dry_run: bool, now: dt.datetime
) -> uuid.UUID:
    """Begin an import, of which no byte has come yet. Raises TooManyImports."""
    session.execute(select(func.pg_advisory_xact_lock(_QUOTA_LOCK, person_id)))
    under_way = select(func.count()).where(
        BoundaryImport.person_id == person_id,
        BoundaryImport.state.in_(("receiving", "waiting", "working")),
        BoundaryImport.begun_at > now - RECEIVED_WITHIN,
    )
    if (session.scalar(under_way) or 0) >= MOST_UNDER_WAY:
        raise TooManyImports(MOST_UNDER_WAY)
    row = BoundaryImport(
        id=uuid.uuid4(), person_id=person_id, login=login, file=file, asked=asdict(asked), dry_run=dry_run,
        begun_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


_QUOTA_LOCK: Final = 0x696D7072
_CLAIM_LOCK: Final = 0x696D7063


def sent(session: Session, import_id: uuid.UUID, *, suffix: str, size: int, parts: int) -> None:
    """Note that all of a file has come: it waits for a process."""
    session.execute(
        update(BoundaryImport)
        .where(BoundaryImport.id == import_id, BoundaryImport.state == "receiving")
        .values(state="waiting", suffix=suffix, size=size, parts=parts)
    )


def forget(session: Session, import_id: uuid.UUID) -> None:
    """Take an import away; its bytes are out of the store already."""
    session.execute(delete(BoundaryImport).where(BoundaryImport.id == import_id))


def find(session: Session, import_id: uuid.UUID, person_id: int) -> BoundaryImport:
    """An import of a person, with its report. Raises UnknownImport."""
    row = session.scalars(
        select(BoundaryImport)
        .where(BoundaryImport.id == import_id, BoundaryImport.person_id == person_id)
        .options(undefer(BoundaryImport.report))
    ).one_or_none()
    if row is None:
        raise UnknownImport
    return row


def listed(session: Session, person_id: int, limit: int) -> list[BoundaryImport]:
    """The imports of a person, the newest first, without their reports."""
    rows = select(BoundaryImport).where(BoundaryImport.person_id == person_id)
    return list(session.scalars(rows.order_by(BoundaryImport.begun_at.desc()).limit(limit)))


def take(session: Session, import_id: uuid.UUID, person_id: int, draft: int | Literal["new"] | None) -> BoundaryImport:
    """Have an import that was only looked at, and could be taken, done. Raises UnknownImport, ImportNotLookedAt."""
    row = session.scalars(
        select(BoundaryImport)
        .where(BoundaryImport.id == import_id, BoundaryImport.person_id == person_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise UnknownImport
    if not row.dry_run or row.state != "done":
        raise ImportNotLookedAt("taken" if not row.dry_run else row.state)
    row.asked = row.asked | {"draft": draft, "seen": "any"}
    row.dry_run, row.state, row.counts, row.attempts = False, "waiting", {}, 0
    row.outcome = row.report = row.ended_at = None
    session.flush()
    return row


def claim(session: Session, now: dt.datetime) -> ClaimedImport | None:
    """Claim the import that waits longest; None where none does, or another is worked on: one at a time."""
    session.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK, 0)))
    if session.scalar(select(exists().where(_held(now)))):
        return None
    row = session.scalars(
        select(BoundaryImport)
        .where(_free(now))
        .order_by(BoundaryImport.begun_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    row.state, row.claim, row.claimed_until = "working", uuid.uuid4(), now + CLAIMED_FOR
    row.attempts += 1
    session.flush()
    return ClaimedImport(
        row.id, row.claim, row.person_id, row.login, row.file, row.suffix, row.parts, row.asked, row.dry_run,
        row.attempts,
    )  # fmt: skip


def hold(session: Session, claimed: ClaimedImport, now: dt.datetime) -> None:
    """Keep a claim a while longer; where its end is being written just now, nothing."""
    free = select(BoundaryImport.id).where(*_is_mine(claimed)).with_for_update(skip_locked=True)
    held = update(BoundaryImport).where(BoundaryImport.id.in_(free.scalar_subquery()))
    session.execute(held.values(claimed_until=now + CLAIMED_FOR))


def tell(session: Session, claimed: ClaimedImport, step: str, count: int) -> None:
    """Note how far an import is."""
    merged = BoundaryImport.counts.op("||")(func.jsonb_build_object(step, count))
    session.execute(_mine(claimed).values(counts=merged))


def lock(session: Session, claimed: ClaimedImport) -> bool:
    """Lock an import before its end is written; False where another process has taken it over, or it has ended."""
    mine = select(BoundaryImport.id).where(*_is_mine(claimed)).with_for_update()
    return session.scalar(mine) is not None


def report(session: Session, claimed: ClaimedImport, told: dict[str, Any]) -> None:
    """Keep what was found of a file."""
    session.execute(_mine(claimed).values(report=told))


def reported(session: Session, claimed: ClaimedImport) -> dict[str, Any]:
    """What was reported so far."""
    told = session.scalar(select(BoundaryImport.report).where(*_is_mine(claimed)))
    return dict(told or {"type": "FeatureCollection"})


def end(session: Session, claimed: ClaimedImport, outcome: dict[str, Any], now: dt.datetime) -> None:
    """Note what an import came to."""
    session.execute(_mine(claimed).values(state="done", outcome=outcome, claim=None, claimed_until=None, ended_at=now))


def refuse(session: Session, claimed: ClaimedImport, problem: dict[str, Any], now: dt.datetime) -> None:
    """Note why an import was refused."""
    ended = {"state": "refused", "problem": problem, "claim": None, "claimed_until": None, "ended_at": now}
    session.execute(_mine(claimed).values(ended))


def let_go(session: Session, claimed: ClaimedImport, now: dt.datetime) -> None:
    """Give a claim back, so that the import is tried again at once, as often as any may be."""
    session.execute(_mine(claimed).values(claimed_until=now))


def expired(session: Session, now: dt.datetime, *, limit: int) -> list[uuid.UUID]:
    """Imports whose time is over, and those that never came whole."""
    return list(session.scalars(select(BoundaryImport.id).where(_over(now)).limit(limit)))


def waits(session: Session, now: dt.datetime) -> bool:
    """Return whether there is an import to work on, or one to take away."""
    free = exists().where(_free(now)) & ~exists().where(_held(now))
    return bool(session.scalar(select(or_(free, exists().where(_over(now))))))


def _free(now: dt.datetime) -> ColumnElement[bool]:
    stranded = and_(BoundaryImport.state == "working", BoundaryImport.claimed_until <= now)
    return or_(BoundaryImport.state == "waiting", stranded)


def _held(now: dt.datetime) -> ColumnElement[bool]:
    return and_(BoundaryImport.state == "working", BoundaryImport.claimed_until > now)


def _over(now: dt.datetime) -> ColumnElement[bool]:
    ended = and_(BoundaryImport.state.in_(("done", "refused")), BoundaryImport.ended_at <= now - KEPT_FOR)
    broken_off = and_(BoundaryImport.state == "receiving", BoundaryImport.begun_at <= now - RECEIVED_WITHIN)
    return or_(ended, broken_off)


def _is_mine(claimed: ClaimedImport) -> tuple[ColumnElement[bool], ...]:
    return BoundaryImport.id == claimed.id, BoundaryImport.claim == claimed.claim


def _mine(claimed: ClaimedImport) -> Any:
    return update(BoundaryImport).where(*_is_mine(claimed))
