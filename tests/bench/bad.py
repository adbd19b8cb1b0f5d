"""What a batch of 1,000 bad operations costs beside one of 1,000 good ones, each sort of badness by itself.

Processor time, of the app in this process and of PostgreSQL's backends: what a phone that sends nonsense takes away
from the others. Ratios against the good batches of the same rounds. What is only large, though right, is told apart.
"""

import datetime as dt
import gc
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from server.accounts.service import add_person
from server.app import create_app
from server.config import Config, sqlalchemy_url
from server.database.extensions import db
from server.launch.garbage import collect_seldom
from server.launch.scratch import scratch_database
from tests.bench.stage import Say, spread, told
from tests.cases import city
from tests.sync.phone import Phone

ROUNDS = int(os.environ.get("BAD_ROUNDS", "5"))
OPS = 1000
MOST = 3.0
"""A batch of bad operations may cost so many times what good ones do."""
_NESTED = "[" * 600 + "]" * 600

LARGE = "right, but 14 times as long"

Op = dict[str, Any]
Spoil = Callable[[Op, int], Any]


def _with_data(**more: Any) -> Spoil:
    return lambda op, _: op | {"data": op["data"] | more}


_ONE_ID = "018f0000-0000-7000-8000-000000000001"
KINDS: dict[str, Spoil] = {
    "good": lambda op, _: op,
    "unknown collection": lambda op, _: op | {"collection": "vists"},
    "unknown action": lambda op, _: op | {"action": "upsert"},
    "a wrong choice": _with_data(outcome="maybe"),
    "misspelt fields": _with_data(adress_text="x", nots="y"),
    "all fields wrong": lambda op, _: op | {"data": dict.fromkeys(op["data"], 7) | {"needs": [1, 2, 3]}},
    "200 unknown fields": _with_data(**{f"field_{n}": n for n in range(200)}),
    "a list of 500 wrong values": _with_data(needs=[7] * 500),
    "a wrong category": lambda op, _: op | {"collection": "issues", "data": _issue(op, "9999")},
    "outside the city": lambda op, _: op | {"data": op["data"] | {"location": {"lon": 121.9, "lat": 25.0}}},
    "not a number": lambda op, _: op | {"data": op["data"] | {"location": {"lon": float("nan"), "lat": 25.0}}},
    "an unknown base": lambda op, n: _patch(op, {"op_id": f"018f0000-0000-7000-8000-{n:012d}"}),
    "no such record": lambda op, _: _patch(op, {"rev": 3}),
    "times of 1970": lambda op, _: op | {"captured_at": "1970-01-01T00:00:00Z"},
    "no operation at all": lambda _, n: [n, None, "x", [], {}, True][n % 6],
    "deep nesting": lambda op, _: op | {"data": op["data"] | {"extra": {"a": json.loads(_NESTED)}}},
    "the same operation": lambda op, _: op | {"op_id": _ONE_ID, "id": _ONE_ID, "seq": 1, "data": {"outcome": "met"}},
    "the same op_id": lambda op, _: op | {"op_id": _ONE_ID},
    "a NUL": _with_data(note="a\x00b"),
    LARGE: _with_data(extra={"text": "长" * 2000}),
}


def _issue(op: Op, category: str) -> Op:
    return {"category": category, "location": op["data"]["location"]}


def _patch(op: Op, base: Op) -> Op:
    return op | {"collection": "issues", "action": "patch", "base": base, "data": {"severity": "low"}}


@dataclass(frozen=True)
class Scene:
    """A phone of the small city, and PostgreSQL's side of the app."""

    phone: Phone
    watcher: psycopg.Connection

    def push(self, spoil: Spoil) -> tuple[float, float]:
        """Push a spoilt batch; return milliseconds of processor time, here and in PostgreSQL."""
        ops = [spoil(self.phone.visit(note="家中有人，情况正常", needs=["助餐"]), n) for n in range(OPS)]
        body = json.dumps(self.phone.envelope(*ops), ensure_ascii=False).encode()
        headers = self.phone.headers | {"Content-Type": "application/json"}
        client: FlaskClient = self.phone.client
        gc.collect()  # what the making of the batch has left is not the server's
        database, own = self._database_s(), time.process_time()
        answer = client.post("/v1/sync/push", data=body, headers=headers)
        own, database = time.process_time() - own, self._database_s() - database
        if answer.status_code != 200 or len(answer.json["results"]) != OPS:
            raise RuntimeError(answer.text[:600])
        return own * 1000, database * 1000

    def _database_s(self) -> float:
        rows = self.watcher.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        # The clock of another process, as Linux numbers it.
        return sum(time.clock_gettime(((~pid) << 3) | 2) for (pid,) in rows)


@contextmanager
def _scene() -> Iterator[Scene]:
    with scratch_database(os.environ["PATROL_TEST_DATABASE_URL"]) as url:
        engine = city.migrate(url)
        with Session(engine) as session:
            city.found(session)
            session.commit()
        engine.dispose()
        collect_seldom()  # as the web's processes do
        app = create_app(
            Config(
                database_url=sqlalchemy_url(url),
                redis_url=os.environ["PATROL_TEST_REDIS_URL"],
                secret_key=secrets.token_hex(),
                push_rate="1000000 per minute",
            )
        )
        with app.app_context(), psycopg.connect(url, autocommit=True) as watcher:
            with Session(db.engine) as session:
                phone = _phone(app.test_client(), session)
            yield Scene(phone, watcher)
            db.engine.dispose()


def _phone(client: FlaskClient, session: Session) -> Phone:
    now = dt.datetime.now(dt.UTC)
    add_person(session, "bad", role="grid_worker", place=city.WEST, password=None, now=now)
    session.commit()
    return Phone.enrolled(client, session, "bad")


def measure(say: Say) -> dict[str, Any]:
    """Run the rounds; returns the figures and the lines that a person reads."""
    rounds: list[dict[str, tuple[float, float]]] = []
    with _scene() as scene:
        for number in range(-1, ROUNDS):
            rounds.append({name: scene.push(spoil) for name, spoil in KINDS.items()})
            say(f"{number + 1}: a good batch {sum(rounds[-1]['good']):,.0f} ms")
    return _told(rounds[1:])


def _told(rounds: list[dict[str, tuple[float, float]]]) -> dict[str, Any]:
    figures: dict[str, Any] = {"rounds": len(rounds), "ops": OPS, "most": MOST}
    lines = [
        f"{len(rounds)} rounds, {OPS:,} operations a batch; processor time against a good batch, median (least - most)"
    ]
    for name in KINDS:
        ratios = spread([sum(each[name]) / sum(each["good"]) for each in rounds])
        own, database = (spread([each[name][side] for each in rounds]) for side in (0, 1))
        figures[name] = {"ratio": ratios, "python_ms": own, "database_ms": database}
        mark = " " if name == LARGE or ratios["median"] <= MOST else "!"
        lines.append(
            f"{mark} {name:28}{told(ratios)}  {own['median']:.0f} ms here, {database['median']:.0f} ms in PostgreSQL"
        )
    return figures | {"lines": lines}
