"""Placing operations on records: what is applied at once, what is pending, what is held.

Owns the bench: the records of a group of batches, as locked in the database and as the group has changed them so
far. Pure bookkeeping: no SQL, no rights.
"""

import datetime as dt
import uuid
from collections.abc import Mapping

import msgspec

from sync.collections import COLLECTIONS, Doc
from sync.protocol.wire import Op
from sync.store.log import Known
from sync.store.records import Record
from sync.wording.reasons import Reason

Key = tuple[str, uuid.UUID]


class Placed(msgspec.Struct, frozen=True):
    """What became of one operation. ``changes``: the fields it wrote, where that is not simply its data."""

    status: str
    rev: int | None = None
    reason: Reason | None = None
    record: Record | None = None
    changes: Doc | None = None


class _Outcome(msgspec.Struct, frozen=True, gc=False):
    status: str
    rev: int | None
    record_id: uuid.UUID | None


_HELD = ("held", Reason("base-unknown", (("base", "base-unknown"),)))


class WorkingSet:
    """The records that a group of batches works on.

    ``known``: (device, op_id) -> what became of it earlier. ``revisions_from``: new records begin above it.
    """

    def __init__(self, known: Mapping[tuple[int, uuid.UUID], Known], revisions_from: int) -> None:
        self._first_rev = revisions_from + 1
        self._records: dict[Key, Record] = {}
        self._new: set[Key] = set()
        self._changed: set[Key] = set()
        self._own = {key: _Outcome(each.status, each.rev, each.record_id) for key, each in known.items()}

    def hold(self, collection: str, locked: Mapping[uuid.UUID, Record]) -> None:
        """Take over records that were locked in the database."""
        self._records |= {(collection, record_id): record for record_id, record in locked.items()}

    def record(self, op: Op) -> Record | None:
        """Return the record of an operation as the group has made it so far."""
        return self._records.get((op.collection, op.record_id))

    def is_new(self, op: Op) -> bool:
        """Return whether this group made the record."""
        return (op.collection, op.record_id) in self._new

    @property
    def touched(self) -> set[str]:
        """The collections with a changed record."""
        return {collection for collection, _ in self._changed}

    def new_of(self, collection: str) -> list[Record]:
        """Return the records of a collection that this group made."""
        return [self._records[key] for key in self._changed if key[0] == collection and key in self._new]

    def old_of(self, collection: str) -> list[Record]:
        """Return the locked records of a collection that this group changed, in ascending id."""
        changed = (self._records[key] for key in self._changed if key[0] == collection and key not in self._new)
        return sorted(changed, key=lambda record: record.id)

    def note(self, device_id: int, op: Op, status: str, rev: int | None) -> None:
        """Remember what became of an operation, for those of the same device that build on it."""
        self._own.setdefault((device_id, op.op_id), _Outcome(status, rev, op.record_id))

    def waits(self, device_id: int, op: Op) -> bool:
        """Return whether an operation would not be applied at once, by its base."""
        return self._standing(device_id, op, self.record(op))[0] != "applied"

    def place(self, device_id: int, op: Op, data: Doc, captured_at: dt.datetime, author_id: int) -> Placed:
        """Put one operation on its record, or say why it waits. ``data`` is in WGS-84."""
        record = self.record(op)
        status, reason = self._standing(device_id, op, record)
        if status != "applied":
            placed = Placed(status, reason=reason)
        elif record is None:
            placed = self._create(op, data, captured_at, author_id)
        else:
            placed = self._advance(op, record, data, captured_at)
        self.note(device_id, op, placed.status, placed.rev)
        return placed

    def _standing(self, device_id: int, op: Op, record: Record | None) -> tuple[str, Reason | None]:
        """Return applied, pending or held: how the base of an operation stands to its record."""
        base = op.base
        if base is None:
            if record is not None:
                return "pending", None
            return ("applied", None) if op.action == "put" else _HELD
        if base.op_id is not None:
            return self._standing_on_own(op, (device_id, base.op_id), record)
        if record is None or base.rev is None or base.rev > record.rev:
            return _HELD
        return ("applied" if base.rev >= record.doc_rev else "pending"), None

    def _standing_on_own(self, op: Op, base: tuple[int, uuid.UUID], record: Record | None) -> tuple[str, Reason | None]:
        """The same, where the base is an operation of the device's own."""
        own = self._own.get(base)
        if own is None or own.record_id != op.record_id or own.status == "held":
            return _HELD
        if own.status == "quarantined":
            return "held", Reason("base-quarantined", (("base", "base-quarantined"),))
        current = own.status == "applied" and record is not None and own.rev == record.doc_rev
        return ("applied" if current else "pending"), None

    def _create(self, op: Op, data: Doc, captured_at: dt.datetime, author_id: int) -> Placed:
        key = (op.collection, op.record_id)
        doc = {name: value for name, value in data.items() if value is not None}
        rev = self._first_rev
        record = Record(op.record_id, rev, rev, doc, author_id, captured_at, first_rev=rev)
        self._records[key] = record
        self._new.add(key)
        self._changed.add(key)
        return Placed("applied", rev, record=record)

    def _advance(self, op: Op, record: Record, data: Doc, captured_at: dt.datetime) -> Placed:
        """Fast-forward: the author saw what is there, so what the operation says is what is."""
        changes = None
        if op.action == "delete":
            record.deleted_at = record.deleted_at or captured_at
        else:
            record.deleted_at = None
            if op.action == "put":
                names = [*data, *(name for name in record.doc if name not in data)]
                changes = {name: data.get(name) for name in names if record.doc.get(name) != data.get(name)}
                data = changes
            merged = record.doc | data
            one_of = COLLECTIONS[op.collection].one_of
            if one_of and not any(merged.get(name) for name in one_of):
                # As merging has it: what a record must have one of stays.
                merged |= {name: record.doc[name] for name in one_of if record.doc.get(name)}
            record.doc = {name: value for name, value in merged.items() if value is not None}
        record.rev += 1
        record.doc_rev = record.rev
        self._changed.add((op.collection, op.record_id))
        return Placed("applied", record.rev, record=record, changes=changes)
