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

What is merged keeps the limits that each write had to keep. A text that would be longer is cut, and its end says how
many characters were left out; a set with more elements shows those that were added first. The rest is in the log, and
an author who had seen its writes counts as having seen it.

A delete holds only if its author had seen every edit; otherwise the record lives and the pair goes to review.
This is the multi-value register of Shapiro et al., "A comprehensive study of convergent and commutative
replicated data types" (2011), resolved by policy; ``union`` is their observed-remove set.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple
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
# Every bit that there is.
EVERYTHING = -1
_SEVERAL = 2


@dataclass(frozen=True, slots=True)
class MergeRule:
    """How one field is merged; ``rank`` orders the values of max and min.

    ``limit``: how many characters a text, or elements a set, may have (None: any number).
    """

    policy: Policy
    rank: Rank = lambda value: value
    limit: int | None = None


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


def merge(writes: Sequence[Write], rules: Mapping[str, MergeRule], one_of: Sequence[str] = ()) -> Merged:
    """Return the record that the writes make; their order in the sequence does not matter.

    ``seen`` of each write must be closed under lineage. Fields without a rule are passed over. ``one_of``: fields of
    which a record must have one; where all were taken away, each by somebody else, the one that was written last stays.
    """
    history = _History(_each_once(writes), rules)
    doc: dict[str, Any] = {}
    winners: dict[str, tuple[uuid.UUID, ...]] = {}
    disputes: list[Dispute] = []
    for name in rules:
        heads = history.heads(name, EVERYTHING)
        if not heads:
            continue
        value = history.settle(name, heads, EVERYTHING)
        if value is not None:
            doc[name] = value[: rules[name].limit] if rules[name].policy == Policy.UNION else value
        winners[name] = history.winners(name, heads)
        disputes.extend(history.disputes(name, heads))
    if one_of and not any(doc.get(name) for name in one_of):
        _keep_one(history.writes, one_of, doc, winners)
    deleted, unseen = _deletion(history.writes)
    return Merged(doc, deleted, winners, (*disputes, *unseen))


def _each_once(writes: Sequence[Write]) -> list[Write]:
    """Return the writes in order of capture, one that is given twice once."""
    found: list[Write] = []
    for write in sorted(writes, key=lambda write: write.stamp):
        if not found or found[-1] != write:
            found.append(write)
    return found


def _keep_one(
    writes: Sequence[Write], one_of: Sequence[str], doc: dict[str, Any], winners: dict[str, tuple[uuid.UUID, ...]]
) -> None:
    for write in reversed(writes):
        for name in one_of:
            if write.changes.get(name):
                doc[name] = write.changes[name]
                winners[name] = (write.op_id,)
                return


def _deletion(writes: Sequence[Write]) -> tuple[bool, list[Dispute]]:
    deletes = [write for write in writes if write.deletes]
    if not deletes:
        return False, []
    edits = [write for write in writes if not write.deletes]
    deleted = False
    disputes: list[Dispute] = []
    for delete in deletes:
        after = [edit for edit in edits if delete.op_id in edit.seen]
        apart = [edit for edit in edits if delete.op_id not in edit.seen and edit.op_id not in delete.seen]
        deleted = deleted or not (after or apart)
        if not after:
            disputes.extend(Dispute(None, edit.op_id, delete.op_id) for edit in apart)
    return deleted, disputes


class _Writer(NamedTuple):
    """A write with its own bit and the bits of what its author had seen."""

    write: Write
    bit: int
    seen: int


