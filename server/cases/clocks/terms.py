"""How long each stage of a case may take. Pure.

Owns the stages, their words, and what a city may set of their limits (``server/cases/data/stage_limits.json`` holds
what stands where a city has set nothing). What a category's handling may take is the catalogue's, told case by case.
Must not know cases, the calendar's days or the database.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from server.cases.calendars.calendar import Limit
from server.cases.errors import InvalidTerms

Stage = Literal[
    "reporting", "acceptance", "verification", "filing", "dispatch", "receipt", "return", "handling", "review",
    "check", "closing", "rating",
]  # fmt: skip
STAGES: tuple[str, ...] = get_args(Stage)
WINDOWS = frozenset({"reporting", "return", "rating"})
"""Stages in which something may be done, or is only measured: nobody is late who does nothing."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "reporting": ("上报", "reporting"),
        "acceptance": ("受理", "acceptance"),
        "verification": ("核实", "verification"),
        "filing": ("立案", "filing"),
        "dispatch": ("派遣", "dispatch"),
        "receipt": ("签收", "receipt"),
        "return": ("可退单", "return"),
        "handling": ("处置", "handling"),
        "review": ("挂账复查", "review of a suspension"),
        "check": ("核查", "check"),
        "closing": ("结案", "closing"),
        "rating": ("可评价", "rating"),
    }
)
DEFAULTS = Path(__file__).parents[1] / "data" / "stage_limits.json"
# Of a review the suspension names the date; of handling the catalogue, or the rule, the limit.
SETTABLE = frozenset(STAGES) - {"review"} | {"rework"}
LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Terms:
    """What one case may take. ``limits``: by stage; a stage that is missing has no deadline.

    ``limits["rework"]`` gives a rework time of its own; without it, handling goes on with what was left. ``verify``:
    whether the case is verified before it is filed, as residents' reports are.
    """

    limits: Mapping[str, Limit] = field(default_factory=dict)
    verify: bool = False

    def of_case(self, *, handling: Limit | None, verify: bool | None = None) -> "Terms":
        """Return these terms with what the catalogue or a rule says of one case's handling; None: what they say."""
        limits = self.limits if handling is None else {**self.limits, "handling": handling}
        return replace(self, limits=limits, verify=self.verify if verify is None else verify)


def read(given: Mapping[str, Any]) -> dict[str, Limit | None]:
    """Read limits by stage, like ``{"check": {"value": 1, "unit": "wd"}}``; null: no limit. Raises ``InvalidTerms``."""
    return {stage: _limit(stage, limit) for stage, limit in given.items()}


def _limit(stage: str, given: Any) -> Limit | None:
    if stage not in SETTABLE:
        raise InvalidTerms(stage, "stage")
    if given is None:
        return None
    if not isinstance(given, Mapping) or set(given) != {"value", "unit"}:
        raise InvalidTerms(stage, "limit")
    if type(given["value"]) is not int or not 1 <= given["value"] <= LONGEST:
        raise InvalidTerms(stage, "value")
    try:
        return Limit(given["value"], given["unit"])
    except ValueError:
        raise InvalidTerms(stage, "unit") from None


@lru_cache(maxsize=1)
def defaults() -> Terms:
    """Return what stands where a city has set nothing."""
    return over({}, read(json.loads(DEFAULTS.read_text(encoding="utf-8"))))


def over(before: Mapping[str, Limit], told: Mapping[str, Limit | None]) -> Terms:
    """Return terms in which what was told goes before what was; a stage told as None has no limit."""
    merged = {**before, **told}
    return Terms(MappingProxyType({stage: limit for stage, limit in merged.items() if limit is not None}))
