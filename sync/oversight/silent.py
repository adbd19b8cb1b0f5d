"""Grid workers none of whose phones was heard of: found by words, by how long, and by whether they ever had a phone.

Reads only. A city may have tens of thousands of them: they are told page by page, in an order that a worker keeps as
long as none of their phones is heard of. Whose charge a worker is in comes as areas from above.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.access.charge import InCharge

PHONES = ("enrolled", "stopped", "never")
"""A worker has a phone in use; had some, all of them revoked; never enrolled one."""

_SILENT = """
    WITH silent AS (
        SELECT person.id, person.login, person.name, max(last_exchange_at) AS last_exchange_at,
               count(device.id) FILTER (WHERE revoked_at IS NULL) AS devices,
               CASE WHEN count(device.id) = 0 THEN 'never'
                    WHEN count(device.id) FILTER (WHERE revoked_at IS NULL) = 0 THEN 'stopped' ELSE 'enrolled'
               END AS phone
        FROM person LEFT JOIN device ON device.person_id = person.id
        WHERE person.is_active AND EXISTS (
            SELECT FROM assignment WHERE assignment.person_id = person.id AND role = 'grid_worker' AND during @> :now
            AND (CAST(:everywhere AS boolean) OR area_id = ANY (CAST(:areas AS int[])))
        )
        AND (:words = '' OR strpos(lower(concat_ws(' ', person.login, person.name)), :words) > 0)
        GROUP BY person.id
        HAVING coalesce(max(last_exchange_at), '-infinity') < :since
    )
"""
_PAGE = text(f"""
    {_SILENT}
    SELECT id, login, name, last_exchange_at, devices, phone,
           (SELECT array_agg(DISTINCT area_id) FROM assignment
            WHERE assignment.person_id = silent.id AND role = 'grid_worker' AND during @> :now) AS area_ids
    FROM silent
    WHERE (:phone = '' OR phone = :phone)
      AND (coalesce(last_exchange_at, '-infinity'), id) > (CAST(:heard AS timestamptz), :id)
    ORDER BY coalesce(last_exchange_at, '-infinity'), id LIMIT :limit
""")  # noqa: S608  # constants of this module
_COUNTS = text(f"""
    {_SILENT}
    SELECT count(*) AS all, count(*) FILTER (WHERE phone = 'enrolled') AS enrolled,
           count(*) FILTER (WHERE phone = 'stopped') AS stopped, count(*) FILTER (WHERE phone = 'never') AS never
    FROM silent
""")  # noqa: S608  # constants of this module


@dataclass(frozen=True, slots=True)
class Silence:
    """Which workers. ``since``: not heard of after this moment; ``words``: in name or login; ``phone``: of ``PHONES``.

    ``after``: the last worker seen, as (last heard of or None, id); None for the first page.
    """

    since: dt.datetime
    now: dt.datetime
    words: str = ""
    phone: str = ""
    after: tuple[dt.datetime | None, int] | None = None


def silent_workers(session: Session, charge: InCharge, silence: Silence, *, limit: int) -> list[dict[str, Any]]:
    """Return the grid workers in somebody's charge who are silent: the longest first, those never heard of before."""
    heard, last_id = silence.after or (None, 0)
    at = {"heard": "-infinity" if heard is None else heard.isoformat(), "id": last_id, "limit": limit}
    return [
        dict(row) for row in session.execute(_PAGE, _asked(charge, silence) | {"phone": silence.phone} | at).mappings()
    ]


def silent_counted(session: Session, charge: InCharge, silence: Silence) -> dict[str, int]:
    """Return how many there are in ``all`` and by what they have of phones, whichever of them is asked for."""
    return dict(session.execute(_COUNTS, _asked(charge, silence)).mappings().one())


def _asked(charge: InCharge, silence: Silence) -> dict[str, Any]:
    return charge.asked() | {
        "since": silence.since,
        "now": silence.now,
        "words": silence.words.strip().lower(),
    }
