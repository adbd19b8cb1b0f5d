"""Drafts: begun over the edition in force, drawn on by operations, undone, redone, given up.

Owns the rows of ``draft`` and ``draft_operation``. Every change names the version that its author saw. Must not know
HTTP; rebasing and publishing are ``server.grids.publishing``'s. The caller commits.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, defer

from geo.editions.tables import Edition, PlannedEdition
from geo.redraw import Redrawn
from geo.redraw.layer import compare
from server.grids.balancing import worked_out
from server.grids.draft_cache import cache_of
from server.grids.draft_ground import DraftGround
from server.grids.errors import (
    DraftChanged,
    DraftNeedsVersion,
    DraftPlanned,
    DraftPublished,
    NothingToRedo,
    NothingToUndo,
    OperationRefused,
    UnknownDraft,
)
from server.grids.following import with_parents
from server.grids.operations import DraftStep, Operation, perform, require_names
from server.grids.tables import Draft, DraftOperation
from server.grids.waiting import waiting_ground
from sync.errors import NoEdition

Seen = int | Literal["any"] | None
"""The version that the author of a change saw; "any": whichever it is; None: not said."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A draft folded: the city as it was, as the operations leave it, and with parents that follow."""

    before: DraftGround
    steps: tuple[DraftStep, ...]
    after: DraftGround

    def changes(self) -> dict[str, Redrawn]:
        """What is different, by kind of area; kinds of which nothing is are left out."""
        found = {kind: compare(sheet, self.after.sheets[kind]) for kind, sheet in self.before.sheets.items()}
        return {kind: each for kind, each in found.items() if each.put or each.gone}


def begin(session: Session, *, name: str, author: str, now: dt.datetime, base: int | None = None) -> Draft:
    """Begin a draft over an edition (the newest where none is named).

    Raises NoEdition where none was published, OperationRefused for one that does not exist.
    """
    newest = newest_edition(session)
    if not newest:
        raise NoEdition
    number = newest if base is None else base
    if not 0 < number <= newest:
        raise OperationRefused("base_edition", "unknown-edition")
    draft = Draft(name=name, base_edition=number, author=author, created_at=now, version=1)
    session.add(draft)
    session.flush()
    return draft


def newest_edition(session: Session) -> int:
    """The number of the edition in force; 0 where none was published."""
    return session.scalar(select(func.max(Edition.number))) or 0


def listed(session: Session) -> list[tuple[Draft, int]]:
    """All drafts, the newest first, each with the number of its operations that stand."""
    standing = func.count(DraftOperation.id).filter(~DraftOperation.undone)
    rows = session.execute(
        select(Draft, standing)
        .outerjoin(DraftOperation, DraftOperation.draft_id == Draft.id)
        .group_by(Draft.id)
        .order_by(Draft.id.desc())
    )
    return [(draft, count) for draft, count in rows]


def find(session: Session, draft_id: int) -> Draft:
    """Raises UnknownDraft."""
    draft = session.get(Draft, draft_id)
    if draft is None:
        raise UnknownDraft(draft_id)
    return draft


