"""One benchmark of items or tiles: SQL floor, ours and TiPg in alternating rounds, over two sizes of ground."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench import maps
from tests.bench.stage import Say, in_processes, spread, stage, told

SIDES = (76, 278)
ROUNDS, SECONDS = 3, 3.0


@dataclass(frozen=True)
class Race:
    """Who runs: a statement and its questions, and the paths of ours and of TiPg, with what an answer holds."""

    statement: str
    questions: Callable[[int, int], Sequence[tuple[float, ...]]]
    ours: Mapping[str, Callable[[tuple[float, ...], int], str]]
    tipg: Callable[[tuple[float, ...]], str]
    holds: bytes
    again: frozenset[str] = frozenset()


def measure(race: Race, say: Say) -> dict[str, Any]:
    """Run the rounds on each size; returns figures, and the lines that a person reads."""
    found, lines = {}, []
    for side in SIDES:
        one = _measure_on(race, side, say)
        found[f"{side * side}"] = one
        floor = one["floor"]
        lines.append(f"{side * side:,} grids, {maps.CLIENTS} clients; answers/s, median (least - most)")
        for name, each in one.items():
            ratio = f"   {each['median'] / floor['median']:.2f} of the floor" if name != "floor" else ""
            lines.append(f"  {name:<18} {told(each)}{ratio}")
    return found | {"lines": lines}


def _measure_on(race: Race, side: int, say: Say) -> dict[str, Any]:
    with stage(prepare=lambda url: maps.lay(url, side)) as city, maps.tipg(city.url) as peer:
        headers = {"Authorization": maps.program(city.url)}
        counts: dict[str, list[float]] = {}
        for number in range(ROUNDS + 1):
            sides = {"floor": lambda seed: _floor(race, city.url, side, seed)}
            for name, path in race.ours.items():
                sides[name] = lambda seed, name=name, path=path: _http(
                    race, city.address, side, 7 if name in race.again else seed, path, headers
                )
            if peer is not None:
                sides["TiPg"] = lambda seed: _http(race, peer, side, seed, lambda q, _: race.tipg(q), {})
            for name, run in sides.items():
                rate = run(number)
                say(f"{side * side} grids, round {number}: {name} {rate:,.0f}/s")
                if number:
                    counts.setdefault(name, []).append(rate)
        return {name: spread(each) for name, each in counts.items()}


def _floor(race: Race, url: str, side: int, seed: int) -> float:
    shares = [(url, race.statement, race.questions(side, seed * 10 + n), SECONDS) for n in range(maps.CLIENTS)]
    return sum(done / took for done, took in in_processes(maps.ask_sql, shares))


def _http(
    race: Race, address: tuple[str, int], side: int, seed: int, path: Callable[[Any, int], str],
    headers: dict[str, str],
) -> float:  # fmt: skip
    lanes = [[path(each, side) for each in race.questions(side, seed * 10 + n)] for n in range(maps.CLIENTS)]
    # A lane has more questions than any round can ask.
    lanes = [lane * (1 + 40_000 // len(lane)) for lane in lanes]
    shares = [(address, lanes[n :: maps.PROCESSES], headers, SECONDS, race.holds) for n in range(maps.PROCESSES)]
    return sum(done / took for done, took in in_processes(maps.ask_http, shares))
