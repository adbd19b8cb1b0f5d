"""What a worker does with a phone while everything around it fails: collect, hand in badly, pull in part, rest.

Owns the steps and their shares. Each phone has its own chance, so that a seed gives each worker the same day.
"""

import datetime as dt
import threading
from random import Random
from typing import Final, Self

from server.simulator.faults.casework import CaseWork, cases_of
from server.simulator.faults.survivor import Survivor
from server.simulator.faults.world import World
from server.simulator.line import Line
from server.simulator.shift import Shift

_BATCHES: Final = (1, 3, 8, 20, 60)
_SPELLS: Final = (1, 2, 4, 8, 16)
_SKEWS_H: Final = (-70.0, -3.0, 0.0, 0.0, 0.0, 0.02, 5.0, 49.0)
_MOST_IN_OUTBOX: Final = 200


class Carrier:
    """One worker with one phone. ``spare``: a second line, for impatience."""

    def __init__(self, world: World, phone: Survivor, spare: Line) -> None:
        self.phone = phone
        self._world = world
        self._spare = spare
        self._shift = Shift(phone)
        self._cases = CaseWork(phone)
        self._chance = phone.chance

    @classmethod
    def with_phone(cls, world: World, phone: Survivor) -> Self:
        """Hand an enrolled phone over to its worker, and fill it."""
        spare = Line(world.plan.url, Random(phone.name), patience_s=world.plan.settle_s)
        spare.authorise(phone.token)
        phone.pull(limit=phone.chance.choice((50, 200, 1000)))
        return cls(world, phone, spare)

    def work(self, rest: threading.Event) -> None:
        """Take one step after the other until it is time to rest."""
        while not rest.is_set():
            self.step()
            rest.wait(self._chance.uniform(0, self._world.plan.pause_s))

    def step(self) -> None:
        """Collect for a while, or hand in, or pull: mostly offline, as workers are."""
        roll = self._chance.random()
        if roll < 0.45:  # noqa: PLR2004  # shares of a worker's day, one after the other
            self._collect()
        elif roll < 0.75:  # noqa: PLR2004
            self._hand_in()
        elif roll < 0.9:  # noqa: PLR2004
            self.phone.pull(limit=self._chance.choice((10, 100, 500)))
        elif roll < 0.97:  # noqa: PLR2004
            self.phone.happened["pulls_broken_off"] += 1
            self.phone.pull_a_page(self._chance.choice((1, 7)))
        elif not self.phone.outbox or roll < 0.975:  # noqa: PLR2004  # who sets it with work in hand spoils its times
            self.phone.happened["clocks_set"] += 1
            hours, seconds = self._chance.choice(_SKEWS_H), self._chance.randint(-8, 8)
            self.phone.skew = dt.timedelta(hours=hours, seconds=seconds)

    def _collect(self) -> None:
        grids = any(collection == "grids" for collection, _ in self.phone.held)
        if grids and len(self.phone.outbox) < _MOST_IN_OUTBOX:
            self._shift.collect(self._chance.choice(_SPELLS))
            if self._chance.random() < 0.7:  # noqa: PLR2004  # mostly there is a case to see to
                self._cases.of_worker()
            for made in self.phone.outbox:
                # A border that moves under way makes both answers right; the checks ask the edition itself.
                made.place = None

    def _hand_in(self) -> None:
        """Send a part of what is there, over a line that fails in all the ways that lines do."""
        phone = self.phone
        for _ in range(self._chance.randint(1, 4)):
            batch = phone.outbox[: self._chance.choice(_BATCHES)]
            rest = phone.outbox[len(batch) :]
            if not batch:
                return
            phone.happened["batches"] += 1
            roll = self._chance.random()
            if roll < 0.12:  # noqa: PLR2004  # shares of the ways, one after the other
                phone.push_into_silence(batch)
            elif roll < 0.22:  # noqa: PLR2004
                phone.push_and_break(batch, self._world.plan.url)
            elif roll < 0.30:  # noqa: PLR2004
                phone.push_twice_at_once(batch, self._spare)
            elif roll < 0.42 and rest:  # noqa: PLR2004
                phone.happened["out_of_order"] += 1
                phone.push(rest[: len(batch)])
            elif roll < 0.52:  # noqa: PLR2004
                phone.happened["sent_again"] += 1
                phone.push(batch)
                phone.push(batch)
            elif roll < 0.60:  # noqa: PLR2004
                phone.happened["shuffled"] += 1
                self._chance.shuffle(batch)
                phone.push(batch)
            else:
                phone.push(batch, packed=roll > 0.8)  # noqa: PLR2004

    def come_home(self) -> None:
        """Hand in everything, plainly, and pull to the end; what a restore took back is handed in too."""
        self.phone.pull()
        while self.phone.outbox:
            self.phone.push(self.phone.outbox[: _BATCHES[-1]])
        self.phone.pull()


class Handler(Carrier):
    """A handler of a body with a phone, and no grid. ``body``: its code."""

    body: str = ""

    def _collect(self) -> None:
        if len(self.phone.outbox) < _MOST_IN_OUTBOX:
            cases = cases_of(self._world, self.body)
            for _ in range(self._chance.choice((1, 1, 2, 4))):
                self._cases.of_handler(cases)
