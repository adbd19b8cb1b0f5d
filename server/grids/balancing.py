"""Dividing grids evenly in a draft: what is asked for becomes a division, by who lives where at that moment.

Owns reading households, finding the grids concerned, and calling the parts. What is kept of the operation is the
division that came out: whoever moves in later changes nothing of it. Must not know drafts.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.balance import Dwellings, Norm, OutOfNorm, heal, propose
from geo.balance.dwellings import out_of_norm
from geo.editions.numbering import DIGITS, GRID, next_codes, next_names
from geo.geometry.shapes import line_of
from geo.redraw import AreaShape, Layer, divide
from geo.redraw.layer import Ground, to_degrees
from server.grids.draft_ground import DraftGround
from server.grids.errors import OperationRefused

Parameters = Mapping[str, Any]
BALANCING: Final = ("propose", "heal")
_BESIDE_DEG: Final = 1e-3
_MOST_HEALED: Final = 200
"""Grids at once: what they take of a processor stays within seconds."""
_HOUSEHOLDS: Final = text("""
    SELECT ST_X(position) AS lon, ST_Y(position) AS lat, count(*) AS households
    FROM household
    WHERE deleted_at IS NULL AND position IS NOT NULL AND grid_now = ANY (
        SELECT area_id FROM area_version
        WHERE upper_inf(editions) AND polygon && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
    )
    GROUP BY lon, lat ORDER BY lon, lat
""")
_CODES: Final = text("SELECT code FROM area WHERE starts_with(code, :stem)")


def worked_out(session: Session, city: DraftGround, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The parameters of an operation with the division that it came to; those of other kinds as they are.

    Raises OperationRefused, UnknownTract, and the errors of ``geo.balance`` and ``geo.geometry.shapes``.
    """
    if kind not in BALANCING:
        return given
    asked = {name: value for name, value in given.items() if name in _ASKED[kind]}
    return (_proposed if kind == "propose" else _healed)(session, city, asked)


