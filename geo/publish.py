"""Publishing: the next edition of the ground, made of the one in force and what is new or changed.

Owns writing ``edition``, ``area``, ``area_version``, ``area_lineage`` and ``area_kind``, and the checks before. An
edition that was published is never changed; only what differs is stored. Knows nothing of files, records or feeds:
the caller tells those who hold the areas that it returns.
"""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from geo.coverage import Finding, check
from geo.errors import BrokenCoverage, InvalidShape, PublicationRefused
from geo.shapes import in_degrees, in_units, validity_fault
from geo.tables import Area, AreaKind, AreaVersion, Edition

# Thinner ground between two grids, or in both, is a fault of drawing; wider may be a lake, and is let be.
GAP_WIDTH_M = 1.0


@dataclass(frozen=True, slots=True)
class NewKind:
    """A kind of area. ``rank`` 0 is the whole city; records are located in the kind that ``is_locating``."""

    code: str
    name_zh: str
    name_en: str
    rank: int
    is_locating: bool = False


@dataclass(frozen=True, slots=True)
class NewArea:
    """An area as the next edition shall have it. ``polygon``: lon, lat EPSG:4326; ``parent_code`` None: a root."""

    code: str
    kind: str
    name: str
    parent_code: str | None
    polygon: Polygon | MultiPolygon


