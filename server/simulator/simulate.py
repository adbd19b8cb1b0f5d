"""`./patrol simulate`: devices that speak the real protocol through a patrol day, and whether all agree at its end.

Owns the day: who gets a phone, when they go offline and come back, and in which ways their lines fail. What they enter
is ``server.simulator.shift``, the questions at the end are ``server.simulator.agreement``.
"""

import datetime as dt
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from server.accounts.service import enrol_worker
from server.config import Config
from server.simulator import agreement
from server.simulator.line import Line, OutOfPatience, Refused
from server.simulator.phone import Disagrees, Phone
from server.simulator.shift import Shift

PATIENCE_S: Final = 120.0
_SETTLE_WITHIN_S: Final = 120.0
_ROUNDS: Final = 4
_THREADS: Final = 24
_BATCHES: Final = (1, 3, 8, 20, 40)
_CODES_LAST: Final = dt.timedelta(hours=1)
_CODE_USED: Final = 409
_MOST_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class SimulationPlan:
    """What is simulated: devices, operations on each, the seed, where, and for how long a phone is patient."""

    devices: int
    ops: int
    seed: int
    url: str
    patience_s: float = PATIENCE_S
    codes: Sequence[str] = ()


@dataclass(slots=True)
class Report:
    """What happened. ``disagreements``: sentences, none when server and devices agree."""

    plan: SimulationPlan
    phones: list[Phone] = field(default_factory=list)
    disagreements: list[str] = field(default_factory=list)
    seconds: float = 0.0
    records: int = 0

    @property
    def agree(self) -> bool:
        """Whether server and devices agree on everything that was asked."""
        return not self.disagreements

    def as_json(self) -> dict[str, Any]:
        """Return the report as a document."""
        made = [each for phone in self.phones for each in phone.made.values()]
        happened: Counter[str] = sum((phone.happened for phone in self.phones), Counter())
        troubles: Counter[str] = sum((phone.line.troubles for phone in self.phones), Counter())
        return {
            "agree": self.agree,
            "seed": self.plan.seed,
            "devices": len(self.phones),
            "operations": len(made),
            "statuses": agreement.counts(made),
            "happened": dict(sorted(happened.items())),
            "troubles": dict(sorted(troubles.items())),
            "records_held": self.records,
            "seconds": round(self.seconds, 1),
            "disagreements": self.disagreements[:_MOST_TOLD],
        }


def simulate(
    *,
    devices: int,
    ops: int,
    seed: int = 1,
    url: str | None = None,
    as_json: bool = False,
    codes: Sequence[str] = (),
    elsewhere: bool = False,
) -> int:
    """Simulate a patrol day and say whether server and devices agree: 0 if they do, 1 if not, 2 if it cannot be asked.

    ``codes``: enrolment codes, one a device; then the database is not needed, and not asked. ``elsewhere``: a server
    on another machine may be loaded too.
    """
    if not url or not (elsewhere or is_loopback(url)):
        sys.stderr.write(f"✗ 只模拟本机的服务 · only a server on this machine is simulated upon: {url} (--elsewhere)\n")
        return 2
    plan = SimulationPlan(len(codes) or devices, ops, seed, url, codes=codes)
    try:
        with _database(plan) as engine:
            report = run(plan, engine, _progress)
    except (OutOfPatience, Refused, NoWorkers) as error:
        sys.stderr.write(f"✗ 模拟中断 · the simulation broke off: {error} (seed {seed})\n")
        return 2
    _print(report, as_json=as_json)
    return 0 if report.agree else 1


