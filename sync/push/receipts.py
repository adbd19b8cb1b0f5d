"""Receipts: the answer to one operation, made once, kept in the log, and given again byte for byte. Knows no SQL."""

import datetime as dt
from typing import Any

import msgspec

from sync.protocol.wire import Op, Unreadable
from sync.push.batch import BatchEntry
from sync.store import log
from sync.store.located import GridTold
from sync.wording.reasons import Lang


def row_of(entry: BatchEntry, grids: GridTold, lang: Lang) -> log.Logged:
    """Give an entry its receipt, in the language of its sender; return its row of the log."""
    op = entry.op
    problem = None if entry.reason is None else entry.reason.as_json(lang)
    entry.receipt = _receipt(entry, problem, grids)
    receipt = entry.receipt.decode()
    if isinstance(op, Unreadable):
        return log.Logged(
            op.op_id, op.body_hash, op.seq, "", None, "", None, None, None, None,
            None, op.raw, None, None, entry.status, problem, receipt,
        )  # fmt: skip
    base = op.base
    return log.Logged(
        op.op_id, op.body_hash, op.seq, op.collection, op.record_id, op.action,
        None if base is None else base.rev, None if base is None else base.op_id, _storable(op.captured_at),
        entry.corrected_at,
        op.data, op.raw, entry.changes, entry.rev, entry.status, problem, receipt,
    )  # fmt: skip


def answer(entry: BatchEntry) -> bytes:
    """Return the result of an operation as it is sent."""
    receipt = entry.receipt or (entry.twin and entry.twin.receipt) or b"{}"
    return receipt[:-1] + b',"replayed":true}' if entry.replayed else receipt


def wakes(entries: list[BatchEntry]) -> set[str]:
    """Return the queues that have work now."""
    found = set()
    for entry in entries:
        if isinstance(entry.op, Op) and not entry.replayed:
            if entry.status in ("pending", "held"):
                found.add("merge")
            elif entry.status == "applied" and entry.op.collection == "issues":
                found.add("routing")
            elif entry.status == "applied" and entry.op.collection == "steps":
                found.add("steps")
    return found


def _receipt(entry: BatchEntry, problem: dict[str, Any] | None, grids: GridTold) -> bytes:
    op = entry.op
    result: dict[str, Any] = {"op_id": op.echo if isinstance(op, Unreadable) else str(op.op_id), "status": entry.status}
    if entry.rev is not None:
        result["rev"] = entry.rev
    # Where a refused visit named a household only, its grid would tell of a household that may be another's.
    if entry.located is not None and (entry.status != "quarantined" or entry.located.lon is not None):
        result["grid"] = grids.of(entry.located)
    if problem is not None:
        result["error"] = problem
    return msgspec.json.encode(result)


def _storable(moment: dt.datetime) -> dt.datetime | None:
    """Return a time that both PostgreSQL and Python can hold in UTC."""
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        return None
