"""What items and tiles are measured on: a square of grids of 24 corners each, the same questions for all sides.

Owns the ground, the questions, the SQL floor and TiPg as a peer, in a virtual environment of its own under .patrol.
TiPg is asked without a password; ours with one, as a GIS program asks.
"""

import base64
import datetime as dt
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from geo.serving.simplifying import sketch_next
from server.accounts import passwords
from server.accounts.service import add_person
from server.accounts.signin import open_session
from server.config import sqlalchemy_url
from server.launch.ports import free_port
from server.launch.state import CHECKOUT
from tests.bench import cost
from tests.bench.load_http import Lane, run

TIPG = "tipg==1.6.1"
CLIENTS, PROCESSES = 4, 2
WEST, SOUTH, STEP = 113.0, 25.0, 0.004
KIND = "bench"
_GROUND = """
    INSERT INTO area_kind VALUES ('bench', '测试', 'Bench', 9, false);
    INSERT INTO area (code, kind) SELECT 'b' || n, 'bench' FROM generate_series(0, {side} * {side} - 1) AS n;
    INSERT INTO area_version (area_id, name, polygon, editions)
    SELECT area.id, '第' || n || '网格', ST_Multi(ST_Segmentize(ST_MakeEnvelope(
        {west} + (n % {side}) * {step}, {south} + (n / {side}) * {step},
        {west} + (n % {side} + 1) * {step}, {south} + (n / {side} + 1) * {step}, 4326), {step} / 5.5)), '[1,)'
    FROM area, LATERAL (SELECT substr(code, 2)::int AS n) AS place WHERE kind = 'bench';
    CREATE VIEW bench_grid AS SELECT area.id, area.code, version.name, version.polygon AS geom
    FROM area_version AS version JOIN area ON area.id = version.area_id
    WHERE area.kind = 'bench' AND version.editions @> 1;
    CREATE TABLE public.peer_grid AS SELECT * FROM bench_grid;
    ALTER TABLE peer_grid ADD PRIMARY KEY (id);
    CREATE INDEX ON peer_grid USING gist (geom);
    ANALYZE;
"""


def lay(url: str, side: int) -> None:
    """Lay side x side grids into the edition in force, and sketch it."""
    with psycopg.connect(url) as connection:
        connection.execute(_GROUND.format(side=side, west=WEST, south=SOUTH, step=STEP))
    engine = create_engine(sqlalchemy_url(url))
    with Session(engine) as session:
        while sketch_next(session):
            session.commit()
        # As autovacuum leaves it some time later.
        session.execute(text("ANALYZE"))
        session.commit()
    engine.dispose()


def epoch_of(url: str) -> str:
    """Return the life of the city, as addresses name it."""
    with psycopg.connect(url) as connection:
        return str(connection.execute("SELECT left(epoch::text, 8) FROM city_state").fetchone()[0])


def program(url: str) -> str:
    """Return the Authorization header of a program."""
    engine = create_engine(sqlalchemy_url(url))
    now = dt.datetime.now(dt.UTC)
    with Session(engine) as session:
        person = add_person(session, "bench", role="gis", place="360725", password=None, now=now)
        secret = passwords.make(
            session, person.id, "bench", token=open_session(session, person, now=now).token, now=now
        ).secret
        session.commit()
    engine.dispose()
    return "Basic " + base64.b64encode(f"bench:{secret}".encode()).decode()


def boxes(side: int, across: int, count: int, seed: int) -> list[tuple[float, float, float, float]]:
    """Return boxes that many grids across."""
    places = random.Random(seed)
    found = []
    for _ in range(count):
        west = WEST + places.uniform(0, side - across) * STEP
        south = SOUTH + places.uniform(0, side - across) * STEP
        found.append((west, south, west + across * STEP, south + across * STEP))
    return found


