"""Finding areas of any kind by name or code: what lists, search fields and keyboards choose areas by.

Owns what matches and in which order. Names are looked through in the ground that the process holds; only the boxes of
those that are shown are asked of the database, so that a city of 85,000 areas is searched within milliseconds. Must not
know requests. Below the grids, too: micro-grids and buildings are found like all others.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, Integer, any_, cast, func, select
from sqlalchemy.orm import Session

from geo.editions.ground import AreaFacts, Ground
from geo.editions.tables import AreaKind, AreaVersion
from server.accounts.charge import area_in_charge

MOST_FOUND: Final = 200
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class AreaQuery:
    """What is looked for. Each word must be in the code or name of an area or of one above it, and one in its own.

    ``kinds``: of these alone (empty: all). ``within``: the code of an area that it lies in; that area itself is not
    told. ``in_charge``: only what is in the caller's charge. ``code``: the one area of exactly this code.
    """

    words: str = ""
    kinds: frozenset[str] = frozenset()
    within: str = ""
    code: str = ""
    in_charge: bool = False
    limit: int = 20


@dataclass(frozen=True, slots=True)
class FoundArea:
    """An area that was found. ``bounds``: west, south, east, north, degrees EPSG:4326; ``path``: from the root down."""

    facts: AreaFacts
    path: tuple[AreaFacts, ...]
    bounds: tuple[float, float, float, float]
    in_charge: bool


@dataclass(frozen=True, slots=True)
class FoundAreas:
    """The best of ``total`` areas that match."""

    areas: Sequence[FoundArea]
    total: int


@dataclass(frozen=True, eq=False)
class _Index:
    """The areas of one ground in the order of kinds and codes, as they are compared with words."""

    areas: Sequence[AreaFacts]
    names: Sequence[str]
    codes: Sequence[str]


_indexes: WeakKeyDictionary[Ground, _Index] = WeakKeyDictionary()


def find_areas(session: Session, ground: Ground, asked: AreaQuery, tops: frozenset[int]) -> FoundAreas:
    """Return the areas that match, the best first: whose code or name is what was asked, begins so, holds it.

    ``tops``: ids of the areas that the caller is in charge of. Without words: from the uppermost kind, by code.
    """
    index = _index_of(session, ground)
    words = tuple(folded(asked.words).split()[:MOST_WORDS])
    allowed = _allowed(ground, index, asked, tops)
    matching = sorted((rank, number) for number, rank in _ranked(ground, index, words) if allowed[number])
    shown = [index.areas[number] for _, number in matching[: asked.limit]]
    boxes = _boxes(session, ground, [facts.id for facts in shown])
    found = [
        FoundArea(facts, _path(ground, facts), boxes[facts.id], area_in_charge(ground, facts.id, tops))
        for facts in shown
        if facts.id in boxes
    ]
    return FoundAreas(found, len(matching))


def folded(words: str) -> str:
    """Return words as they are compared: one form for full-width and half-width, capital and small letters."""
    return unicodedata.normalize("NFKC", words).casefold()


def _index_of(session: Session, ground: Ground) -> _Index:
    found = _indexes.get(ground)
    if found is None:
        ranks = {kind.code: kind.rank for kind in session.scalars(select(AreaKind))}
        areas = sorted(ground.areas.values(), key=lambda facts: (ranks.get(facts.kind, 0), facts.code))
        names, codes = [folded(facts.name) for facts in areas], [folded(facts.code) for facts in areas]
        found = _indexes[ground] = _Index(areas, names, codes)
    return found


def _ranked(ground: Ground, index: _Index, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The places in the index of what matches, each with how well: 0 is best."""
    if not words:
        yield from ((number, 0) for number in range(len(index.areas)))
        return
    whole = " ".join(words)
    for number, (name, code) in enumerate(zip(index.names, index.codes, strict=True)):
        hits = [word in name or word in code for word in words]
        if any(hits) and (all(hits) or _holds(ground, index.areas[number], words)):
            yield number, _rank(whole, words[-1], name, code)


def _rank(whole: str, last: str, name: str, code: str) -> int:
    if whole in (name, code):
        return 0
    if name.startswith(whole) or code.startswith(whole):
        return 1
    return 2 if last in name else 3


def _holds(ground: Ground, facts: AreaFacts, words: Sequence[str]) -> bool:
    """Whether each word is in the code or the name of an area or of one above it."""
    line = " ".join(folded(f"{each.name} {each.code}") for each in _path(ground, facts))
    return all(word in line for word in words)


def _allowed(ground: Ground, index: _Index, asked: AreaQuery, tops: frozenset[int]) -> list[bool]:
    """Of each place in the index, whether anything but the words allows it."""
    allowed = [not asked.kinds or facts.kind in asked.kinds for facts in index.areas]
    if asked.code:
        allowed = [each and facts.code == asked.code for each, facts in zip(allowed, index.areas, strict=True)]
    if asked.within:
        above = frozenset(facts.id for facts in index.areas if facts.code == asked.within)
        lower = _below(index, above) - above
        allowed = [each and facts.id in lower for each, facts in zip(allowed, index.areas, strict=True)]
    if asked.in_charge and not ground.root_ids <= tops:
        held = _below(index, tops)
        allowed = [each and facts.id in held for each, facts in zip(allowed, index.areas, strict=True)]
    return allowed


def _below(index: _Index, tops: frozenset[int]) -> frozenset[int]:
    """The areas that are one of ``tops`` or lie below one. Parents come before what lies in them."""
    found: set[int] = set()
    for facts in index.areas:
        if facts.id in tops or facts.parent_id in found:
            found.add(facts.id)
    return frozenset(found)


def _path(ground: Ground, facts: AreaFacts) -> tuple[AreaFacts, ...]:
    return tuple(ground.areas[each] for each in reversed(ground.ancestors(facts.id)))


def _boxes(session: Session, ground: Ground, ids: Sequence[int]) -> Mapping[int, tuple[float, float, float, float]]:
    shape = AreaVersion.polygon
    rows = session.execute(
        select(
            AreaVersion.area_id, func.ST_XMin(shape), func.ST_YMin(shape), func.ST_XMax(shape), func.ST_YMax(shape)
        ).where(
            AreaVersion.area_id == any_(cast(list(ids), ARRAY(Integer))),
            AreaVersion.editions.contains(ground.number),
        )
    )
    return {
        area_id: (round(west, 7), round(south, 7), round(east, 7), round(north, 7))
        for area_id, west, south, east, north in rows
    }
