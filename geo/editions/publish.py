"""Publishing: the next edition of the ground, made of the one in force and what is new, changed or retired.

Owns writing ``edition``, ``area``, ``area_version``, ``area_lineage``, ``edition_fragment`` and ``area_kind``; what
may be written is checked by ``geo.editions.difference``. An edition that was published is never changed; only what
differs is kept. Knows nothing of files, records or feeds: ``sync.redraw.cutover`` brings what is returned here into
force amid pushes.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import ARRAY, Text, any_, literal, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from geo.coverage.changes import Fragment, descents, fragments
from geo.editions.difference import GAP_WIDTH_M, Coming, NewArea, check_coverage, propose
from geo.editions.tables import Area, AreaKind, Edition
from geo.errors import BaseSuperseded, PublicationRefused

__all__ = [
    "GAP_WIDTH_M",
    "NewArea",
    "NewKind",
    "Published",
    "PublishedArea",
    "Redrawn",
    "begin",
    "publish",
    "put_kinds",
    "require_base",
]


@dataclass(frozen=True, slots=True)
class NewKind:
    """A kind of area. ``rank`` 0 is the whole city; records are located in the kind that ``is_locating``."""

    code: str
    name_zh: str
    name_en: str
    rank: int
    is_locating: bool = False


@dataclass(frozen=True, slots=True)
class PublishedArea:
    """An area that an edition added or changed. ``is_locating``: records are located in its kind."""

    id: int
    uid: uuid.UUID
    code: str
    is_locating: bool


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What it means for records: the locating areas that lost ground or are gone, and the box around all of it.

    ``area_ids`` ascend; ``box`` is west, south, east, north in degrees.
    """

    area_ids: tuple[int, ...]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it: the edition now in force, and what it has that the one before had not.

    Where nothing was new there is no new edition: ``number`` is that of the one that stays. ``redrawn`` is None where
    no ground of the locating kind changed hands.
    """

    number: int
    added: tuple[PublishedArea, ...]
    changed: tuple[PublishedArea, ...]
    unchanged: int
    retired: tuple[PublishedArea, ...] = ()
    redrawn: Redrawn | None = None

    @property
    def is_new(self) -> bool:
        """Whether an edition was made."""
        return bool(self.added or self.changed or self.retired)


def put_kinds(session: Session, kinds: Sequence[NewKind]) -> None:
    """Add kinds, and give known ones their names and rank anew. What a city locates in is never moved by this."""
    if not kinds:
        return
    columns = ("code", "name_zh", "name_en", "rank", "is_locating")
    row = upsert(AreaKind).values([{name: getattr(kind, name) for name in columns} for kind in kinds])
    named = {name: row.excluded[name] for name in ("name_zh", "name_en", "rank")}
    session.execute(row.on_conflict_do_update(index_elements=["code"], set_=named))


def publish(
    session: Session,
    areas: Sequence[NewArea],
    *,
    retired: Sequence[str] = (),
    by: str,
    name: str,
    note: str = "",
    now: dt.datetime,
) -> Published:
    """Put the edition in force, plus these areas and less the retired ones, into force at ``now`` (aware UTC).

    Areas not named stay as they are. The first edition is in force for all time before too. Locks the table of editions
    against other publishers; the caller commits. Raises ``InvalidShape`` for a polygon that is none,
    ``PublicationRefused`` naming the area at fault, and ``BrokenCoverage`` with the places where areas of the locating
    kind would overlap or gape.
    """
    _lock(session)
    coming = propose(session, areas, retired)
    before = _in_force(session)
    if not coming.fresh and not retired:
        return Published(0 if before is None else before.number, (), (), len(areas))
    check_coverage(session, coming.before, coming.after)
    number = _open_edition(session, before, by=by, name=name, note=note, now=now)
    added = _add(session, [area for area, _ in coming.fresh if area.code not in coming.standing])
    ids = {code: each.id for code, each in coming.standing.items()} | added
    _store(session, number, coming, ids)
    moved = fragments(coming.before, coming.after) if coming.before else []
    _note_lineage(session, number, coming, moved, ids)
    _note_fragments(session, number, moved, ids)
    fresh = [area.code for area, _ in coming.fresh]
    told = _told(session, [*fresh, *retired], coming.kinds)
    return Published(
        number,
        tuple(told[code] for code in fresh if code not in coming.standing),
        tuple(told[code] for code in fresh if code in coming.standing),
        len(areas) - len(coming.fresh),
        tuple(told[code] for code in retired),
        _redrawn(coming, ids),
    )


def require_base(session: Session, base: int) -> None:
    """Raise ``BaseSuperseded`` unless this edition is in force; it stays so until the transaction ends."""
    _lock(session)
    before = _in_force(session)
    if before is None or before.number != base:
        raise BaseSuperseded(base, None if before is None else before.number)


def _lock(session: Session) -> None:
    session.execute(text("LOCK TABLE edition IN SHARE ROW EXCLUSIVE MODE"))


def begin(session: Session, number: int, at: dt.datetime) -> None:
    """Let an edition that this transaction published begin at ``at`` instead: later than when the publishing began."""
    end = text("UPDATE edition SET in_force = tstzrange(:at, NULL) WHERE number = :number AND NOT lower_inf(in_force)")
    session.execute(end, {"at": at, "number": number})
    session.execute(
        text("UPDATE edition SET in_force = tstzrange(lower(in_force), :at) WHERE number = :number"),
        {"at": at, "number": number - 1},
    )


def _redrawn(coming: Coming, ids: Mapping[str, int]) -> Redrawn | None:
    """Name what lost ground, by however little: a record may lie on it."""
    old, new = coming.before, coming.after
    lost = {
        code
        for code, shape in old.items()
        if code not in new or shapely.to_wkb(new[code]) != coming.standing[code].shape
    }
    gained = set(new) - {code for code in new if code in old and code not in lost}
    shapes = [old[code] for code in lost] + [new[code] for code in gained]
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return Redrawn(tuple(sorted(ids[code] for code in lost)), (west, south, east, north))


def _in_force(session: Session) -> Edition | None:
    return session.scalars(select(Edition).order_by(Edition.number.desc()).limit(1)).one_or_none()


def _open_edition(session: Session, before: Edition | None, *, by: str, name: str, note: str, now: dt.datetime) -> int:
    """Close the edition in force at ``now`` and open the next; return its number."""
    number = 1 if before is None else before.number + 1
    if before is not None:
        if before.in_force.lower is not None and before.in_force.lower >= now:
            raise PublicationRefused("before-the-last", None, before.in_force.lower.isoformat())
        session.execute(
            text("UPDATE edition SET in_force = tstzrange(lower(in_force), :now) WHERE number = :number"),
            {"now": now, "number": before.number},
        )
    session.execute(
        text("""
            INSERT INTO edition (number, name, in_force, published_at, published_by, note)
            VALUES (:number, :name, tstzrange(CAST(:begins AS timestamptz), NULL), :now, :by, :note)
        """),
        {
            "number": number,
            "name": name,
            "begins": None if before is None else now,
            "now": now,
            "by": by,
            "note": note,
        },
    )
    return number


def _add(session: Session, areas: Sequence[NewArea]) -> dict[str, int]:
    rows = session.execute(
        text("""
            INSERT INTO area (code, kind)
            SELECT code, kind FROM unnest(CAST(:codes AS text[]), CAST(:kinds AS text[])) WITH ORDINALITY
                AS new (code, kind, place)
            ORDER BY place RETURNING code, id
        """),
        {"codes": [area.code for area in areas], "kinds": [area.kind for area in areas]},
    )
    return {row.code: row.id for row in rows}


def _store(session: Session, number: int, coming: Coming, ids: Mapping[str, int]) -> None:
    """End the versions that were changed or retired, and begin the new ones."""
    fresh = coming.fresh
    of_areas = [ids[area.code] for area, _ in fresh]
    session.execute(
        text("""
            UPDATE area_version SET editions = int4range(lower(editions), :number)
            WHERE area_id = ANY (CAST(:ids AS int[])) AND upper_inf(editions)
        """),
        {"number": number, "ids": [*of_areas, *(ids[code] for code in coming.retired)]},
    )
    session.execute(
        text("""
            INSERT INTO area_version (area_id, parent_id, name, polygon, editions)
            SELECT area_id, parent_id, name, ST_GeomFromWKB(shape, 4326), int4range(:number, NULL)
            FROM unnest(CAST(:ids AS int[]), CAST(:parents AS int[]), CAST(:names AS text[]), CAST(:shapes AS bytea[]))
                AS new (area_id, parent_id, name, shape)
        """),
        {
            "number": number,
            "ids": of_areas,
            "parents": [None if area.parent_code is None else ids[area.parent_code] for area, _ in fresh],
            "names": [area.name for area, _ in fresh],
            "shapes": [shapely.to_wkb(shape) for _, shape in fresh],
        },
    )


def _note_lineage(
    session: Session, number: int, coming: Coming, moved: Sequence[Fragment], ids: Mapping[str, int]
) -> None:
    """Say what became of areas: of themselves, and into which others they went."""
    into = descents(moved, coming.before, coming.after)
    lines = [(area.code, area.code, how) for area, _ in coming.fresh for how in coming.changes[area.code]]
    lines += [(each.source, each.target, each.how) for each in into]
    lines += [(code, code, "retired") for code in coming.retired]
    if not lines:
        return
    session.execute(
        text("""
            INSERT INTO area_lineage (edition_number, from_area_id, to_area_id, how)
            SELECT :number, came, went, how
            FROM unnest(CAST(:came AS int[]), CAST(:went AS int[]), CAST(:hows AS text[])) AS new (came, went, how)
        """),
        {
            "number": number,
            "came": [ids[source] for source, _, _ in lines],
            "went": [ids[target] for _, target, _ in lines],
            "hows": [how for _, _, how in lines],
        },
    )


def _note_fragments(session: Session, number: int, moved: Sequence[Fragment], ids: Mapping[str, int]) -> None:
    """Keep the ground that passed from one area to another, or to none."""
    given = [each for each in moved if each.source is not None]
    if given:
        session.execute(
            text("""
                INSERT INTO edition_fragment (edition_number, from_area_id, to_area_id, polygon)
                SELECT :number, came, went, ST_GeomFromWKB(shape, 4326)
                FROM unnest(CAST(:came AS int[]), CAST(:went AS int[]), CAST(:shapes AS bytea[]))
                    AS new (came, went, shape)
            """),
            {
                "number": number,
                "came": [ids[each.source or ""] for each in given],
                "went": [None if each.target is None else ids[each.target] for each in given],
                "shapes": [shapely.to_wkb(each.polygon) for each in given],
            },
        )


def _told(session: Session, codes: Sequence[str], kinds: Mapping[str, AreaKind]) -> dict[str, PublishedArea]:
    named = Area.code == any_(literal(list(codes), ARRAY(Text)))
    rows: Any = session.execute(select(Area.id, Area.uid, Area.code, Area.kind).where(named))
    return {row.code: PublishedArea(row.id, row.uid, row.code, kinds[row.kind].is_locating) for row in rows}