def _proposed(session: Session, city: DraftGround, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("code"):
        raise OperationRefused("code", "required")
    norm, count = _norm(given), given.get("count")
    if norm is None and count is None:
        raise OperationRefused("count", "required")
    codes, whole, parent = _grids_of(city, given["code"])
    sheet = city.grids
    ground = whole.polygon if not codes else _united(sheet, codes)
    dwellings = _dwellings(session, sheet, codes, ground)
    lines = [line_of(line) for line in given.get("lines") or ()]
    found = propose(ground, dwellings, count=count, norm=norm, lines=lines, seed=given.get("seed", 0))
    of_parts = _codes_for(session, city, (codes, given["code"], parent), found.polygons)
    known = {code: sheet[code].name for code in codes}
    like = known[codes[0]] if codes else f"{whole.name}第0{GRID}"
    new = next_names(like, [each.name for each in sheet.tracts.values()])
    tracts = {
        code: AreaShape(polygon, known.get(code) or next(new), parent)
        for code, polygon in zip(of_parts, found.polygons, strict=True)
    }
    return _kept(given, (city.grids, codes, tracts), dwellings, norm)


def _healed(session: Session, city: DraftGround, given: dict[str, Any]) -> dict[str, Any]:
    norm = _norm(given)
    if norm is None:
        raise OperationRefused("households", "required")
    codes = given.get("codes") or []
    if not codes and given.get("code"):
        codes = _grids_of(city, given["code"])[0]
    if len(set(codes)) < 2:  # noqa: PLR2004 - somebody gives, somebody takes
        raise OperationRefused("codes", "two-areas")
    if city.kind_of(*codes) != city.locating:
        raise OperationRefused("codes", "not-grids")
    if len(codes) > _MOST_HEALED:
        raise OperationRefused("codes", "too-many")
    codes, sheet = sorted(set(codes)), city.grids
    dwellings = _dwellings(session, sheet, codes, _united(sheet, codes))
    done = heal({code: sheet[code].polygon for code in codes}, dwellings, norm, seed=given.get("seed", 0))
    if not done.polygons:
        raise OperationRefused("households", "nothing-to-move")
    concerned = sorted(done.polygons)
    tracts = {code: AreaShape(done.polygons[code], sheet[code].name, sheet[code].parent_code) for code in concerned}
    kept = _kept(given, (sheet, concerned, tracts), dwellings, norm)
    all_after = done.after | kept["balance"]["households"]
    out = [_as_json(each) for each in out_of_norm(all_after, norm)]
    return kept | {"balance": kept["balance"] | {"households": all_after, "moved": done.moved, "out": out}}


def _kept(
    given: dict[str, Any],
    division: tuple[Layer, Sequence[str], Mapping[str, AreaShape]],
    dwellings: Dwellings,
    norm: Norm | None,
) -> dict[str, Any]:
    """What is kept of an operation: what was asked, the division as it lies on the sheet, and who lives where in it."""
    sheet, codes, tracts = division
    laid = divide(sheet, codes, tracts).sheet
    parts = [
        {
            "code": code,
            "name": tract.name,
            "parent": tract.parent_code,
            "polygon": shapely.geometry.mapping(laid[code].polygon),
        }
        for code, tract in tracts.items()
    ]
    loads = dict(zip(tracts, dwellings.within([laid[code].polygon for code in tracts]), strict=True))
    out = [] if norm is None else [_as_json(each) for each in out_of_norm(loads, norm)]
    return given | {"codes": list(codes), "parts": parts, "balance": {"households": loads, "out": out}}


def _grids_of(city: DraftGround, code: str) -> tuple[list[str], AreaShape, str | None]:
    """The grids that an area is or has, the area itself, and what parts of it are under. Raises UnknownTract."""
    kind = city.kind_of(code)
    whole = city.sheets[kind][code]
    if kind == city.locating:
        return [code], whole, whole.parent_code
    below = {
        each: [own for own, tract in sheet.tracts.items() if tract.parent_code == code]
        for each, sheet in city.sheets.items()
    }
    if any(found for each, found in below.items() if each != city.locating):
        raise OperationRefused("code", "not-just-above")
    return sorted(below[city.locating]), whole, code


def _norm(given: Parameters) -> Norm | None:
    asked = given.get("households")
    if asked is None:
        return None
    least, most = asked
    if least > most or not most:
        raise OperationRefused("households", "not-a-range")
    return Norm(least, most)


def _united(sheet: Layer, codes: Collection[str]) -> Ground:
    units = list(sheet.units(codes).values())
    whole: Ground = to_degrees(shapely.union_all(np.array(units, dtype=object), grid_size=1.0))
    return whole


def _dwellings(session: Session, sheet: Layer, codes: Collection[str], ground: Ground) -> Dwellings:
    """Who lives on a ground, or outside all grids and nearest to it."""
    west, south, east, north = shapely.buffer(ground, _BESIDE_DEG).bounds
    rows = session.execute(_HOUSEHOLDS, {"west": west, "south": south, "east": east, "north": north})
    everybody = Dwellings.of([tuple(row) for row in rows])
    around = [sheet[code].polygon for code in sheet.near(ground, _BESIDE_DEG) if code not in codes]
    here = everybody.places_in([ground, *around]) == 0
    return Dwellings(everybody.positions[here], everybody.households[here])


def _codes_for(
    session: Session, city: DraftGround, divided: tuple[Sequence[str], str, str | None], polygons: Sequence[Ground]
) -> list[str]:
    """The codes of parts: each grid's goes to the part that has most of it, and the others get the next numbers.

    `divided`: the grids, the area asked for, and what the parts are under.
    """
    codes, whole, parent = divided
    shared = [
        (-shapely.intersection(polygon, city.grids[each].polygon, grid_size=1e-8).area, number, each)
        for number, polygon in enumerate(polygons)
        for each in codes
    ]
    found: dict[int, str] = {}
    for size, number, each in sorted(shared):
        if size < 0 and number not in found and each not in found.values():
            found[number] = each
    new = _new_codes(session, city, codes[0] if codes else _first_code(city, whole), parent)
    return [found[number] if number in found else next(new) for number in range(len(polygons))]


def _first_code(city: DraftGround, whole: str) -> str:
    """The code before the first in an area without grids: as long as the codes of grids elsewhere."""
    digits = len(min(city.grids.tracts, default="")) - len(whole)
    return f"{whole}{0:0{digits if digits > 0 else DIGITS}d}"


def _new_codes(session: Session, city: DraftGround, like: str, parent: str | None) -> Iterator[str]:
    """Codes that no area ever had. Raises OperationRefused where none is left."""
    stem = like[:-DIGITS] if like[-DIGITS:].isdecimal() else f"{like}-"
    known = {
        *session.scalars(_CODES, {"stem": stem}),
        *(each for sheet in city.sheets.values() for each in sheet.tracts),
    }
    yield from next_codes(like, known, parent)
    raise OperationRefused("count", "no-codes-left")


def _as_json(out: OutOfNorm) -> dict[str, Any]:
    return {"code": out.code, "households": out.households, "by": out.by}


_ASKED: Final[Mapping[str, frozenset[str]]] = {
    "propose": frozenset({"code", "count", "households", "lines", "seed"}),
    "heal": frozenset({"code", "codes", "households", "seed"}),
}
