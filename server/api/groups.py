"""Puts pushes that come at the same time into one transaction: what a commit costs is then shared by all of them.

Nobody waits for company: a batch that comes alone is applied at once; those that come while it is being applied
wait together, and whoever's turn it is next applies them all. Where a group fails for anything but the database's
own trouble, each of its batches is applied alone, so that one cannot spoil another's. Knows no Flask.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

Batch = TypeVar("Batch")
Answer = TypeVar("Answer")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[Batch, Answer]):
    batch: Batch
    key: object
    weight: int
    answer: Answer | None = None
    error: Exception | None = None
    taken: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Groups(Generic[Batch, Answer]):
    """The batches of one process. ``apply``: one transaction for a group; answers in order.

    A group has at most ``most`` operations (one batch may have more), and no key twice. ``turns``: how many groups
    are under way at a time, so that one is worked while another waits for the database.
    """

    def __init__(self, apply: Callable[[Sequence[Batch]], Sequence[Answer]], most: int, turns: int = 1) -> None:
        self._apply = apply
        self._most = most
        self._waiting: list[_Waiting[Batch, Answer]] = []
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(turns)

    def apply(self, batch: Batch, key: object, weight: int) -> Answer:
        """Apply a batch, alone or with others; return its answer or raise its error.

        ``key``: two batches of one key never share a group; ``weight``: how many operations it has.
        """
        mine: _Waiting[Batch, Answer] = _Waiting(batch, key, weight)
        with self._lock:
            self._waiting.append(mine)
        while not mine.taken:
            with self._turns:
                if group := self._next():
                    self._run(group)
        mine.done.wait()
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[return-value]  # there is an answer where there is no error

    def _next(self) -> list[_Waiting[Batch, Answer]]:
        """Take those that have waited longest, as many as go together."""
        with self._lock:
            group: list[_Waiting[Batch, Answer]] = []
            keys: set[object] = set()
            weight = 0
            for each in self._waiting:
                if group and weight + each.weight > self._most:
                    break
                if each.key not in keys:
                    each.taken = True
                    group.append(each)
                    keys.add(each.key)
                    weight += each.weight
            self._waiting = [each for each in self._waiting if not each.taken]
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
        finally:
            for each in group:
                each.done.set()