class NoWorkers(Exception):
    """The city has nobody who could carry a phone."""


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run(plan: SimulationPlan, engine: Engine | None, say: Callable[[str], object]) -> Report:
    """Run the day and ask the questions. Raises ``OutOfPatience``, ``Refused`` or ``NoWorkers``."""
    began = time.monotonic()
    report = Report(plan)
    report.phones = [_phone(plan, number) for number in range(plan.devices)]
    _enrol(plan, report.phones, engine)
    say(f"{len(report.phones)} 台设备已登记 · devices enrolled")
    with ThreadPoolExecutor(min(_THREADS, plan.devices)) as threads:
        try:
            _day(plan, report.phones, threads)
            say(f"{plan.devices * plan.ops} 项操作已确认 · operations acknowledged")
            _settle(report.phones, engine, threads)
            say("等待合并与派遣完成 · merged and routed; comparing")
            found = threads.map(lambda phone: list(agreement.of_phone(phone)), report.phones)
            report.disagreements = [each for phone in found for each in phone]
            report.disagreements += _digests(report.phones)
        except Disagrees as error:
            report.disagreements.append(str(error))
    if engine is not None and report.agree:
        with Session(engine) as session:
            report.disagreements += agreement.of_database(session, report.phones)
    report.records = sum(len(phone.held) for phone in report.phones)
    report.seconds = time.monotonic() - began
    return report


def _phone(plan: SimulationPlan, number: int) -> Phone:
    chance = Random(f"{plan.seed}/{number}")
    # Most clocks are right to some seconds; some are hours away, either way.
    minutes = chance.choice((-1440, -95, 37, 600)) if chance.random() < 0.15 else 0  # noqa: PLR2004  # a few
    skew = dt.timedelta(minutes=minutes, seconds=chance.randint(-8, 8))
    line = Line(plan.url, chance, patience_s=plan.patience_s)
    return Phone(f"phone-{plan.seed}-{number}", line, chance, skew=skew)


