"""One benchmark of items or tiles: SQL floor, ours and TiPg in alternating rounds, over two sizes of ground."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import maps
from tests.bench.stage import Say, another, in_processes, spread, stage, told

SIDES = (76, 278)
ROUNDS, SECONDS = 3, 3.0


@dataclass(frozen=True)
class Ours:
    """One way to ask ours: the path of a question, in a life of the city.

    ``again``: the same each round. ``is_held``: by a caller who holds the answers. ``keeps_nothing``: a server without
    a shelf.
    """

    path: Callable[[tuple[float, ...], str], str]
    again: bool = False
    is_held: bool = False
    keeps_nothing: bool = False


@dataclass(frozen=True)
class Race:
    """Who runs: a statement and its questions, and the paths of ours and of TiPg, with what an answer holds."""

    statement: str
    questions: Callable[[int, int], Sequence[tuple[float, ...]]]
    ours: Mapping[str, Ours]
    tipg: Callable[[tuple[float, ...]], str]
    holds: bytes


@dataclass(frozen=True)
class _Ran:
    """Answers a second, and the processor time that the servers of an answer spent."""

    rate: float
    cpu_ms: float


def measure(race: Race, say: Say) -> dict[str, Any]:
    """Run the rounds on each size; returns figures, and the lines that a person reads."""
    found, lines = {}, []
    for side in SIDES:
        one = _measure_on(race, side, say)
        found[f"{side * side}"] = one
        floor = one["floor"]
        lines.append(f"{side * side:,} grids, {maps.CLIENTS} clients; answers/s, median (least - most); servers' CPU")
        for name, each in one.items():
            ratio = f"   {each['median'] / floor['median']:.2f} of the floor" if name != "floor" else ""
            cpu = f"   CPU {each['cpu_ms']:.2f} ms, {floor['cpu_ms'] / each['cpu_ms']:.2f} of the floor's answers"
            lines.append(f"  {name:<18} {told(each)}{ratio}{cpu}")
    return found | {"lines": lines}


def _measure_on(race: Race, side: int, say: Say) -> dict[str, Any]:
    with (
        stage(prepare=lambda url: maps.lay(url, side)) as city,
        another(city.url, PATROL_TILE_CACHE_BYTES="0") as bare,
        maps.tipg(city.url) as peer,
    ):
        program, epoch = maps.program(city.url), maps.epoch_of(city.url)
        runs: dict[str, list[_Ran]] = {}
        for number in range(ROUNDS + 1):
            sides = {"floor": lambda seed: _floor(race, city.url, side, seed)}
            for name, ours in race.ours.items():
                server = bare if ours.keeps_nothing else city
                sides[name] = lambda seed, ours=ours, server=server: _http(
                    _Asking(race, server.address, program, ours.is_held, server.spent), side,
                    7 if ours.again else seed, lambda question, ours=ours: ours.path(question, epoch),
                )  # fmt: skip
            if peer is not None:
                sides["TiPg"] = lambda seed: _http(_Asking(race, peer.address, "", False, peer.spent), side, seed,
                                                   race.tipg)  # fmt: skip
            for name, run in sides.items():
                ran = run(number)
                say(f"{side * side} grids, round {number}: {name} {ran.rate:,.0f}/s, {ran.cpu_ms:.2f} ms")
                if number:
                    runs.setdefault(name, []).append(ran)
        return {name: _spread(each) for name, each in runs.items()}


def _spread(runs: Sequence[_Ran]) -> dict[str, float]:
    return spread([ran.rate for ran in runs]) | {"cpu_ms": statistics.median(ran.cpu_ms for ran in runs)}


def _floor(race: Race, url: str, side: int, seed: int) -> _Ran:
    shares = [(url, race.statement, race.questions(side, seed * 10 + n), SECONDS) for n in range(maps.CLIENTS)]
    ran = in_processes(maps.ask_sql, shares)
    answers = sum(done for done, _, _ in ran)
    return _Ran(sum(done / took for done, took, _ in ran), sum(cpu for _, _, cpu in ran) / answers * 1000)


@dataclass(frozen=True)
class _Asking:
    race: Race
    address: tuple[str, int]
    authorization: str
    is_held: bool
    spent: Callable[[], dict[str, float]]


def _http(asking: _Asking, side: int, seed: int, path: Callable[[Any], str]) -> _Ran:
    lanes = [[path(each) for each in asking.race.questions(side, seed * 10 + n)] for n in range(maps.CLIENTS)]
    headers = {"Accept-Encoding": "gzip"} if not asking.race.holds else {}
    headers |= {"Authorization": asking.authorization} if asking.authorization else {}
    tags = maps.tags(asking.address, {path for lane in lanes for path in lane}, headers) if asking.is_held else {}
    # A lane has more questions than any round can ask.
    lanes = [lane * (1 + 40_000 // len(lane)) for lane in lanes]
    shares = [
        (asking.address, lanes[n :: maps.PROCESSES], headers, tags, SECONDS, asking.race.holds)
        for n in range(maps.PROCESSES)
    ]
    before = sum(asking.spent().values())
    ran = in_processes(maps.ask_http, shares)
    answers = sum(done for done, _ in ran)
    cpu_ms = (sum(asking.spent().values()) - before) / answers * 1000
    return _Ran(sum(done / took for done, took in ran), cpu_ms)
