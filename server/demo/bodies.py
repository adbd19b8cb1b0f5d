"""The organisations of the sample city beside the departments of the catalogue, and some rules of its own.

Owns the communities' committees, the 19 service centres with the grids they serve, the 71 party units placed with
them, and rules that send cases to them. All invented but for the kinds of thing they are.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from server.accounts.tables import Organisation
from server.cases.calendars.calendar import Limit
from server.cases.routing import rulebook
from server.cases.routing.rulebook import Draft
from server.demo.ground import SampleGround
from server.demo.people import NAMES


@dataclass(frozen=True, slots=True)
class Seat:
    """An organisation, where it sits and which grids it serves. ``lon``, ``lat``: WGS-84, where it has a door."""

    code: str
    kind: str
    name: str
    name_en: str
    area: str
    serves: tuple[str, ...] = ()
    lon: float | None = None
    lat: float | None = None


def _seats(ground: SampleGround) -> Iterator[Seat]:
    for number, area in enumerate(ground.of_level("community"), start=1):
        name_en = f"Residents' committee {number}"
        yield Seat(f"jwh{number:02}", "community", f"{area.name}居委会", name_en, area.code)
    for centre in ground.centres:
        lon, lat = centre.point.x, centre.point.y
        name_en = f"Service centre {centre.code[-2:]}"
        yield Seat(centre.code, "service_centre", centre.name, name_en, centre.serves[0], centre.serves, lon, lat)
    for number, unit in enumerate(NAMES["units"]):
        home = ground.centres[number % len(ground.centres)].serves[0]
        yield Seat(f"dzb{number + 1:02}", "party", f"{unit}党支部", f"Party unit {number + 1}", home, (home,))


def found(session: Session, ground: SampleGround) -> int:
    """Add the organisations of the sample city that are missing; return how many were added."""
    return take_seats(session, list(_seats(ground)))


def take_seats(session: Session, seats: Sequence[Seat]) -> int:
    """Add the organisations that are missing, and their links to the grids they serve; return how many were added."""
    known = set(session.scalars(select(Organisation.code)))
    new = [seat for seat in seats if seat.code not in known]
    if new:
        names = ("code", "kind", "name", "name_en", "area", "lon", "lat")
        session.execute(_BODIES, {name: [getattr(seat, name) for seat in new] for name in names})
        links = [(seat.code, grid) for seat in new for grid in seat.serves]
        session.execute(_LINKS, {"body": [body for body, _ in links], "grid": [grid for _, grid in links]})
    return len(new)


_BODIES = text("""
    INSERT INTO organisation (code, kind, name, name_en, area_id, position)
    SELECT new.code, new.kind, new.name, new.name_en, area.id,
           CASE WHEN new.lon IS NOT NULL THEN ST_SetSRID(ST_MakePoint(new.lon, new.lat), 4326) END
    FROM unnest(CAST(:code AS text[]), CAST(:kind AS text[]), CAST(:name AS text[]), CAST(:name_en AS text[]),
                CAST(:area AS text[]), CAST(:lon AS float8[]), CAST(:lat AS float8[]))
        AS new (code, kind, name, name_en, area, lon, lat)
    JOIN area ON area.code = new.area
""")
_LINKS = text("""
    INSERT INTO service_link (organisation_id, area_id)
    SELECT organisation.id, area.id FROM unnest(CAST(:body AS text[]), CAST(:grid AS text[])) AS link (body, grid)
    JOIN organisation ON organisation.code = link.body JOIN area ON area.code = link.grid
""")


def _drafts(ground: SampleGround) -> Iterator[Draft]:
    """The sample city's rules: proposals go to the community they come from, and dangers go out quickly."""
    communities = [area.code for area in ground.of_level("community")]
    for number, (area, name) in enumerate(((a.code, a.name) for a in ground.of_level("community")), start=1):
        yield Draft(f"{name}的议事建议由本居委会办理", f"jwh{number:02}", category="10", area=area)
    old_town = communities[0]
    yield Draft(
        "老城区消防通道占用：消防牵头，城管、交警协助", "xiaofang", category="0501", area=old_town,
        assisting=("chengguan", "jiaojing"), limit=Limit(1, "h"), tier="street",
    )  # fmt: skip
    yield Draft("紧急公用设施：1 小时内到场", "zhujian", category="03", severity="urgent", limit=Limit(1, "h"))
    yield Draft("非工作时间噪音由派出所办理", "paichusuo", category="0205", hours="off", limit=Limit(2, "h"))
    yield Draft(
        "阳岭社区违停先由居委会劝离", "jwh03", category="0202", area=communities[2], assisting=("jiaojing",),
        limit=Limit(4, "wh"),
    )  # fmt: skip


def lay_down_rules(session: Session, ground: SampleGround, *, now: dt.datetime) -> int:
    """Save the rules that the city has not had yet, in force or retired; return how many."""
    known = set(session.scalars(text("SELECT label FROM rule")))
    new = [draft for draft in _drafts(ground) if draft.label not in known]
    for draft in new:
        rulebook.save(session, draft, author_id=None, now=now)
    return len(new)
