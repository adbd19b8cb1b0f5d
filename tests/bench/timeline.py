"""The timeline of one redraw in mid-storm: thousands of grids, hundreds of phones pushing, one grid cut in two.

GIS staff publish the cut over HTTP and give the new grid to other workers; then it is told when it was committed, when
each web process answered by the new ground, when the records had followed, when the phones of the ground concerned had
every `leave` and every arrival by their pulls, and when open maps knew. All records are counted by grid before and
after; it raises if one was lost, doubled, left in a grid that it does not lie in, or if a phone holds other than its
own. Times are of this machine's clock, from the moment the publication is asked for.
"""

import asyncio
import datetime as dt
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import psycopg
import requests
import shapely
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.accounts.service import add_person
from server.config import sqlalchemy_url
from server.launch.state import CHECKOUT
from tests.bench import cost, cut
from tests.bench.crowd import crowd
from tests.bench.cut import COUNT, CUT, NEW, ROOT, SIDE, SOUTH, STEP, WEST
from tests.bench.living import BATCH, REST_S, Phone
from tests.bench.stage import Say, Stage, quantiles, stage

PHONES = int(os.environ.get("TIMELINE_PHONES", "200"))
BEFORE_S, AFTER_S = 5.0, 5.0
# An open map asks which ground is in force when it is hinted at, and else so often.
SELDOM_S, MAPS = 30.0, 4
PATIENCE_S = 180.0
PARTS = {
    "stays": "of the worker who keeps the old grid",
    "follows": "of the worker who is given the new grid instead",
    "joins": "of the worker beside it, who is given the new grid too",
    "elsewhere": "in other grids",
}


@dataclass
class Times:
    """What happened when; seconds since the epoch."""

    asked: float = 0.0
    committed: float = 0.0
    answered: float = 0.0
    assigned: float = 0.0
    hinted: list[float] = field(default_factory=list)
    maps: list[float] = field(default_factory=list)


class Office:
    """GIS staff at a desk, over HTTP."""

    def __init__(self, city: Stage) -> None:
        self._site = f"http://{city.address[0]}:{city.address[1]}"
        engine = create_engine(sqlalchemy_url(city.url))
        with Session(engine) as session:
            add_person(session, "office", role="gis", place=ROOT, password="a long word", now=_now())
            session.commit()
        engine.dispose()
        self._session = requests.Session()
        answer = self._session.post(f"{self._site}/v1/session", json={"login": "office", "password": "a long word"})
        answer.raise_for_status()
        self._session.headers["X-CSRF-Token"] = answer.json()["csrf"]

    def in_force(self) -> int:
        """Ask which edition is in force, as an open map does."""
        return self._session.get(f"{self._site}/v1/map/ground", timeout=30).json()["edition"]

    @contextmanager
    def hints(self) -> Iterator[Iterator[str]]:
        """Listen as an open map does: yields the names of events, each when it comes, until it is silent too long."""
        with self._session.get(f"{self._site}/v1/map/events", stream=True, timeout=SELDOM_S) as stream:
            stream.raise_for_status()
            lines = stream.iter_lines(chunk_size=1, decode_unicode=True)
            yield (line.removeprefix("event: ") for line in lines if line.startswith("event: "))

    def publish(self, base: int) -> int:
        """Cut a grid from corner to corner; returns the edition."""
        corner = [(WEST, SOUTH), (WEST + STEP, SOUTH), (WEST + STEP, SOUTH + STEP), (WEST, SOUTH + STEP)]
        north, east = [shapely.Polygon([corner[n] for n in half]) for half in ((0, 2, 3), (0, 1, 2))]
        areas = {"type": "FeatureCollection", "features": [_feature(CUT, north), _feature(NEW, east)]}
        answer = self._session.post(
            f"{self._site}/v1/editions", json={"areas": areas, "base": base, "name": "cut"}, timeout=60
        )
        if answer.status_code != 201:
            raise RuntimeError(answer.text)
        return answer.json()["edition"]


def measure(say: Say) -> dict[str, Any]:
    """Run the storm once; returns the figures and the lines that a person reads. Raises if anything is not right."""
    with stage(jobs=True, prepare=_lay) as city, _sweeping():
        phones, office, times = _enrol(city), Office(city), Times()
        say(f"{SIDE * SIDE:,} grids, {COUNT:,} records; {len(phones)} phones are filled")
        found = asyncio.run(_storm(city, phones, office, times, say))
        return found | _told(city, phones, times, found)


