"""What routing speaks of, as values: bodies, areas, catalogue terms, rules, cases and decisions. Pure.

Owns their shape. Must not choose between them (``server.cases.routing.rules``), word them
(``server.cases.routing.reasons``) or know the database.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from server.cases.calendars.calendar import Limit

Hours = Literal["any", "working", "off"]
Scope = tuple[str | None, int | None, str | None, str, str | None]

DEFAULT_TIER = "community"


@dataclass(frozen=True, slots=True)
class Body:
    """An organisation that can be given a case."""

    id: int
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class AreaName:
    """An area, as the reasons speak of it."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What the catalogue says of one category. Bodies are organisation codes."""

    code: str
    parent: str | None
    zh: str
    en: str
    limit: Limit | None = None
    default_body: str | None = None
    assisting: tuple[str, ...] = ()
    tier: str = DEFAULT_TIER
    is_private: bool = False
    intake: str = "auto"


@dataclass(frozen=True, slots=True)
class Rule:
    """Of which cases it speaks (None and "any": all), and what is to be done with them."""

    id: int
    label: str
    lead_body_id: int
    category: str | None = None
    area_id: int | None = None
    severity: str | None = None
    hours: Hours = "any"
    source: str | None = None
    assisting_ids: tuple[int, ...] = ()
    limit: Limit | None = None
    tier: str | None = None

    @property
    def scope(self) -> Scope:
        """What the rule speaks of; two rules of one scope tie."""
        return (self.category, self.area_id, self.severity, self.hours, self.source)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case lies in one edition of the ground.

    ``areas``: the grid first, the root last; of a case in no grid, the roots alone, so that city-wide rules apply.
    ``how``: inside, near (the grid is the nearest one), outside, or None without a position. Distances in metres.
    ``neighbour``: the grid on the other side of the nearest border, None where that is not near.
    """

    grid: AreaName | None
    areas: tuple[AreaName, ...]
    how: str | None = None
    distance_m: float | None = None
    edition: int | None = None
    margin_m: float | None = None
    neighbour: AreaName | None = None

    @property
    def line(self) -> tuple[int, ...]:
        """The ids of the areas, the grid's first."""
        return tuple(area.id for area in self.areas)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a deadline was counted by: the edition of the calendar (None: none), and the years provisional in it."""

    edition: int | None = None
    provisional_years: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any] | None:
        """Return it as phones and pages see it; None where no calendar was asked."""
        if self.edition is None:
            return None
        return {"edition": self.edition, "provisional": list(self.provisional_years)}


BY_NONE = Counted()


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision that a case stands under already."""

    body_id: int
    limit: Limit | None
    since: datetime
    due_at: datetime | None
    counted_by: Counted = BY_NONE


@dataclass(frozen=True, slots=True)
class Case:
    """What routing looks at."""

    category: str
    severity: str
    source: str
    place: Place
    captured_at: datetime
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a city may set: where the clock starts, and how near a border is worth telling."""

    count_from: Literal["decision", "capture"] = "decision"
    border_m: float = 30.0


DEFAULT_POLICY = Policy()


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a decision: a stable code, and what it says in Chinese and English."""

    code: str
    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        """Return the reason as it is stored and sent."""
        return {"code": self.code, "zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Decision:
    """Who handles a case, by when, and why. Times are UTC; ``due_at`` is None where the catalogue sets no limit."""

    body: Body
    assisting: tuple[Body, ...]
    rule: Rule | None
    tier: str
    limit: Limit | None
    since: datetime
    due_at: datetime | None
    reasons: tuple[Reason, ...]
    counted_by: Counted = BY_NONE
