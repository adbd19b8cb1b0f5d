"""The opening of a push: lock the devices, read what their batches are judged by, answer what was seen before.

Two statements for the whole group. The first locks; the second reads what earlier exchanges have committed, so it must
be a statement of its own: its snapshot is taken when the locks are held. A third reads further where a phone gave an
op_id to other bytes, a fourth notes where it gave numbers again.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sync.access.scope import Assigned
from sync.errors import TokenUnknown
from sync.protocol.wire import Op
from sync.push.batch import BatchContext, BatchEntry, DeviceSession
from sync.push.judging import Catalogue
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.store import fence, log
from sync.wording.reasons import Reason


@dataclass(frozen=True, slots=True)
class Opened:
    """What a group is judged by: the categories it names that there are, the serial of the ground, known operations.

    ``private``: the categories whose issues are. ``revisions_from``: new records begin above it. ``known``: (device,
    op_id) -> the first operation received under it.
    """

    categories: Catalogue
    private: frozenset[str]
    ground_serial: int
    revisions_from: int
    known: dict[tuple[int, uuid.UUID], log.Known]


# Locked in ascending id, so that groups which share devices wait for one another and never in a circle.
_LOCK = Statement(f"""
    WITH fence AS (
        SELECT pg_advisory_xact_lock_shared({fence.KEY})
    ), sent AS (
        SELECT sent.id, sent.skew, sent.seqs
        FROM unnest(CAST(:ids AS int[]), CAST(:skews AS bigint[]), CAST(:seqs AS text[])) AS sent (id, skew, seqs)
    ), locked AS (
        SELECT device.id, device.seqs FROM device WHERE device.id = ANY (CAST(:ids AS int[])) ORDER BY device.id
        FOR NO KEY UPDATE
    )
    UPDATE device
    SET last_exchange_at = :now, skew_ms = sent.skew, seqs = device.seqs + CAST(sent.seqs AS int8multirange)
    FROM sent JOIN locked ON locked.id = sent.id CROSS JOIN fence
    WHERE device.id = sent.id
    RETURNING device.id, locked.seqs * CAST(sent.seqs AS int8multirange),
        device.revoked_at IS NOT NULL OR EXISTS (SELECT FROM person WHERE id = device.person_id AND NOT is_active),
        EXISTS (SELECT FROM operation WHERE device_id = device.id AND status = 'held'),
        ARRAY(SELECT area_id FROM assignment
              WHERE person_id = device.person_id AND area_id IS NOT NULL ORDER BY assignment.id),
        ARRAY(SELECT role FROM assignment
              WHERE person_id = device.person_id AND area_id IS NOT NULL ORDER BY assignment.id),
        ARRAY(SELECT lower(during) FROM assignment
              WHERE person_id = device.person_id AND area_id IS NOT NULL ORDER BY assignment.id),
        ARRAY(SELECT upper(during) FROM assignment
              WHERE person_id = device.person_id AND area_id IS NOT NULL ORDER BY assignment.id),
        ARRAY(SELECT code FROM category WHERE code = ANY (CAST(:codes AS text[])) ORDER BY code),
        ARRAY(SELECT valid_from FROM category WHERE code = ANY (CAST(:codes AS text[])) ORDER BY code),
        ARRAY(SELECT valid_until FROM category WHERE code = ANY (CAST(:codes AS text[])) ORDER BY code),
        ARRAY(SELECT code FROM category WHERE is_private)
""")  # noqa: S608  # the key is a number of ours
_REUSED = Statement("""
    UPDATE device SET reused_seqs = reused_seqs + sent.count
    FROM unnest(CAST(:ids AS int[]), CAST(:counts AS int[])) AS sent (id, count) WHERE device.id = sent.id
