"""How many open cases wait for somebody, by light and by state: for the first page, and above the lists.

Owns that count; must not write or know requests. A private case is counted for whoever sees that it is there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import case, func, or_, select, union_all
from sqlalchemy.orm import Session

from server.accounts.charge import Reach
from server.accounts.issue_sight import in_reach
from server.cases.lists.desk import handled_by, light_at_desk
from server.cases.lists.duty import that_ask
from server.cases.lists.issue_list import has_no_light
from server.cases.lists.issue_list import light as light_of
from sync.collections.issues import Issue

_OPEN = (Issue.closed_at.is_(None), Issue.deleted_at.is_(None))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Open cases by light, and by state; at a desk the states of those alone that its bodies lead.

    ``asking``: how many of them ask for more time; at a desk that is nobody's to decide, and 0.
    """

    lights: Mapping[str, int]
    states: Mapping[str, int]
    asking: int = 0


def on_duty(session: Session, reach: Reach, now: datetime) -> Waiting:
    """Count the open cases in reach. Of those whose light the deadline alone tells, no row is read but of an index."""
    still = has_no_light()
    by_deadline = case((still, "none"), else_="red")
    here = (in_reach(reach), *_OPEN)
    told = (
        select(light.label("light"), Issue.state, func.count()).where(*here, which).group_by("light", Issue.state)
        for light, which in (
            (by_deadline, or_(still, Issue.light_due_at < now)),
            (light_of(now), Issue.light_due_at >= now),
        )
    )
    counted = _waiting((light, state, count, count) for light, state, count in session.execute(union_all(*told)))
    asking = session.scalar(select(func.count()).select_from(Issue).where(*here, that_ask()))
    return replace(counted, asking=asking or 0)


def at_desk(session: Session, body_ids: Sequence[int], now: datetime) -> Waiting:
    """Count the open cases that these bodies lead or assist."""
    told = light_at_desk(now).label("light")
    rows = session.execute(
        select(told, Issue.state, func.count(), func.count().filter(handled_by(body_ids, "lead")))
        .where(handled_by(body_ids), *_OPEN)
        .group_by(told, Issue.state)
    )
    return _waiting((light, state, count, led) for light, state, count, led in rows)


def _waiting(rows: Iterable[tuple[str, str, int, int]]) -> Waiting:
    """Add up light, state, how many cases, and how many of them count for their state."""
    lights, states = Counter[str](), Counter[str]()
    for name, state, number, led in rows:
        lights[name] += number
        states[state] += led
    return Waiting(dict(lights), {state: number for state, number in states.items() if number})
