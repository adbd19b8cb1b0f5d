"""Sketching: keeps ``area_sketch`` in step with the editions, so that tiles are drawn and not cut.

Owns which areas are drawn anew for an edition, and the tables of sketches. Knows no tiles and no jobs. The newest
edition is sketched, kind by kind, each in one transaction: until it commits, nobody sees any of it. After a redraw only
what it touched is drawn anew, with the neighbours, whose borders may run otherwise now; where what lies around them
would not fit any more, all of the kind is.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.serving.simplified import LAST_ZOOMS, Sketch, at_zoom, fits, sketched

# Any number that no other advisory lock of the city uses.
_KEY: Final = 0x5CE7C4
_AT_ONCE: Final = 5_000
_MOST_OF: Final = 0.3
"""Where more of a kind would be drawn anew, all of it is."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one run did: the areas of ``kind`` that it drew, of which ``written`` came out otherwise than before."""

    kind: str
    edition: int
    drawn: int
    written: int


@dataclass(frozen=True, slots=True)
class _Drawn:
    """One area as tiles show it."""

    code: str
    name: str
    sketch: Sketch


@dataclass(frozen=True, slots=True)
class _Redraw:
    """What is drawn anew for an edition: areas by id that are written, and those around that must still fit."""

    inner: frozenset[int]
    around: frozenset[int]


_Drawings = Mapping[int, _Drawn]

_WAITING = text("""
    SELECT newest.number, area_kind.code
    FROM (SELECT max(number) AS number FROM edition) AS newest, area_kind
    WHERE newest.number IS NOT NULL AND area_kind.code <> ALL (CAST(:skipped AS text[]))
      AND NOT EXISTS (SELECT FROM edition_sketch WHERE kind = area_kind.code AND edition_number = newest.number)
    ORDER BY area_kind.is_locating DESC, area_kind.rank LIMIT 1
""")


def waiting(session: Session, *, skipped: Collection[str] = ()) -> str | None:
    """Return the kind of the newest edition that is to be sketched next, passing over some; None where none is."""
    found = session.execute(_WAITING, {"skipped": list(skipped)}).first()
    return None if found is None else str(found[1])


def waits(session: Session) -> bool:
    """Return whether the newest edition has a kind that is not sketched."""
    return waiting(session) is not None


def sketch_next(session: Session, *, skipped: Collection[str] = ()) -> Done | None:
    """Sketch one kind of the newest edition; None where none waits, or another process is at it. The caller commits.

    ``skipped``: codes of kinds that are passed over.
    """
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _KEY}):
        return None
    found = session.execute(_WAITING, {"skipped": list(skipped)}).first()
    if found is None:
        return None
    edition, kind = found
    drawn, written = _sketch(session, edition, kind)
    session.execute(
        text("INSERT INTO edition_sketch (kind, edition_number) VALUES (:kind, :edition)"),
        {"kind": kind, "edition": edition},
    )
    return Done(kind, edition, drawn, written)


def _sketch(session: Session, edition: int, kind: str) -> tuple[int, int]:
    """Return how many areas were drawn, and how many of them written."""
    last = session.scalar(text("SELECT max(edition_number) FROM edition_sketch WHERE kind = :kind"), {"kind": kind})
    if last is not None:
        changed = _changed(session, kind, last, edition)
        if not changed:
            return 0, 0
        redraw = _touched(session, kind, last, edition, changed)
        if redraw is not None:
            after = _draw(session, edition, kind, redraw.inner | redraw.around)
            before = _standing(session, kind, redraw.inner | redraw.around)
            if _is_whole(redraw, before, after):
                inner = redraw.inner
                return len(after), _write(session, edition, kind, _only(before, inner), _only(after, inner))
    after = _draw(session, edition, kind, None)
    return len(after), _write(session, edition, kind, _standing(session, kind, None), after)


def _changed(session: Session, kind: str, last: int, edition: int) -> list[int]:
    """Return the areas of which a version began or ended after one edition and until another."""
    rows = session.scalars(
        text("""
            SELECT DISTINCT area_id FROM area_version JOIN area ON area.id = area_id AND area.kind = :kind
            WHERE (lower(editions) > :last AND lower(editions) <= :edition)
               OR (upper(editions) > :last AND upper(editions) <= :edition)
        """),
        {"kind": kind, "last": last, "edition": edition},
    )
    return list(rows)


# The boxes of what touches meet; what meets more only draws a little more.
_BESIDE = text("""
    SELECT DISTINCT beside.area_id
    FROM area_version AS one
    JOIN area_version AS beside ON beside.polygon && one.polygon AND beside.editions @> CAST(:edition AS int)
    JOIN area ON area.id = beside.area_id AND area.kind = :kind
    WHERE one.area_id = ANY (CAST(:areas AS int[]))
      AND (one.editions @> CAST(:edition AS int) OR one.editions @> CAST(:last AS int))
""")


def _touched(session: Session, kind: str, last: int, edition: int, changed: Sequence[int]) -> _Redraw | None:
    """Return what to draw anew; None where that is all.

    A border runs as the areas at its ends have it: so those around are drawn too, and kept as they stand.
    """
    count = session.scalar(text("SELECT count(*) FROM area WHERE kind = :kind"), {"kind": kind}) or 0
    if len(changed) > _MOST_OF * count:
        return None
    told = {"kind": kind, "last": last, "edition": edition}
    inner = {*changed, *session.scalars(_BESIDE, told | {"areas": list(changed)})}
    outer = set(session.scalars(_BESIDE, told | {"areas": list(inner)}))
    if len(outer) > _MOST_OF * count:
        return None
    return _Redraw(frozenset(inner), frozenset(outer - inner))


