"""The people of the sample city: who they are called, what they do and where. All invented.

Owns the cast and how it is put into the database set-wise. Passwords belong to ``server.demo.sign_ins``.
"""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.demo.ground import COUNTY_CODE, SampleGround

NAMES: Final[Mapping[str, Sequence[str]]] = json.loads(
    (Path(__file__).parent / "data" / "names.json").read_text(encoding="utf-8")
)
"""Surnames as common as they are around Chongyi, given names, and the units that the party members come from."""

_IN_OFFICE_FOR: Final = dt.timedelta(days=120)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a part. ``place``: code of an area, or of an organisation for a handler.

    ``signs_in``: whether demo sign-ins name them.
    """

    login: str
    name: str
    role: str
    place: str
    signs_in: bool = False


def cast_of(ground: SampleGround, chance: Random) -> list[Member]:
    """Return everybody: staff, a head for each community, a worker for each grid, a party member for each zone."""
    names = _names(chance)
    return [Member(login, next(names), role, place, on_list) for login, role, place, on_list in _parts(ground)]


def _parts(ground: SampleGround) -> Iterator[tuple[str, str, str, bool]]:
    """Yield (login, role, place, is a demo sign-in)."""
    communities = [area.code for area in ground.of_level("community")]
    yield "dispatcher", "dispatcher", COUNTY_CODE, True
    yield "supervisor", "supervisor", COUNTY_CODE, True
    yield "supervisor-zhongshan", "supervisor", communities[0], True
    for body in ("chengguan", "zhujian", "xiaofang", "jiaojing", "shengtai"):
        yield body, "handler", body, True
    yield "gis", "gis", COUNTY_CODE, True
    yield "admin", "admin", COUNTY_CODE, True
    for number, grid in enumerate(ground.of_level("grid")):
        yield worker_of(grid.code), "grid_worker", grid.code, number % 9 == 0
    for code in communities:
        yield f"head{code[-2:]}", "grid_head", code, False
    for zone in ground.of_level("zone"):
        yield f"member{zone.code[10:12]}{zone.code[13:]}", "building_head", zone.code, False


def worker_of(grid_code: str) -> str:
    """Return the login of the worker of a grid: community and grid by their numbers."""
    return f"worker{grid_code[10:12]}{grid_code[13:15]}"


def _names(chance: Random) -> Iterator[str]:
    """Yield names, none twice."""
    all_names = [surname + given for surname in NAMES["surnames"] for given in NAMES["given"]]
    yield from chance.sample(all_names, len(all_names))


def settle_in(session: Session, members: Sequence[Member], *, now: dt.datetime) -> int:
    """Add those who are missing and give them their parts; return how many. Who is there already is left alone."""
    known = set(session.scalars(_KNOWN, {"login": [member.login for member in members]}))
    new = [member for member in members if member.login not in known]
    if new:
        columns = {name: [getattr(member, name) for member in new] for name in ("login", "name", "role", "place")}
        session.execute(_PEOPLE, columns)
        session.execute(_PARTS, {**columns, "since": now - _IN_OFFICE_FOR})
    return len(new)


def give_passwords(session: Session, hashes: Mapping[str, str]) -> None:
    """Set password hashes, by login."""
    if hashes:
        session.execute(_PASSWORDS, {"login": list(hashes), "hash": list(hashes.values())})


_KNOWN = text("SELECT login FROM person WHERE login = ANY (CAST(:login AS text[]))")
_PEOPLE = text("""
    INSERT INTO person (login, name) SELECT * FROM unnest(CAST(:login AS text[]), CAST(:name AS text[]))
""")
_PARTS = text("""
    INSERT INTO assignment (person_id, role, area_id, organisation_id, during)
    SELECT person.id, part.role, area.id, organisation.id, tstzrange(:since, NULL)
    FROM unnest(CAST(:login AS text[]), CAST(:role AS text[]), CAST(:place AS text[])) AS part (login, role, place)
    JOIN person ON person.login = part.login
    LEFT JOIN area ON area.code = part.place AND part.role <> 'handler'
    LEFT JOIN organisation ON organisation.code = part.place AND part.role = 'handler'
""")
_PASSWORDS = text("""
    UPDATE person SET password_hash = new.hash
    FROM unnest(CAST(:login AS text[]), CAST(:hash AS text[])) AS new (login, hash) WHERE person.login = new.login
""")
