"""`./patrol simulate --faults`: rounds of work under disturbances, a quiet point after each, and the report.

Owns the course of a run and what is told of it. What goes wrong on purpose is ``disturbing`` and ``carrying``; what
must hold all the same is ``ledger`` and ``sight``.
"""

import datetime as dt
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.accounts.service import enrol_worker
from server.config import Config
from server.simulator.faults import ledger
from server.simulator.faults.calling import Caller
from server.simulator.faults.carrying import Carrier, Handler
from server.simulator.faults.disturbing import Disturber
from server.simulator.faults.intruding import Intruder, found_intruder
from server.simulator.faults.resting import QuietPoint
from server.simulator.faults.survivor import Survivor
from server.simulator.faults.watching import Watch
from server.simulator.faults.world import Broken, FaultPlan, Harm, World
from server.simulator.line import Line, OutOfPatience, Refused
from server.simulator.phone import Disagrees
from server.simulator.simulate import NoWorkers

_CODES_LAST: Final = dt.timedelta(hours=1)
_PHONES_EACH: Final = 2
_VICTIMS_EACH: Final = 5
_MOST_HANDLERS: Final = 4
# Bodies whose own systems call; of the others a handler has a phone.
_CALLING: Final = ("chengguan", "shengtai", "paichusuo")

AtWork = Carrier | Caller

_WORKERS = text("""
    SELECT DISTINCT login, min(area.code) AS code
    FROM assignment JOIN person ON person.id = person_id JOIN area ON area.id = area_id
    WHERE role IN ('grid_worker', 'grid_head') AND during @> now() AND is_active
    GROUP BY login ORDER BY code, login
""")
_HANDLERS = text("""
    SELECT DISTINCT ON (organisation.code) organisation.code, login
    FROM assignment JOIN person ON person.id = person_id JOIN organisation ON organisation.id = organisation_id
    WHERE role = 'handler' AND during @> now() AND is_active ORDER BY organisation.code, login
""")
_BODIES = text("SELECT code FROM organisation WHERE id IN (SELECT body_id FROM issue)")
_DISPUTES = text("""
    SELECT kind || CASE WHEN decided_at IS NULL THEN ' open' ELSE ' decided' END, count(*) FROM conflict GROUP BY 1
""")
_QUARANTINED = text("""
    SELECT regexp_replace(problem ->> 'type', '^.*/', ''), count(*) FROM operation
    WHERE status = 'quarantined' AND device_id IS NOT NULL GROUP BY 1 ORDER BY 1
""")


def simulate_with_faults(  # noqa: PLR0913  # the options of the command
    *,
    minutes: float,
    devices: int,
    seed: int,
    url: str,
    sign_ins: Path,
    harm: Harm,
    silence_s: float = 5.0,
    as_json: bool = False,
) -> int:
    """Run for so many minutes and say what was done: 0 when every invariant held, 1 at the first that did not.

    2 where there was nobody to carry a phone. The report of a broken one goes to the output as JSON, with the
    operations of the record and the command that repeats it.
    """
    config = Config.from_environment()
    plan = FaultPlan(
        minutes=minutes, devices=devices, seed=seed, url=url, sign_ins=sign_ins, silence_s=silence_s,
        secret_key=config.secret_key,
    )  # fmt: skip
    engine = create_engine(config.database_url, pool_pre_ping=True)
    try:
        report = run(World(plan, engine, _progress), harm)
    except NoWorkers as error:
        sys.stderr.write(f"✗ {error}\n")
        return 2
    finally:
        engine.dispose()
    _print(report, as_json=as_json)
    return 0 if report["holds"] else 1