""")


def open_group(city: BatchContext, senders: Sequence[DeviceSession]) -> Opened:
    """Lock the devices of a group, note the exchange, and mark what was seen before in its entries.

    Raises ``TokenUnknown`` where a device is gone: the door lets in whom it knew a moment ago, and a restore may have
    come in between.
    """
    categories, private = _lock(city, senders)
    named = {(sender.device_id, op_id) for sender in senders for op_id in _named(sender)}
    city_state, first = log.first_known(city.session, named)
    same = log.same_known(city.session, {body for sender in senders for body in _other_bodies(sender, first)})
    for sender in senders:
        _mark_seen(sender, first, same)
    _note_reused(city, senders)
    return Opened(categories, private, *city_state, first)


def _lock(city: BatchContext, senders: Sequence[DeviceSession]) -> tuple[Catalogue, frozenset[str]]:
    ordered = sorted(senders, key=lambda sender: sender.device_id)
    rows = _LOCK.run(
        city.session,
        now=city.now,
        ids=arrays.numbers([sender.device_id for sender in ordered]),
        skews=arrays.numbers([_skew_ms(sender) for sender in ordered]),
        seqs=arrays.texts([_multirange(_seqs(sender)) for sender in ordered]),
        codes=arrays.texts(sorted({code for sender in ordered for code in _codes(sender)})),
    )
    told = {row[0]: row for row in rows}
    categories: Catalogue = {}
    private: frozenset[str] = frozenset()
    for sender in ordered:
        if sender.device_id not in told:
            raise TokenUnknown
        _, sender.repeats, sender.revoked, sender.holds, *held, codes, begins, ends, hidden = told[sender.device_id]
        sender.assigned = tuple(Assigned(*each) for each in zip(*held, strict=True))
        categories = dict(zip(codes, zip(begins, ends, strict=True), strict=True))
        private = frozenset(hidden)
    return categories, private


def _skew_ms(sender: DeviceSession) -> int:
    exchange = sender.exchange
    return round((exchange.batch.sent_at - exchange.received_at).total_seconds() * 1000)


def _seqs(sender: DeviceSession) -> list[int]:
    return sorted({entry.op.seq for entry in sender.entries if entry.op.seq is not None})


def _codes(sender: DeviceSession) -> set[str]:
    """Return what may be a category in what a phone sent; fields are judged later."""
    found = set()
    for entry in sender.entries:
        if isinstance(entry.op, Op) and entry.op.collection == "issues":
            code = entry.op.data.get("category")
            if isinstance(code, str) and code.isascii() and code.isdigit():
                found.add(code)
    return found


def _named(sender: DeviceSession) -> set[uuid.UUID]:
    """Return the operations that a batch brings or builds on."""
    named = {entry.op.op_id for entry in sender.entries}
    for entry in sender.entries:
        if isinstance(entry.op, Op) and entry.op.base is not None and entry.op.base.op_id is not None:
            named.add(entry.op.base.op_id)
    return named


def _other_bodies(sender: DeviceSession, first: Mapping[tuple[int, uuid.UUID], log.Known]) -> Iterator[log.Body]:
    """Yield what comes under an id that first came with other bytes."""
    for entry in sender.entries:
        known = first.get((sender.device_id, entry.op.op_id))
        if known is not None and known.body_hash != entry.op.body_hash:
            yield sender.device_id, entry.op.op_id, entry.op.body_hash


def _mark_seen(
    sender: DeviceSession, first: Mapping[tuple[int, uuid.UUID], log.Known], same: Mapping[log.Body, log.Known]
) -> None:
    """Mark replays, whether of an earlier batch or of this one, and ids that come again with another body."""
    # By id and hash: a phone may send thousands of bodies under one id, and none is compared with all others.
    here: dict[uuid.UUID, dict[bytes, BatchEntry]] = {}
    device_id = sender.device_id
    for entry in sender.entries:
        op_id, body_hash = entry.op.op_id, entry.op.body_hash
        known = first.get((device_id, op_id))
        seen = known if known is None or known.body_hash == body_hash else same.get((device_id, op_id, body_hash))
        twins = here.setdefault(op_id, {})
        twin = twins.get(body_hash)
        if seen is not None or twin is not None:
            entry.replayed, entry.twin = True, twin
            entry.receipt = None if seen is None else seen.receipt.encode()
        elif known is not None or twins:
            entry.settle("quarantined", Reason("op-id-reused", (("op_id", "op-id-reused"),)))
        twins.setdefault(body_hash, entry)


def _note_reused(city: BatchContext, senders: Sequence[DeviceSession]) -> None:
    """Count the new operations under a seq that had come before: a phone that was restored from a backup begins again.

    They count like any other, since an operation is known by its op_id; but its gaps no longer show what is lost.
    """
    counts = {}
    for sender in senders:
        fresh = [entry.op.seq for entry in sender.entries if not entry.replayed and not entry.status]
        if count := sum(seq is not None and any(seq in span for span in sender.repeats) for seq in fresh):
            counts[sender.device_id] = count
    if counts:
        _REUSED.run(city.session, ids=arrays.numbers(list(counts)), counts=arrays.numbers(list(counts.values())))


def _multirange(seqs: Sequence[int]) -> str:
    """Return ascending whole numbers as an int8multirange literal."""
    runs: list[list[int]] = []
    for seq in seqs:
        if runs and runs[-1][1] == seq:
            runs[-1][1] = seq + 1
        else:
            runs.append([seq, seq + 1])
    return "{" + ",".join(f"[{begin},{end})" for begin, end in runs) + "}"