def _is_whole(redraw: _Redraw, before: _Drawings, after: _Drawings) -> bool:
    """Return whether the new sketches share every edge with what stays around them."""
    if any(area not in before for area in redraw.around):
        return False
    return all(
        fits(
            [at_zoom(before[area].sketch, zoom) for area in redraw.around],
            [at_zoom(each.sketch, zoom) for area, each in before.items() if area in redraw.inner],
            [at_zoom(each.sketch, zoom) for area, each in after.items() if area in redraw.inner],
        )
        for zoom in LAST_ZOOMS
    )


def _only(drawn: _Drawings, areas: frozenset[int]) -> _Drawings:
    return {area: each for area, each in drawn.items() if area in areas}


def _draw(session: Session, edition: int, kind: str, areas: Iterable[int] | None) -> dict[int, _Drawn]:
    """Draw areas of an edition, or all of the kind, in the order of their ids."""
    rows = session.execute(
        text("""
            SELECT area.id, area.code, version.name, ST_AsBinary(version.polygon) AS polygon
            FROM area
            JOIN area_version AS version ON version.area_id = area.id AND version.editions @> CAST(:edition AS int)
            WHERE area.kind = :kind AND (CAST(:areas AS int[]) IS NULL OR area.id = ANY (CAST(:areas AS int[])))
            ORDER BY area.id
        """),
        {"edition": edition, "kind": kind, "areas": None if areas is None else list(areas)},
    ).all()
    sketches = sketched(shapely.from_wkb([bytes(row.polygon) for row in rows])) if rows else []
    return {row.id: _Drawn(row.code, row.name, sketch) for row, sketch in zip(rows, sketches, strict=True)}


def _standing(session: Session, kind: str, areas: Iterable[int] | None) -> dict[int, _Drawn]:
    """Return the sketches that no edition has ended."""
    rows = session.execute(
        text("""
            SELECT area_id, code, name, across_m, ST_AsBinary(label) AS label,
                   lower(zooms) AS first, upper(zooms) - 1 AS last, ST_AsBinary(shape) AS shape
            FROM area_sketch
            WHERE kind = :kind AND upper_inf(editions)
              AND (CAST(:areas AS int[]) IS NULL OR area_id = ANY (CAST(:areas AS int[])))
            ORDER BY area_id, first DESC
        """),
        {"kind": kind, "areas": None if areas is None else list(areas)},
    )
    facts = {}
    shapes = defaultdict(list)
    for row in rows:
        facts[row.area_id] = (row.code, row.name, bytes(row.label), row.across_m)
        shapes[row.area_id].append(((row.first, row.last), bytes(row.shape)))
    return {
        area: _Drawn(code, name, Sketch(tuple(shapes[area]), label, across_m))
        for area, (code, name, label, across_m) in facts.items()
    }


def _write(session: Session, edition: int, kind: str, before: _Drawings, after: _Drawings) -> int:
    """End what is drawn otherwise or no more from this edition on, and begin what is new; return how much that is."""
    fresh = {area: each for area, each in after.items() if before.get(area) != each}
    ended = [area for area, each in before.items() if after.get(area) != each]
    session.execute(
        text("""
            UPDATE area_sketch SET editions = int4range(lower(editions), CAST(:edition AS int))
            WHERE area_id = ANY (CAST(:areas AS int[])) AND upper_inf(editions)
        """),
        {"edition": edition, "areas": ended},
    )
    waiting = iter(fresh.items())
    while some := list(islice(waiting, _AT_ONCE)):
        _insert(session, edition, kind, some)
    return len(fresh.keys() | set(ended))


def _insert(session: Session, edition: int, kind: str, drawn: Sequence[tuple[int, _Drawn]]) -> None:
    rows = list(_rows(drawn))
    columns = ("areas", "codes", "names", "sizes", "labels", "firsts", "lasts", "shapes")
    session.execute(
        text("""
            INSERT INTO area_sketch (area_id, kind, code, name, editions, zooms, across_m, label, shape)
            SELECT area_id, :kind, code, name, int4range(CAST(:edition AS int), NULL), int4range(first, last, '[]'),
                   across_m, ST_GeomFromWKB(label, 3857), ST_GeomFromWKB(shape, 3857)
            FROM unnest(CAST(:areas AS int[]), CAST(:codes AS text[]), CAST(:names AS text[]),
                        CAST(:sizes AS float8[]), CAST(:labels AS bytea[]), CAST(:firsts AS int[]),
                        CAST(:lasts AS int[]), CAST(:shapes AS bytea[]))
                AS new (area_id, code, name, across_m, label, first, last, shape)
        """),
        {"edition": edition, "kind": kind} | dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)),
    )


def _rows(drawn: Sequence[tuple[int, _Drawn]]) -> Iterator[tuple[object, ...]]:
    for area, each in drawn:
        for (first, last), shape in each.sketch.shapes:
            yield area, each.code, each.name, each.sketch.across_m, each.sketch.label, first, last, shape
