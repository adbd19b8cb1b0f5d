"""The quiet point: everybody comes home, the jobs finish what waits, and then every invariant is asked.

Owns when all is quiet, what may still wait then and for what reason, and which operations are asked about again: all
since the last quiet point, and some of the older ones; at the end all of them.
"""

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.simulator import agreement
from server.simulator.faults import casebook, ledger, sight
from server.simulator.faults.calling import Caller
from server.simulator.faults.carrying import Carrier
from server.simulator.faults.survivor import Survivor
from server.simulator.faults.world import Broken, World
from sync.collections import COLLECTIONS

_LOOK_EVERY_S: Final = 0.3
_SAMPLE: Final = 300
_ATTEMPTS: Final = 25
_THREADS: Final = 4

# What waits without a reason that holds: its base, or what would make its record, is neither set aside by a person or
# a rule, nor waiting itself; nor was it a task that the server had given before it was restored: no phone brings that
# back, and the case gives another.
_WAITING = text("""
    SELECT held.op_id::text, held.status, held.collection, held.record_id::text, held.problem
    FROM operation AS held JOIN device ON device.id = held.device_id
    WHERE device.uid = ANY (CAST(:devices AS uuid[])) AND held.status IN ('pending', 'held')
      AND (held.status = 'pending' OR NOT EXISTS (
          SELECT FROM operation AS base WHERE base.status IN ('quarantined', 'dismissed', 'held') AND (
              base.device_id = held.device_id AND base.op_id = held.base_op
              OR held.base_op IS NULL AND base.collection = held.collection AND base.record_id = held.record_id
                 AND base.action = 'put'
          )) AND NOT (:restored AND held.collection = 'tasks'
                      AND NOT EXISTS (SELECT FROM task WHERE task.id = held.record_id)))
    LIMIT 1
""")


@dataclass(slots=True)
class QuietPoint:
    """Asks everything at each quiet point. ``checked``: how far each phone's operations were asked about."""

    world: World
    carriers: Sequence[Carrier]
    chance: Random
    callers: Sequence[Caller] = ()
    checked: dict[str, int] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)

    @property
    def phones(self) -> list[Survivor]:
        """The phones of everybody."""
        return [carrier.phone for carrier in self.carriers]

    def reach(self, *, last: bool) -> None:
        """Bring everybody home, wait until nothing waits, and check. Raises ``Broken`` or ``Disagrees``."""
        began = time.monotonic()
        with ThreadPoolExecutor(_THREADS) as threads:
            self._settle(threads)
            self.world.slowest_s["quiet"] = max(
                self.world.slowest_s.get("quiet", 0.0), round(time.monotonic() - began, 2)
            )
            self._check_phones(threads)
        self._check_database(last=last)
        self.world.count("quiet_points")

    def _settle(self, threads: ThreadPoolExecutor) -> None:
        ends = time.monotonic() + self.world.plan.settle_s
        while True:
            list(threads.map(Carrier.come_home, self.carriers))
            list(threads.map(Caller.come_home, self.callers))
            waits = self._waits()
            moved = sum(threads.map(Survivor.pull, self.phones))
            if not waits and not moved and not any(phone.outbox for phone in self.phones):
                break
            if time.monotonic() > ends:
                told = waits or f"{moved} changes came by pull"
                raise Broken("waiting", f"after {self.world.plan.settle_s:.0f} s of quiet: {told}")
            time.sleep(_LOOK_EVERY_S)
        for phone in self.phones:
            # Everybody has pulled to the end of the database that is: nothing is forgiven any more.
            phone.restores_known = self.world.restores_begun

    def _waits(self) -> str:
        with Session(self.world.engine) as session:
            asked = {
                "devices": [phone.device_id for phone in self.phones], "restored": self.world.restores_begun > 0,
            }  # fmt: skip
            row = session.execute(_WAITING, asked).first()
            if row is not None:
                return f"{row.op_id} on {row.collection} {row.record_id} is {row.status}: {row.problem}"
            # Also of phones that take no part: what the jobs can do must be done.
            return "jobs left something undone" if agreement.waits(session) else ""

    def _check_phones(self, threads: ThreadPoolExecutor) -> None:
        list(threads.map(self._check_phone, self.phones))

    def _check_phone(self, phone: Survivor) -> None:
        """Ask everything of one phone. Clocks speak up meanwhile, every few seconds in a city of thousands of cases.

        So wrong is what is said of a phone that has nothing new to hear, or again after it has heard what was new.
        """
        said = ""
        for attempt in range(_ATTEMPTS):
            try:
                with Session(self.world.engine) as session:
                    sight.check_sight(session, phone)
                    sight.check_privacy(session, phone)
                sight.check_anew(phone)
                return self._check_told(phone, sight.check_counts(phone))
            except Broken as broken:
                told_again = broken.record is not None and str(broken) == said
                if not phone.pull() or told_again or attempt == _ATTEMPTS - 1:
                    raise
                said = str(broken)
                phone.happened["checked_again"] += 1
        return None

    def _check_told(self, phone: Survivor, told: dict[str, Any]) -> None:
        """The status document lists what the phone knows to be in doubt, each with its reason."""
        listed = Counter({name: len(told[name]) for name in ("held", "quarantined", "review")})
        known = Counter(made.status for made in phone.made.values())
        if sum(listed.values()) < 1000 and any(listed[name] != known[name] for name in listed):  # noqa: PLR2004  # it lists no more
            raise Broken("counts", f"{phone.name}: the server tells {dict(listed)}, the phone counts {dict(known)}")

    def _check_database(self, *, last: bool) -> None:
        touched: dict[str, set[str]] = {}
        self.states = Counter()
        with Session(self.world.engine) as session:
            for phone in self.phones:
                self.states += ledger.check_log(session, phone)
                made = list(phone.made.values())
                first = 0 if last else self.checked.get(phone.name, 0)
                older = self.chance.sample(made[:first], min(_SAMPLE, first))
                self.checked[phone.name] = len(made)
                sight.check_replays(phone, [*made[first:], *older])
                for each in [*made[first:], *older]:
                    if each.collection in COLLECTIONS:
                        touched.setdefault(each.collection, set()).add(each.record_id)
            self.world.done["steps_checked"] = sum(casebook.check_steps(session, phone) for phone in self.phones)
            self.world.done["calls_checked"] = casebook.check_calls(session, self.callers)
            self.world.done["cases_checked"] = casebook.check_cases(session)
            for name in sorted(touched):
                ledger.check_records(session, name, sorted(touched[name]), self.phones, self.world.restores)
                self.world.count("records_checked", len(touched[name]))
            self.world.done["feed_position"] = ledger.check_feed(session)
            ledger.check_places(session)
