"""Puts pushes that come at the same time into one transaction: what a commit costs is then shared by all of them.

A batch that comes alone is applied at once. Those that come while groups are under way wait together; the turn is then
handed to the one that has waited longest, which leads: it waits a few milliseconds more for those that are being
decoded at that moment, for no others, and applies them all. Where a group fails for anything but the database's own
trouble, each of its batches is applied alone, so that one cannot spoil another's. Knows no Flask.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

Batch = TypeVar("Batch")
Answer = TypeVar("Answer")

PATIENCE_S: Final = 0.004
"""How long a leader waits at most for those that are being decoded: about as long as a few batches take to decode."""


@dataclass(eq=False, slots=True)
class Coming:
    """A batch that is being decoded."""

    is_here: bool = False


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Batch, Answer]):
    """A batch that waits. ``called``: it is answered, or it has the turn."""

    batch: Batch
    key: object
    weight: int
    answer: Answer | None = None
    error: Exception | None = None
    is_answered: bool = False
    called: threading.Event = field(default_factory=threading.Event)


class Groups(Generic[Batch, Answer]):
    """The batches of one process. ``apply``: one transaction for a group; answers in order.

    A group has at most ``most`` operations (one batch may have more), and no key twice. ``turns``: how many groups
    are under way at a time, so that one is worked while another waits for the database. ``patience_s``: seconds.
    """

    # While a turn is free and nobody gathers, nobody waits: so whoever leads is the first of those that wait.

    def __init__(
        self,
        apply: Callable[[Sequence[Batch]], Sequence[Answer]],
        most: int,
        turns: int = 1,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._apply = apply
        self._most = most
        self._patience_s = patience_s
        self._waiting: list[_Waiting[Batch, Answer]] = []
        self._changed = threading.Condition()
        self._free = turns
        self._gathering = False
        self._coming = 0

    @contextmanager
    def coming(self) -> Iterator[Coming]:
        """Tell that a batch is being decoded, until it is handed to ``apply``, or turns out to be none."""
        told = Coming()
        with self._changed:
            self._coming += 1
        try:
            yield told
        finally:
            with self._changed:
                self._came(told)

    def apply(self, batch: Batch, key: object, weight: int, coming: Coming | None = None) -> Answer:
        """Apply a batch, alone or with others; return its answer or raise its error.

        ``key``: two batches of one key never share a group; ``weight``: how many operations it has; ``coming``: as
        what it was announced.
        """
        mine: _Waiting[Batch, Answer] = _Waiting(batch, key, weight)
        with self._changed:
            self._waiting.append(mine)
            self._call_next()
            if coming is not None:
                self._came(coming)
        mine.called.wait()
        if not mine.is_answered:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[return-value]  # there is an answer where there is no error

    def _came(self, coming: Coming) -> None:
        if not coming.is_here:
            coming.is_here = True
            self._coming -= 1
            self._changed.notify_all()

    def _call_next(self) -> None:
        """Give a free turn to the one that has waited longest, unless another still gathers: they may join it."""
        if self._waiting and self._free and not self._gathering:
            self._free -= 1
            self._gathering = True
            self._waiting[0].called.set()

    def _lead(self) -> None:
        """Gather a group, apply it, and hand the turn over before anybody turns to their own answer."""
        with self._changed:
            ends = time.monotonic() + self._patience_s
            while self._coming and (left := ends - time.monotonic()) > 0 and not self._is_full():
                self._changed.wait(left)
            group = self._take()
            self._gathering = False
            self._call_next()
        try:
            self._run(group)
        finally:
            with self._changed:
                self._free += 1
                self._call_next()
            for each in group:
                each.is_answered = True
                each.called.set()

    def _is_full(self) -> bool:
        return sum(each.weight for each in self._waiting) >= self._most

    def _take(self) -> list[_Waiting[Batch, Answer]]:
        """Take those that have waited longest, as many as go together."""
        group: list[_Waiting[Batch, Answer]] = []
        left: list[_Waiting[Batch, Answer]] = []
        keys: set[object] = set()
        weight = 0
        for place, each in enumerate(self._waiting):
            if group and weight + each.weight > self._most:
                left += self._waiting[place:]
                break
            if each.key in keys:
                left.append(each)
            else:
                group.append(each)
                keys.add(each.key)
                weight += each.weight
        self._waiting = left
        return group

    def _run(self, group: Sequence[_Waiting[Batch, Answer]]) -> None:
        try:
            answers = self._apply([each.batch for each in group])
        except (OperationalError, InterfaceError) as trouble:
            for each in group:
                each.error = trouble
        except Exception as error:  # noqa: BLE001  # whoever sent the batch raises it
            if len(group) == 1:
                group[0].error = error
            else:
                for each in group:
                    self._run([each])
        else:
            for each, answer in zip(group, answers, strict=True):
                each.answer = answer