def run(world: World, harm: Harm) -> dict[str, Any]:
    """Run the plan and return the report; ``holds`` says whether every invariant did."""
    carriers: list[Carrier] = []
    try:
        workers = enrol(world)
        carriers += workers + enrol_handlers(world) + enrol_intruders(world, workers)
        callers = systems(world)
        quiet = QuietPoint(world, carriers, Random(f"{world.plan.seed}/quiet"), callers)
        logins = [carrier.phone.login for carrier in workers]
        disturber = Disturber(world, harm, logins, Random(f"{world.plan.seed}/disturbances"))
        world.say(f"{len(carriers)} 台设备已登记 · devices enrolled")
        with Watch(world) as watch:
            _rounds(world, [*carriers, *callers], disturber, quiet, watch)
    except (Broken, Disagrees, OutOfPatience, Refused) as error:
        return _report(world, carriers) | _accusation(world, error)
    return _report(world, carriers)


def enrol(world: World) -> list[Carrier]:
    """Give two phones to each of so many workers, heads among them: they change the same records."""
    with Session(world.engine) as session:
        logins = [row.login for row in session.execute(_WORKERS)]
    if not logins:
        raise NoWorkers("没有网格员，请先装入示例城市 · no grid workers: ./patrol demo")
    carriers = []
    for number in range(world.plan.devices):
        chance = Random(f"{world.plan.seed}/{number}")
        phone = _phone(world, f"phone-{world.plan.seed}-{number}", chance)
        with Session(world.engine) as session, session.begin():
            login = logins[number // _PHONES_EACH % len(logins)]
            code = enrol_worker(session, login, now=dt.datetime.now(dt.UTC), ttl=_CODES_LAST)
        phone.enrol(code.text)
        carriers.append(Carrier.with_phone(world, phone))
    return carriers


def enrol_intruders(world: World, victims: Sequence[Carrier]) -> list[Carrier]:
    """Give phones to people who may write nothing: one to some few workers, at least one of each sort."""
    intruders: list[Carrier] = []
    for number in range(max(2, len(victims) // _VICTIMS_EACH)):
        now = dt.datetime.now(dt.UTC)
        chance = Random(f"{world.plan.seed}/intruder/{number}")
        phone = _phone(world, f"intruder-{world.plan.seed}-{number}", chance)
        with Session(world.engine) as session, session.begin():
            login = found_intruder(session, number, now)
            code = enrol_worker(session, login, now=now, ttl=_CODES_LAST)
        phone.enrol(code.text)
        intruder = Intruder.with_phone(world, phone)
        intruder.victims = victims
        intruders.append(intruder)
    return intruders


def enrol_handlers(world: World) -> list[Carrier]:
    """Give a phone to one handler of each body that has some, but for those whose systems call."""
    handlers: list[Carrier] = []
    with Session(world.engine) as session:
        found = [row for row in session.execute(_HANDLERS) if row.code not in _CALLING or not world.plan.secret_key]
    for number, row in enumerate(found[:_MOST_HANDLERS]):
        chance = Random(f"{world.plan.seed}/handler/{number}")
        phone = _phone(world, f"handler-{world.plan.seed}-{number}", chance)
        with Session(world.engine) as session, session.begin():
            code = enrol_worker(session, row.login, now=dt.datetime.now(dt.UTC), ttl=_CODES_LAST)
        phone.enrol(code.text)
        handler = Handler.with_phone(world, phone)
        handler.body = row.code
        handlers.append(handler)
    return handlers


def systems(world: World) -> list[Caller]:
    """Return the systems of the bodies that call; none where their secrets cannot be sealed."""
    if not world.plan.secret_key:
        return []
    with Session(world.engine) as session:
        there = sorted(set(session.scalars(_BODIES)))
    calling = [body for body in _CALLING if body in there]
    return [
        Caller(world, body, tuple(other for other in there if other != body), Random(f"{world.plan.seed}/{body}"))
        for body in calling
        if len(there) > 1
    ]


def _phone(world: World, name: str, chance: Random) -> Survivor:
    line = Line(world.plan.url, chance, patience_s=world.plan.settle_s)
    return Survivor(world, name, line, chance, skew=dt.timedelta(0))


def _rounds(world: World, carriers: Sequence[AtWork], disturber: Disturber, quiet: QuietPoint, watch: Watch) -> None:
    """Work and be disturbed, come to rest and be checked, until the time is up and the deck was played once."""
    ends = world.began + world.plan.minutes * 60
    last = False
    while not last:
        _work(world, carriers, disturber, ends)
        watch.check()
        last = time.monotonic() >= ends and disturber.deck_left == 0
        quiet.reach(last=last)
        watch.check()
        world.say(f"{world.minute} min: {quiet.states.total()} 项操作 operations, 全部一致 all agree")


def _work(world: World, carriers: Sequence[AtWork], disturber: Disturber, ends: float) -> None:
    """One round: everybody at work while disturbances are drawn. Raises what went wrong with anybody."""
    rest = threading.Event()
    until = time.monotonic() + world.plan.round_s
    with ThreadPoolExecutor(len(carriers)) as threads:
        workers = [threads.submit(carrier.work, rest) for carrier in carriers]
        try:
            while time.monotonic() < until and not (time.monotonic() > ends and disturber.deck_left == 0):
                rest.wait(disturber.pause_s())
                _raise_what_failed(workers)
                world.say(f"  {world.minute} min: {disturber.disturb()}")
        finally:
            rest.set()
    _raise_what_failed(workers)


def _raise_what_failed(workers: Sequence[Future[None]]) -> None:
    for worker in workers:
        if worker.done():
            worker.result()


def _report(world: World, carriers: Sequence[Carrier]) -> dict[str, Any]:
    phones = [carrier.phone for carrier in carriers]
    happened: Counter[str] = sum((phone.happened for phone in phones), Counter())
    troubles: Counter[str] = sum((phone.line.troubles for phone in phones), Counter())
    made = [each for phone in phones for each in phone.made.values()]
    done = Counter({name: count for name, count in world.done.items() if not name.startswith("killed ")})
    return {
        "holds": True,
        "seed": world.plan.seed,
        "minutes": world.minute,
        "devices": len(phones),
        "operations": len(made),
        "statuses": dict(sorted(Counter(each.status or "not sent" for each in made).items())),
        "done": dict(sorted(done.items())),
        "kills": {name[7:]: count for name, count in sorted(world.done.items()) if name.startswith("killed ")},
        "slowest_recovery_s": dict(sorted(world.slowest_s.items())),
        "happened": dict(sorted(happened.items())),
        "troubles": dict(sorted(troubles.items())),
        "records_held": sum(len(phone.held) for phone in phones),
    } | _of_database(world)


def _of_database(world: World) -> dict[str, Any]:
    try:
        with Session(world.engine) as session:
            return {
                "disputes": dict(tuple(row) for row in session.execute(_DISPUTES)),
                "quarantined": dict(tuple(row) for row in session.execute(_QUARANTINED)),
            }
    except OperationalError:
        return {}


def _accusation(world: World, error: Exception) -> dict[str, Any]:
    """Return what broke, when, with the operations of the record, and how to see it again."""
    broken = error if isinstance(error, Broken) else Broken(type(error).__name__, str(error))
    told: dict[str, Any] = {
        "holds": False,
        "invariant": broken.invariant,
        "told": broken.told,
        "minute": world.minute,
        "again": world.plan.command,
    }
    if broken.record is not None:
        try:
            with Session(world.engine) as session:
                told["record"] = list(broken.record)
                told["history"] = ledger.history(session, broken.record)
        except OperationalError:
            told["history"] = "PostgreSQL is away"
    return told


def _progress(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _print(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json or not report["holds"]:
        sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n")
    if as_json:
        return
    if report["holds"]:
        kills, restores = sum(report["kills"].values()), report["done"].get("restores", 0)
        counts = f"{report['operations']} 项操作 operations, {kills} 次强杀 kills, {restores} 次恢复 restores"
        sys.stdout.write(f"✓ {counts}: 全部不变量成立 every invariant held (seed {report['seed']})\n")
    else:
        sys.stdout.write(f"✗ {report['invariant']}: {report['told']}\n  → {report['again']}\n")