@contextmanager
def _sweeping() -> Iterator[None]:
    """The sweeper beside the rest, as `up` runs it."""
    process = subprocess.Popen([sys.executable, "-m", "server.jobs.sweeper"], cwd=CHECKOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _lay(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(cut.LAY)
        connection.execute(cut.FILL)
        connection.execute("VACUUM ANALYZE")


def _enrol(city: Stage) -> list[Phone]:
    """Phones of the grid that is cut, of the one beside it, and of grids all over the city."""
    each = max(1, PHONES // 40)
    others = random.Random(1).sample(range(SIDE, SIDE * SIDE), PHONES - 3 * each)
    numbers = [0] * (2 * each) + [1] * each + others
    parts = ["stays"] * each + ["follows"] * each + ["joins"] * each + ["elsewhere"] * len(others)
    with psycopg.connect(city.url) as connection:
        ids = dict(connection.execute("SELECT code, id FROM area WHERE code LIKE 's%'").fetchall())
        places = [(ids[f"s{n}"], shapely.to_wkb(_middle(n, part))) for n, part in zip(numbers, parts, strict=True)]
    devices = crowd(city.url, PHONES, places)
    with psycopg.connect(city.url) as connection:
        people = [row[0] for row in connection.execute("SELECT id FROM person WHERE login LIKE 'crowd-%' ORDER BY id")]
    return [Phone(*each, city.address) for each in zip(devices, people, parts, strict=True)]


def _middle(number: int, part: str) -> shapely.Point:
    """Where a phone works: the middle of its grid, or of the half that its worker will have."""
    x, y = {"stays": (0.3, 0.7), "follows": (0.7, 0.3)}.get(part, (0.5, 0.5))
    return shapely.Point(WEST + (number % SIDE + x) * STEP, SOUTH + (number // SIDE + y) * STEP)


async def _storm(city: Stage, phones: list[Phone], office: Office, times: Times, say: Say) -> dict[str, Any]:
    await asyncio.gather(*(phone.pull() for phone in phones))
    over = asyncio.Event()
    base = office.in_force()
    lives = [asyncio.create_task(each.live(over, n / len(phones) * REST_S)) for n, each in enumerate(phones)]
    say("the storm begins")
    await asyncio.sleep(BEFORE_S)
    before = await asyncio.to_thread(_asked, city.url, cut.BEFORE, cut.BY_GRID)
    followers = [phone for phone in phones if phone.part == "follows"]
    for phone in followers:
        # Until the new grid is theirs there is nothing that they may write there.
        phone.pushes = False
    watching = [asyncio.to_thread(_committed, city.url, base, times)]
    watching += [asyncio.to_thread(_seen_on_map, office, base, times) for _ in range(MAPS)]
    watched = [asyncio.ensure_future(each) for each in watching]
    await asyncio.sleep(1.0)
    times.asked = time.time()
    edition = await asyncio.to_thread(office.publish, base)
    times.answered = time.time()
    await asyncio.to_thread(_assign, city.url, phones)
    times.assigned = time.time()
    for phone in followers:
        phone.pushes = True
    say(f"edition {edition} is out")
    await asyncio.gather(*watched)
    move = await asyncio.to_thread(_moved, city.url, edition)
    await asyncio.sleep(AFTER_S)
    over.set()
    await asyncio.gather(*lives)
    processes = _web_processes(city, phones, edition)
    await asyncio.gather(*(phone.pull() for phone in phones))
    for phone in phones:
        phone.hang_up()
    after = _asked(city.url, cut.BY_GRID)
    return {"edition": edition, "before": before, "after": after, "move": move, "processes": processes}


def _asked(url: str, *statements: str) -> dict[str, int]:
    """Run the statements in one snapshot; returns the rows of the last."""
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        for statement in statements:
            cursor = connection.execute(statement)
        return dict(cursor.fetchall())


def _committed(url: str, base: int, times: Times) -> None:
    """Wait until another connection sees the edition."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in _patiently(0.005):
            if connection.execute("SELECT max(number) FROM edition").fetchone()[0] > base:
                times.committed = time.time()
                return


def _seen_on_map(office: Office, base: int, times: Times) -> None:
    """Ask as an open map does, when it is hinted at, until another edition is in force."""
    ends = time.time() + PATIENCE_S
    while time.time() < ends:
        with suppress(requests.RequestException), office.hints() as hints:
            # What changed before the stream was open is hinted at by nobody.
            for _ in chain([""], hints):
                heard = time.time()
                if office.in_force() != base:
                    times.hinted.append(heard)
                    times.maps.append(time.time())
                    return
    raise RuntimeError("an open map never heard of it")


def _patiently(every_s: float) -> Iterator[None]:
    ends = time.time() + PATIENCE_S
    while time.time() < ends:
        yield
        time.sleep(every_s)
    raise RuntimeError("it never came")


def _assign(url: str, phones: list[Phone]) -> None:
    """Give the new grid to those who follow, instead of the old one, and to those who join, beside theirs."""
    follow, join = ([phone.person_id for phone in phones if phone.part == part] for part in ("follows", "joins"))
    with psycopg.connect(url) as connection:
        connection.execute(
            """UPDATE assignment SET during = tstzrange(lower(during), now()) WHERE person_id = ANY (%s)""", [follow]
        )
        connection.execute(
            """INSERT INTO assignment (person_id, role, area_id, during)
               SELECT unnest(%s::int[]), 'grid_worker', area.id, tstzrange(now(), NULL) FROM area WHERE code = %s""",
            [follow + join, NEW],
        )


def _moved(url: str, edition: int) -> tuple[float, float, int]:
    """Wait until the records have followed; returns when that began and ended, and how many were moved."""
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in _patiently(0.02):
            row = connection.execute(cut.MOVE, [edition]).fetchone()
            if row is not None and row[1] is not None:
                return row
    raise RuntimeError("the records never followed")


def _web_processes(city: Stage, phones: list[Phone], edition: int) -> dict[int, float]:
    """Return for each web process when a phone first got an answer of it by the new ground."""
    owners = _owners(city)
    first: dict[int, float] = {}
    for phone in phones:
        moment, port = phone.editions.get(edition, (float("inf"), 0))
        pid = owners.get(port)
        if pid is not None:
            first[pid] = min(first.get(pid, moment), moment)
    return first


def _owners(city: Stage) -> dict[int, int]:
    """Return the port of each caller of the web server -> the process that holds the other end."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    door = f":{city.address[1]:04X}"
    ports = {f"socket:[{row[9]}]": int(row[2].rpartition(":")[2], 16) for row in rows if row[1].endswith(door)}
    found = {}
    for folder in cost._processes(cost.of_family(city.web)):
        for handle in (folder / "fd").iterdir():
            with suppress(OSError):
                port = ports.get(str(handle.readlink()))
                if port:
                    found[port] = int(folder.name)
    return found


def _told(city: Stage, phones: list[Phone], times: Times, found: dict[str, Any]) -> dict[str, Any]:
    """Check everything, and say when what happened."""
    with psycopg.connect(city.url) as connection:
        cursor = connection.execute(cut.CHECKED)
        checked = dict(zip((column.name for column in cursor.description), cursor.fetchone(), strict=True))
        moved = {row[0] for row in connection.execute(cut.MOVED)}
        own = dict(connection.execute(cut.OF_PHONES, [[phone.person_id for phone in phones]]).fetchall())
    _check(checked, phones)
    for phone in phones:
        mine = set(own.get(phone.person_id, ()))
        if mine != phone.held.keys():
            wrong = f"{len(mine - phone.held.keys())} missing, {len(phone.held.keys() - mine)} too many"
            raise RuntimeError(f"the phone of {phone.person_id} ({phone.part}): {wrong}")
    events = [(0.0, "publication asked for"), (times.committed - times.asked, "committed: others see it")]
    events += [(times.answered - times.asked, "GIS staff have their answer")]
    events += [(times.assigned - times.asked, "staff have given the new grid to its workers")]
    events += [(at - times.asked, f"web process {pid} answers by it") for pid, at in found["processes"].items()]
    begun, ended, count = found["move"]
    events += [(begun - times.asked, "a job begins to move records")]
    events += [(ended - times.asked, f"the records have followed: {count:,} moved")]
    events += _phones_told(phones, moved, times)
    maps = sorted(each - times.asked for each in times.maps)
    events.append((max(times.hinted) - times.asked, f"all {MAPS} open maps are hinted at"))
    events.append((maps[0], "the first open map knows"))
    events.append((maps[-1], f"all {MAPS} open maps know"))
    events.sort(key=lambda event: event[0])
    return {"checked": checked, "events": events, "lines": _lines(phones, times, found, checked, events)}


def _phones_told(phones: list[Phone], moved: set[str], times: Times) -> list[tuple[float, str]]:
    """When the last phone of each part had the last of what concerns it."""
    found = []
    for part in ("stays", "follows", "joins"):
        mine = [phone for phone in phones if phone.part == part]
        gone = [at for phone in mine for at in phone.left.values()]
        come = [at for phone in mine for record, at in phone.came.items() if record in moved and at > times.asked]
        for what, moments in (("leave", gone), ("arrival", come if part != "stays" else [])):
            if moments:
                words = f"{len(mine)} phones {PARTS[part]}: every {what}, {len(moments):,} in all"
                found.append((max(moments) - times.asked, words))
    return found


def _check(checked: dict[str, int], phones: list[Phone]) -> None:
    """Raise unless nothing is lost, doubled, orphaned or anywhere but where it lies."""
    statuses: dict[str, int] = {}
    for phone in phones:
        for status, count in phone.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    sent = sum(len(phone.pushed) for phone in phones) * BATCH
    wrong = [name for name in ("lost", "in_no_grid", "not_where_they_lie", "moved_elsewhere") if checked[name]]
    sums = {checked["records"], checked["ids"], COUNT + sent}
    if wrong or len(sums) != 1 or statuses != {"applied": sent} or {checked["operations"], checked["op_ids"]} != {sent}:
        raise RuntimeError(f"{wrong}; {sent} were sent: {statuses}, {checked}")
    if not checked["moved"]:
        raise RuntimeError("nothing moved")


def _lines(
    phones: list[Phone], times: Times, found: dict[str, Any], checked: dict[str, int], events: list[tuple[float, str]]
) -> list[str]:
    pushed = [each for phone in phones for each in phone.pushed]
    spells = {
        "before": [s * 1000 for at, s in pushed if at < times.asked],
        "in the 3 s after": [s * 1000 for at, s in pushed if times.asked <= at < times.asked + 3],
        "later": [s * 1000 for at, s in pushed if at >= times.asked + 3],
    }
    sent = len(pushed) * BATCH
    rate = sent / (max(at for at, _ in pushed) - min(at for at, _ in pushed))
    before, after = found["before"], found["after"]
    took = [f"{name} {'{} and {} ms'.format(*quantiles(each))}" for name, each in spells.items()]
    counts = [f"{each} {before.get(each, 0):,} -> {after.get(each, 0):,}" for each in sorted({*before, *after})]
    return [
        f"{SIDE * SIDE:,} grids, {COUNT:,} records; {len(phones)} phones push {rate:,.0f} records/s and pull",
        f"load of the machine: {os.getloadavg()[0]:.0f}",
        *(f"{at:8.3f} s  {what}" for at, what in events),
        "a push, p50 and p99: " + "; ".join(took),
        "records by grid, before and after: " + ", ".join(counts),
        f"records in all: {COUNT:,} + {sent:,} pushed = {checked['records']:,}, each of them once",
        f"of those before, {checked['moved']:,} moved from {CUT} to {NEW}, {checked['moved_elsewhere']} elsewhere",
        f"lost {checked['lost']}, in no grid {checked['in_no_grid']}, in a wrong one {checked['not_where_they_lie']}",
        f"all {len(phones)} phones hold exactly what lies in their grids now",
    ]


def _feature(code: str, polygon: shapely.Polygon) -> dict[str, Any]:
    properties = {"code": code, "kind": "grid", "name": code, "parent": ROOT}
    rounded = shapely.set_precision(polygon, 1e-8)
    return {"type": "Feature", "geometry": shapely.geometry.mapping(rounded), "properties": properties}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