class _History:
    """The writes of one record, in order of capture, with the value of each field under any set of them.

    Such a set is a number with a bit for each op_id: the same few sets are joined, cut and looked up again and again.
    """

    def __init__(self, writes: Sequence[Write], rules: Mapping[str, MergeRule]) -> None:
        self.writes = writes
        self._rules = rules
        self._values: dict[tuple[str, int], Any] = {}
        self._sets: dict[str, _Sets] = {}
        bits: dict[uuid.UUID, int] = {}
        for write in writes:
            bits.setdefault(write.op_id, 1 << len(bits))
        self._writers: dict[str, list[_Writer]] = {}
        for write in writes:
            # What was seen and is not here wrote nothing that counts.
            seen = reduce(or_, [bits.get(op_id, 0) for op_id in write.seen], 0)
            writer = _Writer(write, bits[write.op_id], seen)
            for name in write.changes:
                self._writers.setdefault(name, []).append(writer)
        self._writers = {name: _since_last_meeting(writers) for name, writers in self._writers.items()}

    def _known(self, name: str, known: int) -> list[_Writer]:
        if known == EVERYTHING:
            return self._writers.get(name, [])
        return [writer for writer in self._writers.get(name, ()) if writer.bit & known]

    def heads(self, name: str, known: int) -> list[_Writer]:
        """Return the writes of a field, among those known, that no known write of it has superseded."""
        writers = self._known(name, known)
        if len(writers) < _SEVERAL:
            return writers
        superseded = reduce(or_, [writer.seen for writer in writers])
        return [writer for writer in writers if not writer.bit & superseded]

    def value(self, name: str, known: int) -> Any:
        """Return a field's value under the known writes, None where nobody wrote it."""
        key = (name, known)
        if key not in self._values:
            # An op_id that two writes share may have seen itself by way of others: the ring has to end somewhere.
            self._values[key] = None
            self._values[key] = self.settle(name, self.heads(name, known), known)
        return self._values[key]

    def settle(self, name: str, heads: Sequence[_Writer], known: int) -> Any:
        """Return the value that a field's heads under the known writes make together."""
        if not heads:
            return None
        rule = self._rules[name]
        if rule.policy == Policy.UNION:
            return self._union(name, heads, known)
        first = heads[0].write.changes[name]
        if len(heads) == 1 or all(head.write.changes[name] == first for head in heads[1:]):
            return first
        if rule.policy == Policy.APPEND:
            return self._append(name, heads)
        return _pick(name, rule, heads).changes[name]

    def _union(self, name: str, heads: Sequence[_Writer], known: int) -> Any:
        """Settle a set element by element; elements stand in the order in which they were first added."""
        if name not in self._sets:
            self._sets[name] = _Sets(name, self._writers[name])
        kept = self._sets[name].elements(known)
        if not kept and all(head.write.changes[name] is None for head in heads):
            return None
        return kept

    def _append(self, name: str, heads: Sequence[_Writer]) -> str:
        base = self.value(name, _common(heads)) or ""
        texts = [(head.write, head.write.changes[name] or "") for head in heads]
        if not all(text.startswith(base) for _, text in texts):
            base = ""
        parts = [base.rstrip()] if base else []
        told = set()
        for write, text in texts:
            added = text[len(base) :].strip()
            if added and added not in told:
                told.add(added)
                moment = write.captured_at.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")
                parts.append(f"[{write.author} {moment}] {added}")
        return _within("\n".join(parts), self._rules[name].limit)

    def winners(self, name: str, heads: Sequence[_Writer]) -> tuple[uuid.UUID, ...]:
        """Return whose values are in the field."""
        rule = self._rules[name]
        if len(heads) == 1 or rule.policy in (Policy.UNION, Policy.APPEND):
            return tuple(head.write.op_id for head in heads)
        return (_pick(name, rule, heads).op_id,)

    def disputes(self, name: str, heads: Sequence[_Writer]) -> list[Dispute]:
        """Return what of a review field a person must decide."""
        if len(heads) < _SEVERAL or self._rules[name].policy != Policy.REVIEW:
            return []
        standing = heads[0].write
        base = self.value(name, _common(heads))
        return [
            Dispute(name, standing.op_id, head.write.op_id, base)
            for head in heads[1:]
            if head.write.changes[name] != standing.changes[name]
        ]


class _Sets:
    """The additions and removals of one set field. Linear in the writes of a field for each set of known ones."""

    def __init__(self, name: str, writers: Sequence[_Writer]) -> None:
        self._writers = writers
        self._added: dict[int, list[Any]] = {}
        self._removers: dict[Any, list[_Writer]] = {}
        self._found: dict[int, list[Any]] = {}
        # Whoever has seen more comes later, so that what was seen is known: no recursion, however long the lineage.
        for place in sorted(range(len(writers)), key=lambda place: writers[place].seen.bit_count()):
            writer = writers[place]
            had = dict.fromkeys(self.elements(writer.seen))
            now = dict.fromkeys(writer.write.changes[name] or ())
            if added := [element for element in now if element not in had]:
                self._added[place] = added
            for element in had:
                if element not in now:
                    self._removers.setdefault(element, []).append(writer)
        self._found.clear()

    def elements(self, known: int) -> list[Any]:
        """Return what the known writes leave in the set: an addition stays that no removal of it had seen."""
        if known == 0:
            return []
        if known not in self._found:
            kept: dict[Any, None] = {}
            for place in sorted(self._added):
                writer = self._writers[place]
                if writer.bit & known:
                    for element in self._added[place]:
                        if not self._is_removed(element, writer, known):
                            kept.setdefault(element)
            self._found[known] = list(kept)
        return self._found[known]

    def _is_removed(self, element: Any, added_by: _Writer, known: int) -> bool:
        removers = self._removers.get(element, ())
        return any(writer.bit & known and added_by.bit & writer.seen for writer in removers)


def _since_last_meeting(writers: list[_Writer]) -> list[_Writer]:
    """Return the writers from the last one on that all others have seen, or had been seen by.

    What came before it says nothing more: its author had seen all of that, and everybody after had seen it. A record
    that was edited a thousand times in turn and then twice at once is merged from its last three writes.
    """
    mask = reduce(or_, [writer.bit for writer in writers], 0)
    by_seen = sorted(writers, key=lambda writer: (writer.seen & mask).bit_count())
    seen_by_all_later = EVERYTHING
    for place in range(len(by_seen) - 1, 0, -1):
        writer = by_seen[place]
        if (writer.seen & mask).bit_count() == place and seen_by_all_later & writer.bit:
            kept = {id(each) for each in by_seen[place:]}
            return [each for each in writers if id(each) in kept]
        seen_by_all_later &= writer.seen
    return writers


def _within(told: str, limit: int | None) -> str:
    """Return a text cut to a limit, its end saying how many characters were left out."""
    if limit is None or len(told) <= limit:
        return told
    kept = limit - len(_left_out(len(told)))
    return told[:kept] + _left_out(len(told) - kept)


def _left_out(characters: int) -> str:
    return f"\n[… +{characters}]"


def _common(heads: Sequence[_Writer]) -> int:
    return reduce(and_, [head.seen for head in heads])


def _pick(name: str, rule: MergeRule, writers: Sequence[_Writer]) -> Write:
    """Return the head that wins; heads are in order of capture."""
    heads = [writer.write for writer in writers]
    if rule.policy == Policy.REVIEW:
        return heads[0]
    if rule.policy == Policy.LWW:
        return heads[-1]
    valued = [head for head in heads if head.changes[name] is not None]
    if not valued:
        return heads[-1]
    choose = max if rule.policy == Policy.MAX else min
    return choose(valued, key=lambda head: rule.rank(head.changes[name]))
