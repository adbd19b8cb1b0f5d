"""Cases beside bare SQL, in one run: steps through HTTP, routing, the first pages of duty list and desk, the counts.

Every floor writes or reads the same rows with bare statements and judges nothing; it is durable where ours is. Steps:
signing, beginning and answering, each case in turn, one a request (which answers with the whole case) and fifty a
request. Routing: the job's own loop in this process over cases that wait, beside as many that the floor sends away.
Lists: over hundreds of thousands of cases of which a tenth is open, HTTP beside the bare query of the same page.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import environ
from time import perf_counter
from typing import Any

import requests
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.accounts.service import add_person
from server.config import sqlalchemy_url
from server.jobs import process, routing
from server.launch.garbage import collect_seldom
from tests.bench import case_floor, load_http
from tests.bench.case_rows import Maker, maker
from tests.bench.case_steps import Taker, lanes_of
from tests.bench.stage import Say, Stage, in_processes, quantiles, spread, stage, told

BODY, COUNTY = "chengguan", "360725"
PROCESSES, CONNECTIONS = 2, 4
PASSWORD = "of this benchmark alone"


@dataclass(frozen=True)
class Sizes:
    """How many: cases that stand, that wait for routing in a round, that take steps in a round; rounds; seconds."""

    standing: int = int(environ.get("CASES_STANDING", "300000"))
    waiting: int = int(environ.get("CASES_WAITING", "20000"))
    stepping: int = int(environ.get("CASES_STEPPING", "800"))
    rounds: int = int(environ.get("CASES_ROUNDS", "5"))
    routing_rounds: int = int(environ.get("CASES_ROUTING_ROUNDS", "2"))
    seconds: float = 2.0
    warm_up: int = 1


@dataclass(frozen=True)
class Pair:
    """One comparison: its name, the unit of its figures, and floor and ours of each round side by side."""

    name: str
    unit: str
    floor: Sequence[float]
    ours: Sequence[float]
    more: str = ""

    def figures(self) -> dict[str, Any]:
        """Return the spreads."""
        ratios = [ours / floor for floor, ours in zip(self.floor, self.ours, strict=True)]
        return {"unit": self.unit, "floor": spread(self.floor), "ours": spread(self.ours), "ratio": spread(ratios)}

    def lines(self) -> list[str]:
        """Return what a person reads."""
        found = self.figures()
        return [
            f"{self.name}: floor {told(found['floor'])}, ours {told(found['ours'])} {self.unit}",
            f"    ratio {told(found['ratio'])}{self.more}",
        ]


def measure(say: Say, sizes: Sizes | None = None) -> dict[str, Any]:
    """Run all parts; returns the figures and the lines that a person reads."""
    sizes = sizes or Sizes()
    with stage() as city, maker(city.url) as make:
        say(f"making {sizes.standing:,} cases")
        make.stand(sizes.standing)
        pairs = [*_lists(city, make, sizes, say), *_steps(city, make, sizes, say), _routing(city, make, sizes, say)]
    lines = [
        f"{sizes.standing:,} cases stand, a tenth of them open; {sizes.rounds} rounds; median (least - most)",
        *(line for pair in pairs for line in pair.lines()),
    ]
    return {"sizes": vars(sizes), "pairs": {pair.name: pair.figures() for pair in pairs}, "lines": lines}


def _lists(city: Stage, make: Maker, sizes: Sizes, say: Say) -> list[Pair]:
    """The first pages and the counts: questions a second."""
    community = make.community()
    chief, clerk, handler = (
        _sign_in(city, *each)
        for each in (("dispatcher", COUNTY), ("supervisor", community), ("handler", BODY))
    )  # fmt: skip
    asked = (
        ("duty list, city, first 200", case_floor.DUTY, (), chief, "/v1/duty?limit=200", b'"cursor"'),
        ("duty list, community, first 200", case_floor.DUTY_OF, (community,), clerk, "/v1/duty?limit=200", b'"cursor"'),
        ("counts of duty, city", case_floor.COUNTS, (), chief, "/v1/work", b'"lights"'),
        ("desk, first 100", case_floor.DESK, (BODY,), handler, "/v1/desk/cases?limit=100", b'"cursor"'),
        ("counts of desk", case_floor.DESK_COUNTS, (BODY,), handler, "/v1/work", b'"lights"'),
    )
    pairs = []
    for name, statement, given, taker, path, wanted in asked:
        request, took_ms = taker.get(path), list[float]()
        floors, ours = [], []
        for number in range(1 - sizes.warm_up, sizes.rounds + 1):
            share = (city.url, statement, given, sizes.seconds)
            rates = in_processes(case_floor.ask, [share] * PROCESSES)
            found = in_processes(
                load_http.get, [(city.address, [request] * CONNECTIONS, sizes.seconds, wanted)] * PROCESSES
            )
            if number:
                floors.append(sum(count / took for count, took in rates))
                ours.append(sum(count / took for count, took, _ in found))
                took_ms += [ms for _, _, each in found for ms in each]
                say(f"{name} {number}: floor {floors[-1]:,.0f}/s, ours {ours[-1]:,.0f}/s")
        p50, p99 = quantiles(took_ms)
        pairs.append(Pair(name, "a second", floors, ours, f"; p50 {p50} ms, p99 {p99} ms over HTTP"))
    return pairs


def _steps(city: Stage, make: Maker, sizes: Sizes, say: Say) -> list[Pair]:
    """Steps a second: one a request, and fifty."""
    taker = _sign_in(city, "handler", BODY)
    pairs = []
    for name, each in (("steps, one a request", 1), ("steps, fifty a request", 50)):
        floors, ours = [], []
        count = sizes.stepping * (4 if each > 1 else 1)
        for number in range(1 - sizes.warm_up, sizes.rounds + 1):
            cases = make.dispatch(count, BODY)
            shares = [cases[n::PROCESSES] for n in range(PROCESSES)]
            took = max(in_processes(case_floor.step, [(city.url, share, each, CONNECTIONS) for share in shares]))
            cases = make.dispatch(count, BODY)
            shares = [cases[n::PROCESSES] for n in range(PROCESSES)]
            mine = max(
                in_processes(lanes_of, [(city.address, taker, share, each, CONNECTIONS) for share in shares])
            )  # fmt: skip
            if number:
                floors.append(count * 3 / took)
                ours.append(count * 3 / mine)
                say(f"{name} {number}: floor {floors[-1]:,.0f}/s, ours {ours[-1]:,.0f}/s")
        pairs.append(Pair(name, "a second", floors, ours))
    return pairs


def _routing(city: Stage, make: Maker, sizes: Sizes, say: Say) -> Pair:
    """Cases routed a second by the job's loop, five hundred a transaction on either side."""
    process.config.cache_clear()
    process.engine.cache_clear()
    collect_seldom()  # as the processes of the pool do
    floors, ours = [], []
    sides: dict[str, Callable[[], float]] = {"floor": lambda: case_floor.route(city.url, routing.BATCH), "ours": _route}
    for number in range(sizes.routing_rounds):
        found = {}
        for name in sorted(sides, reverse=bool(number % 2)):
            make.wait(sizes.waiting)
            found[name] = sizes.waiting / sides[name]()
        floors.append(found["floor"])
        ours.append(found["ours"])
        say(f"routing {number + 1}: floor {floors[-1]:,.0f}/s, ours {ours[-1]:,.0f}/s")
    process.engine().dispose()
    process.config.cache_clear()
    process.engine.cache_clear()
    return Pair(f"routing of {sizes.waiting:,} that wait", "a second", floors, ours)


def _route() -> float:
    began, left = perf_counter(), True
    while left:
        left = bool(routing.route())
    return perf_counter() - began


def _sign_in(city: Stage, role: str, place: str) -> Taker:
    """Add somebody of the staff and sign them in."""
    login = f"bench-{role}-{perf_counter():.6f}"
    engine = create_engine(sqlalchemy_url(city.url))
    with Session(engine) as session, session.begin():
        add_person(session, login, role=role, place=place, password=PASSWORD, now=dt.datetime.now(dt.UTC))
    engine.dispose()
    with requests.Session() as http:
        url = f"http://{city.address[0]}:{city.address[1]}/v1/session"
        answer = http.post(url, json={"login": login, "password": PASSWORD}, timeout=30)
        answer.raise_for_status()
        return Taker("; ".join(f"{name}={value}" for name, value in http.cookies.items()), answer.json()["csrf"])
