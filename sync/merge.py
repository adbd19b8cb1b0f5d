"""Three-way merge of one record, as a pure function of its operations and their lineage.

Every operation says what its author had seen. A write of a field is *superseded* when the author of a later
write of that field had seen it; the writes that nobody superseded are the field's *heads*. One head is the
value; several are concurrent and settled by the field's policy. Nothing here depends on the order in which
operations arrived, so any order that respects lineage ends in the same record:

lww     the head with the later corrected captured_at (ties: the larger op_id)
union   of sets: element by element; an element stays if some addition of it was not seen by its removal
max/min the largest / smallest head, by the field's own order
append  every head's text, in the order of capture, with author and time; a common beginning stands once
review  the earliest head stands; the others are kept for a person to decide

A delete holds only if its author had seen every edit; otherwise the record lives and the pair goes to review.
This is the multi-value register of Shapiro et al., "A comprehensive study of convergent and commutative
replicated data types" (2011), resolved by policy; ``union`` is their observed-remove set.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


class Policy(StrEnum):
    """How concurrent writes of one field are settled; the module docstring says what each means."""

    LWW = "lww"
    UNION = "union"
    MAX = "max"
    MIN = "min"
    APPEND = "append"
    REVIEW = "review"


Rank = Callable[[Any], Any]
CITY_TIME = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is merged; ``rank`` orders the values of max and min."""

    policy: Policy
    rank: Rank = lambda value: value


