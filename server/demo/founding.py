"""What holds while a sample city is founded, whichever it is."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Founding:
    """``folder``: where the sign-ins are kept. ``seed`` None: the city's own. ``factor`` below 1: a smaller city."""

    session: Session
    folder: Path
    now: dt.datetime
    say: Say
    seed: int | None = None
    factor: float = 1.0


class NotFounded(Exception):
    """The city cannot be founded in this database; ``zh`` and ``en`` say why and what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh} · {en}")
        self.zh, self.en = zh, en
