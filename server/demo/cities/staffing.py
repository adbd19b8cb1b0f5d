"""The people and the organisations of a city, as its profile posts them. Pure; all invented.

Owns spreading so many over so many places. How they get into the database is `server.demo.people` and
`server.demo.bodies`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from numpy.random import Generator

from server.demo.bodies import Seat
from server.demo.cities.layout import CityArea
from server.demo.cities.profile import Body, Profile
from server.demo.people import NAMES, Member

_LOGINS: Final = {"grid_worker": "worker", "grid_head": "head", "building_head": "steward"}
_SIGNING_IN: Final = {"grid_worker": 3, "grid_head": 1}


def cast_of(profile: Profile, areas: Sequence[CityArea], chance: Generator) -> list[Member]:
    """Return everybody: staff for the whole city, handlers of departments, and posts area by area."""
    parts = list(_parts(profile, areas))
    surnames, given = NAMES["surnames"], NAMES["given"]
    first = chance.integers(0, len(surnames), len(parts)).tolist()
    last = chance.integers(0, len(given), len(parts)).tolist()
    return [
        Member(login, surnames[one] + given[two], role, place, on_list)
        for (login, role, place, on_list), one, two in zip(parts, first, last, strict=True)
    ]


def _parts(profile: Profile, areas: Sequence[CityArea]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield (login, role, place, is a demo sign-in)."""
    for role in profile.staff:
        yield f"{profile.name}-{role}", role, profile.root_code, True
    for body in profile.handlers:
        yield f"{profile.name}-{body}", "handler", body, True
    for post in profile.posts:
        places = [area.code for area in areas if area.kind == post.place]
        login = f"{profile.name}-{_LOGINS.get(post.role, post.role)}"
        for number, place in enumerate(spread(places, post.total), start=1):
            yield f"{login}-{number:05}", post.role, place, number <= _SIGNING_IN.get(post.role, 0)


def spread(places: Sequence[str], total: int | None) -> Iterator[str]:
    """Yield each place as often as its share of a total says, as evenly as may be; None: once each."""
    count = len(places) if total is None else total
    for number in range(count if places else 0):
        yield places[number * len(places) // count]


def seats_of(profile: Profile, areas: Sequence[CityArea]) -> list[Seat]:
    """Return the organisations of the profile, with the areas that they serve."""
    by_code = {area.code: area for area in areas}
    return [seat for body in profile.bodies for seat in _seats(profile, body, by_code, _served(body, areas, by_code))]


def _served(body: Body, areas: Sequence[CityArea], by_code: dict[str, CityArea]) -> dict[str, list[str]]:
    """By the area that a body sits in: the areas below it that it serves."""
    served: dict[str, list[str]] = {}
    for area in areas:
        if area.kind == body.serves:
            above: CityArea | None = area
            while above is not None and above.kind != body.place:
                above = by_code.get(above.parent or "")
            if above is not None:
                served.setdefault(above.code, []).append(area.code)
    return served


def _seats(profile: Profile, body: Body, by_code: dict[str, CityArea], served: dict[str, list[str]]) -> Iterator[Seat]:
    if body.place is None:
        places = [profile.root_code] * (body.total or 1)
    else:
        places = list(spread([code for code, area in by_code.items() if area.kind == body.place], body.total))
    pool = NAMES[body.pool] if body.pool else ("",)
    for number, place in enumerate(places, start=1):
        name = body.name.format(area=by_code[place].name, n=number, pool=pool[(number - 1) % len(pool)])
        code = f"{profile.name}-{body.code}{number:04}"
        yield Seat(code, body.kind, name, body.en.format(n=number), place, tuple(served.get(place, ())))
