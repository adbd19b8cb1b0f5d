"""`./patrol demo --day`, also a step of `up`: walks the patrol day over the sample city, once, through the web.

Owns the order of the day: phones are enrolled, go out, come back, two of them clash, the jobs do their work, and the
bodies move the cases on. What is written down is ``server.demo.patrol_day``.
"""

import datetime as dt
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Final

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from geo.editions.ground import Grounds
from server.accounts.service import enrol_worker
from server.config import Config
from server.demo import aftermath, patrol_day
from server.demo.patrol_day import Day
from server.demo.patrol_round import beat_of
from server.simulator import agreement
from server.simulator.line import Line, OutOfPatience, Refused
from server.simulator.phone import Phone

SEED: Final = 20261121
_THREADS: Final = 4
_PATIENCE_S: Final = 60.0
_SETTLE_WITHIN_S: Final = 60.0
_CODES_LAST: Final = dt.timedelta(minutes=30)

Say = Callable[[str], object]


def walk_a_day(*, url: str) -> int:
    """Walk the day over the city of this database, by the web at ``url``; nothing where records of a day are there."""
    engine = create_engine(Config.from_environment().database_url, pool_pre_ping=True)
    try:
        if _was_walked(engine):
            _say("已有走访记录 · a day was walked already")
            return 0
        _walk(engine, url, _say)
    except (OutOfPatience, Refused) as error:
        sys.stderr.write(f"✗ 走访日中断 · the day broke off: {error}\n")
        return 1
    finally:
        engine.dispose()
    return 0


def _was_walked(engine: Engine) -> bool:
    with Session(engine) as session:
        return bool(session.scalar(text("SELECT EXISTS (SELECT FROM issue) OR EXISTS (SELECT FROM visit)")))


def _walk(engine: Engine, url: str, say: Say) -> None:
    with Session(engine) as session:
        beat = beat_of(session)
    day = Day(dt.datetime.now(dt.UTC), Random(SEED))
    phones = {code: _phone(engine, url, login) for code, login in beat.workers.items()}
    heads = [_phone(engine, url, login) for login in beat.heads]
    everyone = [*phones.values(), *heads]
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(Phone.pull, everyone))
        for phone in phones.values():
            patrol_day.visit(phone, day)
        for found in patrol_day.problems(beat.ground, day.chance):
            patrol_day.report(phones[found.grid], found, day)
        patrol_day.mistakes(list(phones.values()), day)
        list(threads.map(_hand_in, everyone))
        made = sum(len(phone.made) for phone in everyone)
        say(f"  {len(phones)} 名网格员交回 workers handed in {made} 项操作 operations")
        list(threads.map(Phone.pull, everyone))
        for record_id, two in patrol_day.shared(everyone, day.chance):
            patrol_day.change_at_once(record_id, two, day.chance)
        list(threads.map(_hand_in, everyone))
    _wait_for_jobs(engine)
    with Session(engine) as session, session.begin():
        now = dt.datetime.now(dt.UTC)
        moved = aftermath.move_on(session, Grounds().at(session, 0, now), day.chance, now=now)
    say(f"  {moved} 个事件已有进展 cases moved on")
    for line in _summary(engine):
        say(line)


def _phone(engine: Engine, url: str, login: str) -> Phone:
    with Session(engine) as session, session.begin():
        code = enrol_worker(session, login, now=dt.datetime.now(dt.UTC), ttl=_CODES_LAST)
    phone = Phone(f"{login} 的手机", Line(url, Random(login), patience_s=_PATIENCE_S), Random(login))
    phone.enrol(code.text)
    return phone


def _hand_in(phone: Phone) -> None:
    if phone.outbox:
        phone.push(list(phone.outbox), packed=True)


def _wait_for_jobs(engine: Engine) -> None:
    """Wait, for a bounded time, until everything is merged and routed."""
    ends = time.monotonic() + _SETTLE_WITHIN_S
    while time.monotonic() < ends:
        with Session(engine) as session:
            if not agreement.waits(session):
                return
        time.sleep(0.2)


_COUNTS: Final[Sequence[tuple[str, str]]] = (
    ("次走访 visits", "SELECT count(*) FROM visit"),
    ("个事件 issues", "SELECT count(*) FROM issue WHERE deleted_at IS NULL"),
    ("个逾期 overdue", "SELECT count(*) FROM issue WHERE closed_at IS NULL AND due_at < now()"),
    ("项待裁定 in review", "SELECT count(*) FROM conflict WHERE decided_at IS NULL"),
    ("项已隔离 quarantined", "SELECT count(*) FROM operation WHERE status = 'quarantined'"),
)


def _summary(engine: Engine) -> list[str]:
    with Session(engine) as session:
        told = [f"{session.scalar(text(count))} {name}" for name, count in _COUNTS]
    return ["  " + ", ".join(told)]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