class Unchanged(Lane):
    """A caller who holds every answer already: an answer is a head alone."""

    def receive(self) -> bool:
        """Take what has come; True when the head is whole. Raises for an answer other than 304."""
        self._got += self.socket.recv(262144)
        if not self._got.endswith(b"\r\n\r\n"):
            return False
        if not self._got.startswith(b"HTTP/1.1 304"):
            raise RuntimeError(self._got.decode("latin-1"))
        self.took_ms.append((time.perf_counter() - self._sent) * 1000)
        return True


def tags(address: tuple[str, int], paths: Iterable[str], headers: dict[str, str]) -> dict[str, str]:
    """Return the ETag of each path."""
    here = f"http://{address[0]}:{address[1]}"
    with requests.Session() as session:
        return {path: session.get(here + path, headers=headers, timeout=30).headers["ETag"] for path in paths}


def ask_http(
    address: tuple[str, int], paths: Sequence[Sequence[str]], headers: dict[str, str], held: dict[str, str],
    seconds: float, wanted: bytes, begin: Callable[[], object],
) -> tuple[int, float]:  # fmt: skip
    """Ask the paths of each lane in turn; returns answers and seconds. ``wanted``: what each answer must hold.

    ``held``: the tags that the callers hold, by path.
    """
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    holding = {path: f"If-None-Match: {tag}\r\n" for path, tag in held.items()}
    asked = {
        path: f"GET {path} HTTP/1.1\r\nHost: bench\r\n{head}{holding.get(path, '')}\r\n".encode()
        for lane in paths
        for path in lane
    }
    kind = Unchanged if held else Lane
    lanes = [kind(address, iter([asked[path] for path in lane]), lambda body: wanted in body) for lane in paths]
    begin()
    took = run(lanes, seconds)
    return sum(len(lane.took_ms) for lane in lanes), took


def ask_sql(
    url: str, statement: str, questions: Sequence[tuple[float, ...]], seconds: float, begin: Callable[[], object]
) -> tuple[int, float, float]:
    """Put the statement with each of the questions straight to PostgreSQL.

    Returns answers, seconds, and the seconds of processor time that PostgreSQL spent.
    """
    with psycopg.connect(url, autocommit=True, prepare_threshold=0, options="-c jit=off") as connection:
        backend = connection.info.backend_pid
        before = cost.spent(lambda folder: folder.name == str(backend))
        cursor = connection.cursor(binary=True)
        begin()
        began = time.perf_counter()
        done = 0
        while time.perf_counter() - began < seconds:
            cursor.execute(statement, questions[done % len(questions)])
            if not cursor.fetchone()[0]:
                raise RuntimeError("the floor answered nothing")
            done += 1
        took = time.perf_counter() - began
        return done, took, cost.spent(lambda folder: folder.name == str(backend)) - before


@dataclass(frozen=True)
class Peer:
    """TiPg where it listens, and what it has spent so far."""

    address: tuple[str, int]
    spent: Callable[[], dict[str, float]]


@contextmanager
def tipg(url: str) -> Iterator[Peer | None]:
    """TiPg over the same ground; None where it cannot be installed."""
    python = _tipg_python()
    if python is None:
        yield None
        return
    port = free_port()
    env = os.environ | {"DATABASE_URL": url, "TIPG_DB_SCHEMAS": '["public"]'}
    command = [python, "-m", "uvicorn", "tipg.main:app", "--port", str(port), "--workers", "2", "--log-level", "error"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    parts = {"TiPg": cost.of_family(process.pid), "PostgreSQL": cost.of_database(url)}
    try:
        for _ in range(200):
            try:
                if requests.get(f"http://127.0.0.1:{port}/collections/public.peer_grid", timeout=5).ok:
                    break
            except requests.RequestException:
                pass
            time.sleep(0.2)
        yield Peer(("127.0.0.1", port), lambda: {name: cost.spent(each) for name, each in parts.items()})
    finally:
        process.terminate()
        process.wait(20)


def _tipg_python() -> str | None:
    folder = CHECKOUT / ".patrol" / "tipg"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "-q", TIPG, "uvicorn"],
        ):
            if subprocess.run(command, check=False).returncode:
                return None
        (folder / "whole").touch()
    return str(python)
