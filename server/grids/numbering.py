"""The number that each area of a draft has for programs, which know features by whole numbers.

Owns them: an area that any edition ever had is called by its row; one that the draft itself made by the operation that
made it, so that undoing, doing again and rebasing leave the number as it is.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.editions.tables import Area
from server.grids.drafts import Drawn

FIRST = 2**32
"""Beyond the rows of areas, which are counted in 32 bits."""
_MANY = 2**13
"""More than an operation can make; and 2**53, up to which all programs count exactly, is far from any row yet."""


class Numbers:
    """The numbers of one draft's areas, of all kinds."""

    def __init__(self, session: Session, done: Drawn) -> None:
        self._session = session
        self._done = done

    def of(self, codes: Iterable[str]) -> dict[str, int]:
        """The numbers of areas that are in the draft."""
        wanted = list(codes)
        rows = self._session.execute(select(Area.code, Area.id).where(Area.code.in_(wanted))).all() if wanted else []
        known = {row.code: row.id for row in rows}
        return {code: known[code] if code in known else self._made[code] for code in wanted}

    def code(self, number: int) -> str | None:
        """The code of an area by its number; None where the draft has none."""
        if number < FIRST:
            code = self._session.scalar(select(Area.code).where(Area.id == number))
        else:
            code = next((code for code, made in self._made.items() if made == number), None)
        return code if code is not None and self._done.after.find(code) is not None else None

    @cached_property
    def _made(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for step in self._done.steps:
            row = 0 if step.operation.row is None else step.operation.row[0]
            new = sorted(set(step.redrawn.put) - set(step.redrawn.before))
            found |= {code: FIRST + row * _MANY + place for place, code in enumerate(new)}
        return found