@dataclass(frozen=True, slots=True)
class PublishedArea:
    """An area that an edition added or changed. ``is_locating``: records are located in its kind."""

    id: int
    uid: uuid.UUID
    code: str
    is_locating: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it: the edition now in force, and what it has that the one before had not.

    Where nothing was new there is no new edition: ``number`` is that of the one that stays.
    """

    number: int
    added: tuple[PublishedArea, ...]
    changed: tuple[PublishedArea, ...]
    unchanged: int

    @property
    def is_new(self) -> bool:
        """Whether an edition was made."""
        return bool(self.added or self.changed)


@dataclass(frozen=True, slots=True)
class _Standing:
    """An area as the edition in force has it (``name`` None: it is in none since an older one)."""

    id: int
    uid: uuid.UUID
    kind: str
    name: str | None
    parent_id: int | None
    shape: bytes | None


def put_kinds(session: Session, kinds: Sequence[NewKind]) -> None:
    """Add kinds, and give known ones their names and rank anew. What a city locates in is never moved by this."""
    if not kinds:
        return
    columns = ("code", "name_zh", "name_en", "rank", "is_locating")
    row = upsert(AreaKind).values([{name: getattr(kind, name) for name in columns} for kind in kinds])
    named = {name: row.excluded[name] for name in ("name_zh", "name_en", "rank")}
    session.execute(row.on_conflict_do_update(index_elements=["code"], set_=named))


def publish(
    session: Session, areas: Sequence[NewArea], *, by: str, name: str, note: str = "", now: dt.datetime
) -> Published:
    """Put the edition in force plus these areas into force at ``now`` (aware UTC). Areas not named stay as they are.

    The first edition is in force for all time before too. Locks the table of editions against other publishers; the
    caller commits. Raises ``InvalidShape`` for a polygon that is none, ``PublicationRefused`` naming the area at fault,
    and ``BrokenCoverage`` with the places where areas of the locating kind would overlap or gape.
    """
    session.execute(text("LOCK TABLE edition IN SHARE ROW EXCLUSIVE MODE"))
    kinds = {kind.code: kind for kind in session.scalars(select(AreaKind))}
    standing = _standing(session, [area.code for area in areas] + [area.parent_code or "" for area in areas])
    _check_tree(areas, kinds, standing)
    shapes = _shapes(areas)
    changes = {area.code: _differences(area, shape, standing) for area, shape in zip(areas, shapes, strict=True)}
    fresh = [
        (area, shape)
        for area, shape in zip(areas, shapes, strict=True)
        if changes[area.code] or area.code not in standing
    ]
    before = _in_force(session)
    if not fresh:
        return Published(0 if before is None else before.number, (), (), len(areas))
    _check_coverage(session, [(a, s) for a, s in fresh if kinds[a.kind].is_locating])
    number = _open_edition(session, before, by=by, name=name, note=note, now=now)
    ids = {code: each.id for code, each in standing.items()} | _add(
        session, [a for a, _ in fresh if a.code not in standing]
    )
    _store(session, number, fresh, ids)
    _note_lineage(session, number, [(ids[area.code], how) for area, _ in fresh for how in changes[area.code]])
    told = _told(session, [area.code for area, _ in fresh], kinds)
    return Published(
        number,
        tuple(told[area.code] for area, _ in fresh if area.code not in standing),
        tuple(told[area.code] for area, _ in fresh if area.code in standing),
        len(areas) - len(fresh),
    )


def _standing(session: Session, codes: Sequence[str]) -> dict[str, _Standing]:
    rows = session.execute(
        select(
            Area.code, Area.id, Area.uid, Area.kind, AreaVersion.name, AreaVersion.parent_id,
            AreaVersion.polygon.ST_AsBinary(),
        )
        .outerjoin(AreaVersion, (AreaVersion.area_id == Area.id) & func.upper_inf(AreaVersion.editions))
        .where(Area.code.in_(codes))
    )  # fmt: skip
    return {row[0]: _Standing(row[1], row[2], row[3], row[4], row[5], row[6] and bytes(row[6])) for row in rows}


def _in_force(session: Session) -> Edition | None:
    return session.scalars(select(Edition).order_by(Edition.number.desc()).limit(1)).one_or_none()


def _check_tree(areas: Sequence[NewArea], kinds: Mapping[str, AreaKind], standing: Mapping[str, _Standing]) -> None:
    """Check codes, kinds and parents. That ranks grow downwards keeps the tree a tree."""
    repeated = [code for code, count in Counter(area.code for area in areas).items() if count > 1]
    if repeated:
        raise PublicationRefused("repeated-code", repeated[0])
    kind_of = {code: each.kind for code, each in standing.items() if each.name is not None}
    kind_of |= {area.code: area.kind for area in areas}
    for area in areas:
        if area.kind not in kinds:
            raise PublicationRefused("unknown-kind", area.code, area.kind)
        if area.code in standing and standing[area.code].kind != area.kind:
            raise PublicationRefused("other-kind", area.code, standing[area.code].kind)
        if area.parent_code is None:
            continue
        if area.parent_code not in kind_of:
            raise PublicationRefused("unknown-parent", area.code, area.parent_code)
        if kinds[kind_of[area.parent_code]].rank >= kinds[area.kind].rank:
            raise PublicationRefused("parent-not-above", area.code, area.parent_code)


def _shapes(areas: Sequence[NewArea]) -> list[MultiPolygon]:
    """The polygons on the integer grid of 1e-8 degree, in the one form in which equal ones are equal bytes."""
    for index, area in enumerate(areas):
        fault = validity_fault(area.polygon)
        if fault is not None:
            raise InvalidShape(*fault, feature=index)
        if area.polygon.is_empty:
            raise InvalidShape("empty", feature=index)
    whole = in_degrees(in_units(np.array([area.polygon for area in areas], dtype=object)))
    return [_multi(each) for each in shapely.normalize(whole)]


def _multi(polygon: Polygon | MultiPolygon) -> MultiPolygon:
    return polygon if isinstance(polygon, MultiPolygon) else MultiPolygon([polygon])


def _differences(area: NewArea, shape: MultiPolygon, standing: Mapping[str, _Standing]) -> tuple[str, ...]:
    """How an area differs from what stands, in the words of the lineage; () for one that is new, or the same."""
    before = standing.get(area.code)
    if before is None:
        return ()
    if before.name is None:
        return ("restored",)
    parent = standing.get(area.parent_code or "")
    # A parent that is added now has no id yet, and is certainly another one.
    parent_id = None if area.parent_code is None else -1 if parent is None else parent.id
    found = {
        "reshaped": shapely.to_wkb(shape) != before.shape,
        "renamed": area.name != before.name,
        "moved": parent_id != before.parent_id,
    }
    return tuple(how for how, differs in found.items() if differs)


def _check_coverage(session: Session, fresh: Sequence[tuple[NewArea, MultiPolygon]]) -> None:
    """Check that all areas of the locating kind, the fresh ones among them, are a coverage."""
    if not fresh:
        return
    fresh_codes = {area.code for area, _ in fresh}
    rows = session.execute(
        select(Area.code, AreaVersion.polygon.ST_AsBinary())
        .join(AreaVersion, AreaVersion.area_id == Area.id)
        .where(Area.kind == fresh[0][0].kind, func.upper_inf(AreaVersion.editions))
    )
    kept = [(code, shapely.from_wkb(bytes(shape))) for code, shape in rows if code not in fresh_codes]
    codes = [*(area.code for area, _ in fresh), *(code for code, _ in kept)]
    findings = check([*(shape for _, shape in fresh), *(shape for _, shape in kept)], GAP_WIDTH_M)
    faults = [_fault(finding, codes) for finding in findings if finding.severity == "error"]
    if faults:
        raise BrokenCoverage(tuple(faults))


def _fault(finding: Finding, codes: Sequence[str]) -> dict[str, object]:
    place = finding.geometry.representative_point()
    return {
        "code": finding.code,
        "areas": [codes[member] for member in finding.members],
        "lon": round(place.x, 8),
        "lat": round(place.y, 8),
        "area_m2": round(finding.area_m2, 1),
        "width_m": round(finding.width_m, 2),
    }


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


def _store(
    session: Session, number: int, fresh: Sequence[tuple[NewArea, MultiPolygon]], ids: Mapping[str, int]
) -> None:
    """End the versions that were changed and begin the new ones."""
    of_areas = [ids[area.code] for area, _ in fresh]
    session.execute(
        text("""
            UPDATE area_version SET editions = int4range(lower(editions), :number)
            WHERE area_id = ANY (CAST(:ids AS int[])) AND upper_inf(editions)
        """),
        {"number": number, "ids": of_areas},
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


def _note_lineage(session: Session, number: int, became: Sequence[tuple[int, str]]) -> None:
    if became:
        session.execute(
            text("""
                INSERT INTO area_lineage (edition_number, from_area_id, to_area_id, how)
                SELECT :number, id, id, how FROM unnest(CAST(:ids AS int[]), CAST(:hows AS text[])) AS new (id, how)
            """),
            {"number": number, "ids": [area for area, _ in became], "hows": [how for _, how in became]},
        )


def _told(session: Session, codes: Sequence[str], kinds: Mapping[str, AreaKind]) -> dict[str, PublishedArea]:
    rows: Any = session.execute(select(Area.id, Area.uid, Area.code, Area.kind).where(Area.code.in_(codes)))
    return {row.code: PublishedArea(row.id, row.uid, row.code, kinds[row.kind].is_locating) for row in rows}
