"""CQL2 filters as SQL conditions over a layer's own columns.

Owns which part of CQL2 is spoken: Basic CQL2, advanced comparison (like, between, in, casei), spatial functions, and
t_before, t_after. Parsing is the ``cql2`` library's; what it parsed is walked here, operator by operator, and every
value is bound: nothing of a filter ever becomes SQL text. The parser descends by recursion, so depth is bounded first.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import cql2
import shapely
from shapely.errors import ShapelyError
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    Numeric,
    Text,
    and_,
    cast,
    func,
    literal,
    not_,
    or_,
)
from sqlalchemy.sql.operators import eq, ge, gt, le, lt, ne

from sync.protocol.nesting import is_deeper

# The time zone whose days bare dates are.
CITY = "Asia/Shanghai"
LONGEST, DEEPEST = 8_000, 40
# Degrees: more than a world around, for boxes that reach over its edges.
FARTHEST = 1_000.0
_OPENING = re.compile(r"\(|\bnot\b|-", re.IGNORECASE)
_JOINING = re.compile(r"\b(?:and|or)\b", re.IGNORECASE)
_MOST_JOINED = 200
# Each condition within another is an object and a list.
_MOST_BRACKETS = 2 * (DEEPEST + _MOST_JOINED)
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {"=": eq, "<>": ne, "<": lt, ">": gt, "<=": le, ">=": ge}
_SPATIAL = {
    f"s_{name}": f"ST_{name.capitalize()}"
    for name in ("intersects", "disjoint", "contains", "within", "touches", "crosses", "overlaps", "equals")
}
GEOMETRY = "geometry"


class FilterInvalid(ValueError):
    """A filter that is not CQL2, or not the part of it that is spoken here."""


def condition(filter_text: str, lang: str, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[bool]:
    """Return the condition of a filter in "cql2-text" or "cql2-json". Raises ``FilterInvalid``."""
    if len(filter_text) > LONGEST or "\0" in filter_text:
        raise FilterInvalid(f"longer than {LONGEST} characters")
    tree = _parsed_json(filter_text) if lang == "cql2-json" else _parsed_text(filter_text)
    return _Walk(columns).truth(tree, 0)


def _parsed_text(filter_text: str) -> Any:
    spoken = re.sub(r"'(?:[^']|'')*'", "''", filter_text)
    if len(_OPENING.findall(spoken)) > _MOST_JOINED // 2 or len(_JOINING.findall(spoken)) > _MOST_JOINED:
        raise FilterInvalid("nested too deep")
    try:
        return json.loads(json.dumps(cql2.parse_text(filter_text).to_json()))
    except (cql2.ParseError, cql2.ValidationError, ValueError) as error:
        raise FilterInvalid(" ".join(str(error).split())[:300]) from error


def _parsed_json(filter_text: str) -> Any:
    if is_deeper(filter_text.encode(errors="replace"), _MOST_BRACKETS):
        raise FilterInvalid("nested too deep")
    try:
        return json.loads(filter_text)
    except ValueError as error:
        raise FilterInvalid("not valid JSON") from error


class _Walk:
    """One walk over a parsed filter; ``columns`` are the queryables, the geometry among them."""

    def __init__(self, columns: Mapping[str, ColumnElement[Any]]) -> None:
        self._columns = columns

    def truth(self, node: Any, depth: int) -> ColumnElement[bool]:
        if depth > DEEPEST + _MOST_JOINED:
            raise FilterInvalid("nested too deep")
        if isinstance(node, bool):
            return literal(node)
        op, args = _operation(node)
        if op in ("and", "or"):
            parts = [self.truth(each, depth + 1) for each in args]
            if not parts:
                raise FilterInvalid(f"{op} takes conditions")
            return and_(*parts) if op == "and" else or_(*parts)
        if op == "not":
            return not_(self.truth(_only(args), depth + 1))
        if op in _SPATIAL:
            return self._spatial(op, args)
        return self._comparison(op, args)

    def _comparison(self, op: str, args: list[Any]) -> ColumnElement[bool]:
        if op == "isNull":
            return self._value(_only(args)).is_(None)
        if op in _COMPARE and len(args) == 2:  # noqa: PLR2004  # two sides
            left, right = self._alike(args)
            return _COMPARE[op](left, right)  # type: ignore[no-any-return]
        if op == "between" and len(args) == 3:  # noqa: PLR2004  # value, low, high
            value, low, high = self._alike(args)
            return value.between(low, high)
        if op == "in" and len(args) == 2 and isinstance(args[1], list):  # noqa: PLR2004  # value, options
            value, *options = self._alike([args[0], *args[1]])
            return value.in_(options)
        if op == "like" and len(args) == 2:  # noqa: PLR2004  # value, pattern
            value, pattern = self._value(args[0]), self._value(args[1])
            if _kind(pattern) != "text":
                raise FilterInvalid(f"a pattern is text, not {_kind(pattern)}")
            return cast(value, Text).like(pattern)
        if op in ("t_before", "t_after") and len(args) == 2:  # noqa: PLR2004  # two sides
            left, right = self._alike(args)
            return left < right if op == "t_before" else left > right
        raise FilterInvalid(f"{op} is not spoken here")

    def _alike(self, args: list[Any]) -> list[ColumnElement[Any]]:
        """Return the sides of a comparison; a literal beside text is text, beside a number a number.

        Beside a bare date, times are days of the city.
        """
        values = [self._value(each) for each in args]
        if any(isinstance(each, dict) and "date" in each for each in args):
            values = [_day(value) if isinstance(value.type, DateTime) else value for value in values]
        kinds = {_kind(value) for value in values} - {"null"}
        if len(kinds) > 1:
            raise FilterInvalid(f"{' and '.join(sorted(kinds))} cannot be compared")
        return values

    def _value(self, node: Any) -> ColumnElement[Any]:
        if isinstance(node, bool):
            return literal(node)
        if isinstance(node, int | float):
            return literal(_number(node), Numeric(asdecimal=False))
        if isinstance(node, str):
            return literal(_text(node), Text)
        if not isinstance(node, dict):
            raise FilterInvalid(f"{type(node).__name__} is no value")
        if "property" in node:
            return self._column(node["property"])
        if "timestamp" in node or "date" in node:
            return literal(_moment(node.get("timestamp") or node.get("date")), DateTime(timezone=True))
        if node.get("op") == "casei":
            return func.lower(cast(self._value(_only(_operation(node)[1])), Text), type_=Text)
        raise FilterInvalid(f"{node.get('op', 'this')} is not spoken here")

    def _column(self, name: Any) -> ColumnElement[Any]:
        if name == GEOMETRY or not isinstance(name, str) or name not in self._columns:
            raise FilterInvalid(f"{name} is no property; there are: {', '.join(self._columns)}")
        return self._columns[name]

    def _spatial(self, op: str, args: list[Any]) -> ColumnElement[bool]:
        if len(args) != 2:  # noqa: PLR2004  # two sides
            raise FilterInvalid(f"{op} takes two geometries")
        return getattr(func, _SPATIAL[op])(*(self._geometry(each) for each in args), type_=Boolean)  # type: ignore[no-any-return]

    def _geometry(self, node: Any) -> Any:
        if isinstance(node, dict) and node.get("property") == GEOMETRY:
            return self._columns[GEOMETRY]
        try:
            if isinstance(node, dict) and "bbox" in node:
                west, south, east, north = (_reachable(float(side)) for side in node["bbox"])
                return func.ST_MakeEnvelope(west, south, east, north, 4326)
            shape = shapely.from_geojson(json.dumps(node))
        except (ShapelyError, ValueError, TypeError) as error:
            raise FilterInvalid("this geometry cannot be read") from error
        for side in () if shape.is_empty else shape.bounds:
            _reachable(side)
        if not shapely.is_valid(shape):
            raise FilterInvalid(f"this geometry is not valid: {shapely.is_valid_reason(shape)}")
        return func.ST_GeomFromWKB(shapely.to_wkb(shape), 4326)


def _operation(node: Any) -> tuple[str, list[Any]]:
    if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("args"), list):
        raise FilterInvalid("an operation has op and args")
    return node["op"], node["args"]


def _only(args: list[Any]) -> Any:
    if len(args) != 1:
        raise FilterInvalid("one argument is taken here")
    return args[0]


def _reachable(degrees: float) -> float:
    """Return a coordinate; GEOS fails within on infinite ones, and on those whose squares are."""
    if not abs(degrees) <= FARTHEST:
        raise FilterInvalid(f"{degrees} is no longitude or latitude")
    return degrees


def _number(given: float) -> float:
    if isinstance(given, int) and abs(given) >= 2**63:
        raise FilterInvalid("this number is too large")
    return given


def _text(given: str) -> str:
    """Return text that PostgreSQL can hold: JSON's escapes reach characters that it cannot."""
    if "\0" in given or any("\ud800" <= each <= "\udfff" for each in given):
        raise FilterInvalid("half a surrogate pair, or a zero character, is no text")
    return given


def _moment(text: Any) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise FilterInvalid(f"{text} is no time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the day of the city that a time lies in. A date is read as its midnight in UTC, and stays itself."""
    return cast(func.timezone(CITY, moment), Date)


def _kind(value: ColumnElement[Any]) -> str:
    kind = value.type
    if isinstance(kind, DateTime | Date):
        return "time"
    if isinstance(kind, Boolean):
        return "boolean"
    return "number" if isinstance(kind, Numeric | Integer) else "text"
