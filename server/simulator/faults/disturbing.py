"""What happens to the patrol while its phones are at work: a shuffled deck of disturbances, drawn one by one.

Owns the deck, and waiting until everything is well again after each kill. How to kill, back up and restore belongs to
whoever runs the processes.
"""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

import requests
from sqlalchemy.orm import Session

from server.simulator.faults.redrawing import grids_of, reassign, redraw
from server.simulator.faults.ruling import Desk
from server.simulator.faults.world import Broken, Harm, World

RECOVERY_WITHIN_S: Final = 120.0
_LOOK_EVERY_S: Final = 0.05
# How often each is in the deck; beside them every victim once, and a restore.
_SHARES: Final[Mapping[str, int]] = {"reassign": 4, "redraw": 3, "rule": 4, "backup": 2}


def _same_part(one: str, other: str) -> bool:
    """Whether two victims are of one part: what serves the web is there twice, and is never taken away as a whole."""
    first, second = (each.partition(" ")[0].rstrip("2") for each in (one, other))
    return first == second


class Disturber:
    """Draws and does. ``logins``: the workers whose grids are given to one another."""

    def __init__(self, world: World, harm: Harm, logins: Sequence[str], chance: Random) -> None:
        self._world = world
        self._harm = harm
        self._chance = chance
        self._desk = Desk(world, chance)
        self._logins = sorted(set(logins))
        with Session(world.engine) as session:
            self._grids = sorted({code for codes in grids_of(session, self._logins).values() for code in codes})
        self._deck = self._shuffled()
        self._has_backup = False
        self._kinds: Mapping[str, Callable[[], None]] = {
            "reassign": self._reassign,
            "redraw": self._redraw,
            "rule": self._rule,
            "backup": self._backup,
            "restore": self._restore,
        }

    @property
    def deck_left(self) -> int:
        """Return how many disturbances of the deck have not been drawn yet."""
        return len(self._deck)

    def pause_s(self) -> float:
        """Return how long to wait before the next one."""
        return self._chance.uniform(0.3, 1.7) * self._world.plan.gap_s

    def disturb(self) -> str:
        """Draw a disturbance and do it; return its name. Raises ``Broken`` where the patrol does not recover."""
        self._deck = self._deck or self._shuffled()
        name = self._deck.pop()
        if name.startswith("kill "):
            self._kill(name.removeprefix("kill "))
        else:
            self._kinds[name]()
        return name

    def _shuffled(self) -> list[str]:
        deck = [name for name, count in _SHARES.items() for _ in range(count)]
        deck += ["restore", *(f"kill {victim}" for victim in self._harm.victims)]
        self._chance.shuffle(deck)
        return deck

    def _reassign(self) -> None:
        login = self._chance.choice(self._logins)
        count = self._chance.choice((0, 1, 1, 2, 3))
        codes = self._chance.sample(self._grids, min(count, len(self._grids)))
        now = dt.datetime.now(dt.UTC)
        since = now - dt.timedelta(hours=self._chance.choice((0, 7, 7)))
        with Session(self._world.engine) as session, session.begin():
            reassign(session, login, codes, now=now, since=since)
        self._world.count("reassignments")

    def _redraw(self) -> None:
        with Session(self._world.engine) as session, session.begin():
            edition = redraw(session, self._chance, now=dt.datetime.now(dt.UTC))
        self._world.count("redraws" if edition is not None else "redraws_not_found")

    def _rule(self) -> None:
        try:
            self._desk.rule()
        except requests.RequestException:
            # Staff come back later; what they had sent is in effect or not.
            self._world.count("rulings_cut_off")

    def _backup(self) -> None:
        self._harm.backup()
        self._has_backup = True
        self._world.count("backups")

    def _restore(self) -> None:
        if not self._has_backup:
            self._backup()
            # So that there is something to lose.
            time.sleep(self._world.plan.gap_s)
        try:
            self._world.restore(self._harm)
        except Exception as error:  # whatever it is: the patrol could not go back, and the report must say so
            raise Broken("restore", str(error)) from error
        self._world.count("restores")

    def _kill(self, victim: str) -> None:
        """Kill one, at times two at once, and wait until the keepers have brought everything back."""
        victims = [victim]
        if self._chance.random() < 0.25:  # noqa: PLR2004  # misfortunes come together
            victims.append(
                self._chance.choice([other for other in self._harm.victims if not _same_part(other, victim)])
            )
        began = time.monotonic()
        for each in victims:
            self._harm.kill(each)
            self._world.count(f"killed {each}")
        while not self._harm.is_well():
            if time.monotonic() - began > RECOVERY_WITHIN_S:
                raise Broken("recovery", f"{' and '.join(victims)} did not come back in {RECOVERY_WITHIN_S:.0f} s")
            time.sleep(_LOOK_EVERY_S)
        taken_s = time.monotonic() - began
        for each in victims:
            self._world.slowest_s[each] = max(self._world.slowest_s.get(each, 0.0), round(taken_s, 2))