def lock(session: Session, draft_id: int, seen: Seen) -> Draft:
    """The draft, locked for a change.

    Raises UnknownDraft, DraftNeedsVersion, DraftChanged, DraftPublished and DraftPlanned.
    """
    draft = session.scalars(
        select(Draft).where(Draft.id == draft_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if draft is None:
        raise UnknownDraft(draft_id)
    if seen is None:
        raise DraftNeedsVersion
    if seen not in ("any", draft.version):
        raise DraftChanged(draft.version)
    if draft.published_edition is not None:
        raise DraftPublished(draft.published_edition)
    plan = plans_of(session, [draft]).get(draft.id)
    if plan is not None and plan.state == "waiting":
        raise DraftPlanned(plan.id, plan.due_at.isoformat())
    return draft


def plans_of(session: Session, drafts: Sequence[Draft]) -> dict[int, PlannedEdition]:
    """The plans to publish drafts, by the draft, without their areas: those that wait, and what became of them."""
    by_plan = {draft.plan_id: draft.id for draft in drafts if draft.plan_id is not None}
    rows = select(PlannedEdition).where(PlannedEdition.id.in_(by_plan)).options(defer(PlannedEdition.areas))
    return {by_plan[plan.id]: plan for plan in session.scalars(rows)} if by_plan else {}


def operations(session: Session, draft: Draft) -> list[DraftOperation]:
    """All operations of a draft in order, those undone last."""
    rows = select(DraftOperation).where(DraftOperation.draft_id == draft.id).order_by(DraftOperation.position)
    return list(session.scalars(rows))


def standing(rows: Sequence[DraftOperation]) -> list[Operation]:
    """The operations that stand."""
    return [Operation(row.kind, row.parameters, (row.id, row.made_at)) for row in rows if not row.undone]


def drawn(session: Session, draft: Draft) -> Drawn:
    """Fold a draft. What was once done can be done again: no operation is refused."""
    kept = cache_of(session)
    before = kept.city(session, draft.base_edition)
    steps = kept.fold(session, draft.base_edition, standing(operations(session, draft)))
    cities = [step.city for step in steps]
    waiting = waiting_ground(cities[-1], steps) if cities else {}
    return Drawn(before, steps, with_parents(before, cities, waiting))


def as_drawn(session: Session, draft: Draft) -> DraftGround:
    """The city as the operations of a draft leave it, before parents follow: what the next operation works on."""
    kept = cache_of(session)
    steps = kept.fold(session, draft.base_edition, standing(operations(session, draft)))
    return steps[-1].city if steps else kept.city(session, draft.base_edition)


def steps_of(session: Session, draft: Draft, *, undone: bool = False) -> Sequence[DraftStep]:
    """What each operation of a draft came to that stands, in order; ``undone``: and then those that are undone."""
    rows = [row for row in operations(session, draft) if undone or not row.undone]
    kept = [Operation(row.kind, row.parameters, (row.id, row.made_at)) for row in rows]
    return cache_of(session).fold(session, draft.base_edition, kept)


def do(
    session: Session, draft: Draft, kind: str, parameters: dict[str, Any], *, author: str, now: dt.datetime
) -> tuple[DraftOperation, DraftStep]:
    """Do one operation more; those undone are gone then. Errors as ``balancing.worked_out``, ``operations``."""
    rows = operations(session, draft)
    stand = standing(rows)
    city = as_drawn(session, draft)
    parameters = worked_out(session, city, kind, parameters)
    operation = Operation(kind, parameters)
    require_names(operation)
    step = perform(city, operation)
    session.execute(delete(DraftOperation).where(DraftOperation.draft_id == draft.id, DraftOperation.undone))
    row = DraftOperation(
        draft_id=draft.id, position=len(stand) + 1, kind=kind, parameters=parameters, undone=False, author=author,
        made_at=now,
    )  # fmt: skip
    session.add(row)
    draft.version += 1
    session.flush()
    return row, step


def undo(session: Session, draft: Draft) -> DraftOperation:
    """Undo the last operation that stands. Raises NothingToUndo."""
    last = [row for row in operations(session, draft) if not row.undone]
    if not last:
        raise NothingToUndo
    return _turn(session, draft, last[-1], undone=True)


def redo(session: Session, draft: Draft) -> DraftOperation:
    """Do again what was undone last. Raises NothingToRedo."""
    first = next((row for row in operations(session, draft) if row.undone), None)
    if first is None:
        raise NothingToRedo
    return _turn(session, draft, first, undone=False)


def give_up(session: Session, draft: Draft) -> None:
    """Take a draft away with its operations."""
    session.execute(delete(Draft).where(Draft.id == draft.id))


def _turn(session: Session, draft: Draft, row: DraftOperation, *, undone: bool) -> DraftOperation:
    row.undone = undone
    draft.version += 1
    session.flush()
    return row
