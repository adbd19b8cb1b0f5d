"""What the bodies of the sample city did with the cases of the patrol day: received, in progress, done, closed.

Owns writing these states, with a line of each case's history and the touches that tell the phones. The sample city's
alone: a real case moves by what people do. Urgent and old cases are further on; some are left lying and grow overdue.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from server.demo.planting import named_id
from sync import arrays, feed, log
from sync.collections import COLLECTIONS

# State -> how often, public answers. "dispatched" stays as it is.
_STATES: Final[dict[str, tuple[int, tuple[str, ...]]]] = {
    "dispatched": (46, ()),
    "received": (14, ()),
    "in_progress": (14, ("已派人到现场", "材料已到，明日施工")),
    "returned": (3, ()),
    "suspended": (2, ("需等待配件，已挂账并定期复查",)),
    "done": (7, ("已处理，等待核查",)),
    "closed": (12, ("已清理完毕，现场恢复", "已修复，感谢反映", "已劝离，加强巡查")),
    "refused": (2, ("不属于受理范围，已说明",)),
}
_ENDED: Final = {"closed": "fixed", "refused": "out_of_scope"}


@dataclass(frozen=True, slots=True)
class _Move:
    id: uuid.UUID
    rev: int
    grid_now: int | None
    author_id: int | None
    state: str
    answer: str | None
    closed_at: dt.datetime | None


_DISPATCHED = text("""
    SELECT id, rev, grid_now, author_id, captured_at FROM issue
    WHERE state = 'dispatched' AND NOT awaiting_routing AND deleted_at IS NULL ORDER BY id FOR UPDATE
""")
_WRITE = text("""
    UPDATE issue SET state = new.state, rev = new.rev, changed_at = :now, public_answer = new.answer,
        closed_at = new.closed_at, closing_reason = new.reason
    FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:revs AS int[]), CAST(:answers AS text[]),
                CAST(:closed AS timestamptz[]), CAST(:reasons AS text[]))
        AS new (id, state, rev, answer, closed_at, reason)
    WHERE issue.id = new.id
""")


def move_on(session: Session, chance: Random, *, now: dt.datetime) -> int:
    """Move the dispatched cases on; return how many moved. Locks them; the feed is appended last."""
    rows = session.execute(_DISPATCHED).all()
    moves = [move for row in rows if (move := _decide(row, chance, now)) is not None]
    if not moves:
        return 0
    session.execute(
        _WRITE,
        {
            "now": now,
            "ids": arrays.uuids([move.id for move in moves]),
            "states": arrays.texts([move.state for move in moves]),
            "revs": arrays.numbers([move.rev for move in moves]),
            "answers": arrays.texts([move.answer for move in moves]),
            "closed": arrays.times([move.closed_at for move in moves]),
            "reasons": arrays.texts([_ENDED.get(move.state) for move in moves]),
        },
    )
    log.write(session, [_line(move) for move in moves], now=now)
    feed.append(session, _touches(moves))
    return len(moves)


def _decide(row: Any, chance: Random, now: dt.datetime) -> _Move | None:
    state = chance.choices(list(_STATES), [share for share, _ in _STATES.values()])[0]
    if state == "dispatched":
        return None
    answers = _STATES[state][1]
    answer = chance.choice(answers) if answers else None
    closed_at = now - chance.random() * (now - row.captured_at) / 2 if state in _ENDED else None
    return _Move(row.id, row.rev + 1, row.grid_now, row.author_id, state, answer, closed_at)


def _line(move: _Move) -> log.Logged:
    op_id = named_id("aftermath", move.id, move.rev)
    return log.Logged(
        op_id=op_id,
        body_hash=hashlib.blake2b(op_id.bytes, digest_size=16).digest(),
        seq=None,
        collection="cases",
        record_id=move.id,
        action="state",
        base_rev=move.rev - 1,
        base_op=None,
        captured_at=None,
        corrected_at=None,
        data={"state": move.state, "public_answer": move.answer},
        raw=None,
        changes=None,
        rev=move.rev,
        status="applied",
        problem=None,
        receipt=None,
    )


def _touches(moves: Sequence[_Move]) -> list[feed.Touch]:
    rows = [(move.id, (move.grid_now,), move.author_id) for move in moves]
    return feed.record_touches(COLLECTIONS["issues"].topic, rows)
