"""May this operation be taken as it is? Fields, times and category, each a function that returns a reason.

Owns what can be judged without a record and without its author; who may write what is ``sync.access.rights``.
A reason quarantines the operation: it is kept, and a person can mend and release it.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from sync.collections import COLLECTIONS
from sync.protocol.decoders import judge
from sync.protocol.wire import Op
from sync.sql import arrays
from sync.sql.statements import Statement
from sync.wording.reasons import Reason

# A phone that was away for a season still syncs; a clock that fell back to 1970 does not pass for one.
OLDEST = dt.timedelta(days=400)
AHEAD = dt.timedelta(minutes=10)
# Below this, a difference between sent_at and our clock is the network's, not the clock's.
LATENCY = dt.timedelta(seconds=30)


def skew_of(sent_at: dt.datetime, now: dt.datetime) -> dt.timedelta:
    """Return how far the device's clock is ahead of ours; 0 where it may be mere latency."""
    skew = sent_at - now
    return skew if abs(skew) > LATENCY else dt.timedelta(0)


def corrected(captured_at: dt.datetime, skew: dt.timedelta, now: dt.datetime) -> tuple[dt.datetime, Reason | None]:
    """Return the capture time by our clock, never after ``now``, and why it cannot be believed, if so."""
    try:
        moment = (captured_at - skew).astimezone(dt.UTC)
    except OverflowError:
        # At one end of what a calendar can tell, or at the other.
        code = "captured-in-future" if captured_at.year > now.year else "captured-too-old"
        return now, Reason(code, (("captured_at", code),))
    if moment < now - OLDEST:
        return moment, Reason("captured-too-old", (("captured_at", "captured-too-old"),))
    if moment > now + AHEAD:
        return moment, Reason("captured-in-future", (("captured_at", "captured-in-future"),))
    return min(moment, now), None


def of_fields(op: Op) -> Reason | None:
    """Judge collection, action and fields."""
    collection = COLLECTIONS.get(op.collection)
    if collection is None:
        return Reason("collection-unknown", (("collection", "collection-unknown"),))
    if op.action not in collection.actions:
        return Reason("action-not-allowed", (("action", "action-not-allowed"),))
    if op.action == "delete":
        return None
    if faults := judge(op.collection, op.action, op.data):
        return Reason("fields-invalid", tuple((f"data.{field}".rstrip("."), rule) for field, rule in faults))
    if collection.patchable is not None and (barred := sorted(op.data.keys() - collection.patchable)):
        return Reason("field-not-allowed", tuple((f"data.{field}", "field-not-allowed") for field in barred))
    return None


Catalogue = Mapping[str, tuple[dt.datetime | None, dt.datetime | None]]
"""From when until when each category is valid; None: always was, or still is."""

_VALID = Statement("SELECT code, valid_from, valid_until FROM category WHERE code = ANY (CAST(:codes AS text[]))")


def categories_known(session: Session, datas: Iterable[Mapping[str, Any]]) -> Catalogue:
    """Return those of the categories named that the city's catalogue has, or ever had."""
    named = {data["category"] for data in datas if data.get("category")}
    if not named:
        return {}
    rows = _VALID.run(session, codes=arrays.texts(list(named)))
    return {code: (valid_from, valid_until) for code, valid_from, valid_until in rows}


def of_category(
    data: Mapping[str, Any], known: Catalogue, captured_at: dt.datetime, *, standing: str | None = None
) -> Reason | None:
    """Judge the category of an issue by the catalogue of the time of its capture.

    ``standing``: the category that the record has, which an edit of the whole record may say again.
    """
    code = data.get("category")
    if "category" not in data or (code is not None and code == standing):
        return None
    begins, ends = known.get(code or "", (captured_at, captured_at))
    if (begins is None or begins <= captured_at) and (ends is None or captured_at < ends):
        return None
    return Reason("category-unknown", (("data.category", "category-unknown"),))
