"""Lineage: what the author of each logged operation had seen of its record. Pure; knows no SQL."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from sync.merge.merge import Write


class LoggedOp(msgspec.Struct, frozen=True):
    """One row of the log, as far as merging needs it. ``rev``: the revision it made, None while it waits."""

    id: int
    record_id: uuid.UUID
    op_id: uuid.UUID
    device_id: int | None
    author: str
    author_id: int | None
    action: str
    base_rev: int | None
    base_op: uuid.UUID | None
    captured_at: dt.datetime
    received_at: dt.datetime
    changes: Mapping[str, Any] | None
    rev: int | None
    status: str
    released: bool = False
    ruled_by: int | None = None
    public_agreed: bool = False

    @property
    def waits(self) -> bool:
        """Whether it has not been settled yet."""
        return self.status in ("pending", "held")


def ready(op: LoggedOp, ops: Sequence[LoggedOp], rev: int | None) -> bool:
    """Return whether the base of a waiting operation is there. ``rev``: the record's, None where there is none."""
    if op.base_op is not None:
        return any(
            each.op_id == op.base_op and each.device_id == op.device_id and (not each.waits or each.status == "pending")
            for each in ops
        )
    if op.base_rev is None:
        return op.action == "put" or rev is not None
    return rev is not None and op.base_rev <= rev


def writes_of(ops: Iterable[LoggedOp]) -> list[Write]:
    """Return the operations as writes, each with everything its author had seen, in lineage closure.

    A base revision was seen with all that made it; an own operation with all that its author had seen. A base
    that never came (a forced operation) counts as what there was below it.
    """
    ordered = list(ops)
    # Where an op_id was used twice, the first is the one that others build on.
    by_key = {(op.device_id, op.op_id): op for op in reversed(ordered)}
    settled = [(op.rev, op.op_id) for op in ordered if op.rev is not None]
    closed: dict[int, frozenset[uuid.UUID]] = {}

    def base_of(op: LoggedOp) -> LoggedOp | None:
        return None if op.base_op is None else by_key.get((op.device_id, op.base_op))

    def close(op: LoggedOp) -> None:
        """Find what the author of an operation had seen, from the end of its line of bases up: it may be long."""
        line: list[LoggedOp] = []
        at: LoggedOp | None = op
        while at is not None and at.id not in closed:
            closed[at.id] = frozenset()  # a base that names itself, or a ring of bases, has seen nothing
            line.append(at)
            at = base_of(at)
        for each in reversed(line):
            found = {op_id for rev, op_id in settled if each.base_rev is not None and rev <= each.base_rev}
            base = base_of(each)
            if base is not None:
                found |= {base.op_id} | closed[base.id]
            closed[each.id] = frozenset(found - {each.op_id})

    for op in ordered:
        close(op)
    return [
        Write(op.op_id, op.captured_at, op.author, closed[op.id], op.changes or {}, deletes=op.action == "delete")
        for op in ordered
    ]