@dataclass(frozen=True, slots=True)
class Write:
    """One operation on the record. ``seen``: ids of the writes its author knew, itself left out."""

    op_id: uuid.UUID
    captured_at: dt.datetime
    author: str
    seen: frozenset[uuid.UUID]
    changes: Mapping[str, Any]
    deletes: bool = False

    @property
    def stamp(self) -> tuple[dt.datetime, uuid.UUID]:
        """Total order of capture."""
        return (self.captured_at, self.op_id)


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two writes that a person must decide between; ``field`` is None where one of them deletes the record."""

    field: str | None
    standing: uuid.UUID
    offered: uuid.UUID
    base: Any = None


@dataclass(frozen=True, slots=True)
class Merged:
    """The record that the writes make. ``winners``: field -> the op_ids whose values are in it."""

    doc: dict[str, Any]
    deleted: bool
    winners: dict[str, tuple[uuid.UUID, ...]]
    disputes: tuple[Dispute, ...] = field(default=())


def merge(writes: Sequence[Write], rules: Mapping[str, Rule]) -> Merged:
    """Return the record that the writes make; their order in the sequence does not matter.

    ``seen`` of each write must be closed under lineage. Fields without a rule are passed over.
    """
    history = _History(sorted(writes, key=lambda write: write.stamp), rules)
    whole = frozenset(write.op_id for write in writes)
    doc: dict[str, Any] = {}
    winners: dict[str, tuple[uuid.UUID, ...]] = {}
    disputes: list[Dispute] = []
    for name in rules:
        heads = history.heads(name, whole)
        if not heads:
            continue
        value = history.value(name, whole)
        if value is not None:
            doc[name] = value
        winners[name] = history.winners(name, heads)
        disputes.extend(history.disputes(name, heads))
    deleted, unseen = _deletion(history.writes)
    return Merged(doc, deleted, winners, (*disputes, *unseen))


def _deletion(writes: Sequence[Write]) -> tuple[bool, list[Dispute]]:
    edits = [write for write in writes if not write.deletes]
    deleted = False
    disputes: list[Dispute] = []
    for delete in (write for write in writes if write.deletes):
        after = [edit for edit in edits if delete.op_id in edit.seen]
        apart = [edit for edit in edits if delete.op_id not in edit.seen and edit.op_id not in delete.seen]
        deleted = deleted or not (after or apart)
        if not after:
            disputes.extend(Dispute(None, edit.op_id, delete.op_id) for edit in apart)
    return deleted, disputes


class _History:
    """The writes of one record, in order of capture, with the value of each field under any set of them."""

    def __init__(self, writes: Sequence[Write], rules: Mapping[str, Rule]) -> None:
        self.writes = writes
        self._rules = rules
        self._values: dict[tuple[str, frozenset[uuid.UUID]], Any] = {}

    def heads(self, name: str, known: frozenset[uuid.UUID]) -> list[Write]:
        """Return the writes of a field, among those known, that no known write of it has superseded."""
        writers = [write for write in self.writes if write.op_id in known and name in write.changes]
        superseded = {below for write in writers for below in write.seen}
        return [write for write in writers if write.op_id not in superseded]

    def value(self, name: str, known: frozenset[uuid.UUID]) -> Any:
        """Return a field's value under the known writes, None where nobody wrote it."""
        key = (name, known)
        if key not in self._values:
            self._values[key] = self._settle(name, known)
        return self._values[key]

    def _settle(self, name: str, known: frozenset[uuid.UUID]) -> Any:
        heads = self.heads(name, known)
        rule = self._rules[name]
        if not heads:
            return None
        if rule.policy == Policy.UNION:
            return self._union(name, known)
        if len(heads) == 1 or all(head.changes[name] == heads[0].changes[name] for head in heads):
            return heads[0].changes[name]
        if rule.policy == Policy.APPEND:
            return self._append(name, heads)
        return _pick(name, rule, heads).changes[name]

    def _union(self, name: str, known: frozenset[uuid.UUID]) -> Any:
        """Settle a set element by element; elements stand in the order in which they were first added."""
        writers = [write for write in self.writes if write.op_id in known and name in write.changes]
        kept: dict[Any, None] = {}
        for write in writers:
            had = self._elements(name, write.seen)
            for element in write.changes[name] or ():
                if element not in had and not self._removed(name, element, write, writers):
                    kept.setdefault(element)
        if not kept and all(write.changes[name] is None for write in self.heads(name, known)):
            return None
        return list(kept)

    def _elements(self, name: str, seen: frozenset[uuid.UUID]) -> frozenset[Any]:
        return frozenset(self.value(name, seen) or ())

    def _removed(self, name: str, element: Any, added_by: Write, writers: Sequence[Write]) -> bool:
        """Return whether somebody who had seen this addition left the element out."""
        return any(
            added_by.op_id in write.seen
            and element in self._elements(name, write.seen)
            and element not in (write.changes[name] or ())
            for write in writers
        )

    def _append(self, name: str, heads: Sequence[Write]) -> str:
        common = frozenset.intersection(*(head.seen for head in heads))
        base = self.value(name, common) or ""
        texts = [(head, head.changes[name] or "") for head in heads]
        if not all(text.startswith(base) for _, text in texts):
            base = ""
        parts = [base.rstrip()] if base else []
        told = set()
        for head, text in texts:
            added = text[len(base) :].strip()
            if added and added not in told:
                told.add(added)
                moment = head.captured_at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")
                parts.append(f"[{head.author} {moment}] {added}")
        return "\n".join(parts)

    def winners(self, name: str, heads: Sequence[Write]) -> tuple[uuid.UUID, ...]:
        """Return whose values are in the field."""
        rule = self._rules[name]
        if len(heads) == 1 or rule.policy in (Policy.UNION, Policy.APPEND):
            return tuple(head.op_id for head in heads)
        return (_pick(name, rule, heads).op_id,)

    def disputes(self, name: str, heads: Sequence[Write]) -> list[Dispute]:
        """Return what of a review field a person must decide."""
        if self._rules[name].policy != Policy.REVIEW:
            return []
        standing = heads[0]
        base = self.value(name, frozenset.intersection(*(head.seen for head in heads)))
        return [
            Dispute(name, standing.op_id, head.op_id, base)
            for head in heads[1:]
            if head.changes[name] != standing.changes[name]
        ]


def _pick(name: str, rule: Rule, heads: Sequence[Write]) -> Write:
    """Return the head that wins; heads are in order of capture."""
    if rule.policy == Policy.REVIEW:
        return heads[0]
    if rule.policy == Policy.LWW:
        return heads[-1]
    valued = [head for head in heads if head.changes[name] is not None]
    choose = max if rule.policy == Policy.MAX else min
    return choose(valued, key=lambda head: rule.rank(head.changes[name]))