def _enrol(plan: SimulationPlan, phones: Sequence[Phone], engine: Engine | None) -> None:
    if engine is None:
        for phone, code in zip(phones, plan.codes, strict=True):
            phone.enrol(code)
        return
    logins = _workers(engine)
    if not logins:
        raise NoWorkers("没有网格员，请先装入示例城市 · no grid workers: ./patrol demo")
    for number, phone in enumerate(phones):
        # Two phones for each worker, and their heads among them: they change the same records.
        _enrol_one(phone, engine, logins[number // 2 % len(logins)])


def _enrol_one(phone: Phone, engine: Engine, login: str) -> None:
    while True:
        with Session(engine) as session, session.begin():
            code = enrol_worker(session, login, now=dt.datetime.now(dt.UTC), ttl=_CODES_LAST)
        try:
            phone.enrol(code.text)
        except Refused as refused:
            if refused.status != _CODE_USED:
                raise
        else:
            return


def _workers(engine: Engine) -> list[str]:
    """Logins of those with grids of their own, a head after every few workers below them."""
    with Session(engine) as session:
        rows = session.execute(
            text("""
                SELECT login, role FROM assignment JOIN person ON person.id = person_id JOIN area ON area.id = area_id
                WHERE role IN ('grid_worker', 'grid_head') AND during @> now() AND is_active
                ORDER BY area.code, login
            """)
        ).all()
    return [row.login for row in rows]


@dataclass(slots=True)
class _Carried:
    """A phone with who carries it, a second line for impatience, and how many operations are still to be entered."""

    phone: Phone
    shift: Shift
    spare: Line
    left: int

    @classmethod
    def of(cls, plan: SimulationPlan, phone: Phone) -> "_Carried":
        """Hand a phone over to its worker, and fill it."""
        spare = Line(plan.url, Random(phone.name), patience_s=plan.patience_s)
        spare.authorise(phone.token)
        phone.pull(limit=phone.chance.choice((50, 200, 1000)))
        return cls(phone, Shift(phone), spare, plan.ops)

    def go_out(self, rounds_left: int) -> None:
        """Collect offline; the next round's share of what is left."""
        count = self.left // rounds_left
        self.left -= count
        self.shift.collect(count)

    def come_back(self) -> None:
        """Hand in, and mostly pull: who does not goes on changing what others have changed since."""
        _hand_in(self.phone, self.spare)
        if self.phone.chance.random() < 0.7:  # noqa: PLR2004  # mostly
            self.phone.pull(limit=self.phone.chance.choice((10, 100, 500)))


def _day(plan: SimulationPlan, phones: Sequence[Phone], threads: ThreadPoolExecutor) -> None:
    """Go out and come back, some times over; while they are out, nobody sees what the others do."""
    carried = list(threads.map(lambda phone: _Carried.of(plan, phone), phones))
    for rounds_left in range(_ROUNDS, 0, -1):
        list(threads.map(lambda each: each.go_out(rounds_left), carried))  # noqa: B023  # done within the round
        list(threads.map(_Carried.come_back, carried))


def _hand_in(phone: Phone, spare: Line) -> None:
    """Empty the outbox over a line that fails in all the ways that lines do."""
    while phone.outbox:
        batch = phone.outbox[: phone.chance.choice(_BATCHES)]
        rest = phone.outbox[len(batch) :]
        roll = phone.chance.random()
        if roll < 0.12:  # noqa: PLR2004  # shares of the ways, one after the other
            phone.push_into_silence(batch)
        elif roll < 0.20:  # noqa: PLR2004
            phone.push_twice_at_once(batch, spare)
        elif roll < 0.32 and rest:  # noqa: PLR2004
            phone.happened["out_of_order"] += 1
            phone.push(rest[: len(batch)])
        elif roll < 0.42:  # noqa: PLR2004
            phone.happened["sent_again"] += 1
            phone.push(batch)
            phone.push(batch)
        else:
            phone.push(batch, packed=roll > 0.7)  # noqa: PLR2004


def _settle(phones: Sequence[Phone], engine: Engine | None, threads: ThreadPoolExecutor) -> None:
    """Wait, for a bounded time, until the jobs have done what waits; then let every phone pull what became of it."""
    ends = time.monotonic() + _SETTLE_WITHIN_S
    while time.monotonic() < ends and not (agreement.is_quiet(phones) and not _waits(engine)):
        time.sleep(0.3)
    while sum(threads.map(lambda phone: phone.pull(), phones)) and time.monotonic() < ends:
        time.sleep(0.1)


def _waits(engine: Engine | None) -> bool:
    if engine is None:
        return False
    with Session(engine) as session:
        return agreement.waits(session)


def _digests(phones: Sequence[Phone]) -> Iterator[str]:
    """Whether each phone can prove that it holds what the server holds; others may be writing meanwhile."""
    for phone in phones:
        for _ in range(5):
            if agreement.matches_digest(phone):
                break
            phone.pull()
        else:
            yield f"{phone.name}: what it holds does not match the server's digest"


@contextmanager
def _database(plan: SimulationPlan) -> Iterator[Engine | None]:
    """The patrol's database, where the codes do not make it needless."""
    if plan.codes:
        yield None
        return
    engine = create_engine(Config.from_environment().database_url, pool_pre_ping=True)
    try:
        yield engine
    finally:
        engine.dispose()


def _progress(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


def _print(report: Report, *, as_json: bool) -> None:
    told = report.as_json()
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        return
    lines = [
        f"{told['devices']} 台设备 devices, {told['operations']} 项操作 operations, {told['seconds']} s",
        "  " + ", ".join(f"{count} {status}" for status, count in sorted(told["statuses"].items())),
        "  " + ", ".join(f"{count} {name}" for name, count in told["happened"].items()),
    ]
    if told["troubles"]:
        lines.append("  " + ", ".join(f"{count} × {name}" for name, count in told["troubles"].items()))
    if report.agree:
        lines.append(f"✓ 服务端与所有设备一致 · server and devices agree ({told['records_held']} records held)")
    else:
        lines += [f"✗ {each}" for each in told["disagreements"]]
        count = len(report.disagreements)
        lines.append(f"✗ 不一致 {count} 处 · server and devices disagree, {count} times (seed {told['seed']})")
    sys.stdout.write("\n".join(lines) + "\n")
