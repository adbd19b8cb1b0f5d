"""What a request for items asks: its parameters, each refused by name when it is wrong. Knows no table."""

import datetime as dt
import math
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Integer, and_, cast, literal
from sqlalchemy.types import Boolean, DateTime, Text

from geo.errors import InvalidQuestion
from geo.serving.features import Frame, Layer, meets_box
from server.ogc.cql import CITY, GEOMETRY, FilterInvalid, condition
from server.ogc.reference import CRS84, frame_named, frames, is_on_earth

DEFAULT_LIMIT, MOST = 100, 10_000
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
KNOWN = frozenset(
    {"limit", "after", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs", "f", "lang"}
)
PLAIN = frozenset({"limit", "after", "bbox", "bbox-crs", "crs", "f", "lang"})


@dataclass(frozen=True)
class Question:
    """What is asked of a layer. ``crs`` is the URI of the answer's reference system."""

    conditions: tuple[ColumnElement[bool], ...]
    limit: int
    after: Any
    frame: Frame
    crs: str


@dataclass(frozen=True)
class PlainQuestion:
    """What maps ask: all areas or those in a box, that does not go over the antimeridian, and nothing else."""

    limit: int
    after: int | None
    frame: Frame
    crs: str
    box: tuple[float, ...] | None
    box_frame: Frame


def plain_question_of(args: Mapping[str, str], layer: Layer) -> PlainQuestion | None:
    """Read the parameters of a request for areas; None where it asks more. Raises ``InvalidQuestion``."""
    if not args.keys() <= PLAIN:
        return None
    format_of(args)
    frame, crs = frame_of(args)
    box, box_frame = _box(args)
    if box is not None and box[0] > box[2]:
        return None
    return PlainQuestion(_limit(args), _after(args, layer), frame, crs, box, box_frame)


def question_of(args: Mapping[str, str], layer: Layer) -> Question:
    """Read the parameters of a request for items. Raises ``InvalidQuestion`` naming the parameter."""
    for name in args:
        if name not in KNOWN and name not in layer.properties:
            raise InvalidQuestion(name, "unknown-parameter")
    format_of(args)
    crs = args.get("crs", CRS84)
    frame = _frame("crs", crs)
    box, box_frame = _box(args)
    boxed = () if box is None else (meets_box(layer, box, box_frame),)
    return Question(
        conditions=(*boxed, *_times(args, layer), *_filter(args, layer), *_equals(args, layer)),
        limit=_limit(args),
        after=_after(args, layer),
        frame=frame,
        crs=crs_uri(frame, crs),
    )


def format_of(args: Mapping[str, str]) -> None:
    """Refuse a format other than JSON."""
    if args.get("f", "json") not in ("json", "geojson"):
        raise InvalidQuestion("f", "json")


@lru_cache(maxsize=256)
def crs_uri(frame: Frame, asked: str) -> str:
    """Return the URI of a reference system that was asked for in any way of writing it."""
    uris = {uri for uri, each in frames().items() if each is frame or each == frame}
    return asked if asked in uris else min(uris, key=len) if CRS84 not in uris else CRS84


def frame_of(args: Mapping[str, str]) -> tuple[Frame, str]:
    """Return the reference system of the answer and its URI. Raises ``InvalidQuestion``."""
    crs = args.get("crs", CRS84)
    frame = _frame("crs", crs)
    return frame, crs_uri(frame, crs)


def _frame(name: str, uri: str) -> Frame:
    frame = frame_named(uri)
    if frame is None:
        raise InvalidQuestion(name, "unknown-crs")
    return frame


def _limit(args: Mapping[str, str]) -> int:
    asked = args.get("limit", str(DEFAULT_LIMIT))
    if not (asked.isascii() and asked.isdigit() and len(asked) < 20 and int(asked) > 0):  # noqa: PLR2004  # a number
        raise InvalidQuestion("limit", "a whole number from 1")
    return min(int(asked), MOST)


def _after(args: Mapping[str, str], layer: Layer) -> Any:
    return feature_key(args["after"], layer, "after") if "after" in args else None


def feature_key(asked: str, layer: Layer, name: str = "id") -> Any:
    """Return a feature's id as its layer has it. Raises ``InvalidQuestion``."""
    if not isinstance(layer.key.type, Integer):
        try:
            return uuid.UUID(asked)
        except ValueError as error:
            raise InvalidQuestion(name, "no id of a feature") from error
    digits = 18 if isinstance(layer.key.type, BigInteger) else 9
    if not (asked.isascii() and asked.isdigit() and len(asked) <= digits):
        raise InvalidQuestion(name, "no id of a feature")
    return int(asked)


def known_key(asked: str, layer: Layer) -> Any:
    """Return a feature's id as its layer has it; None for what can be nobody's: such a feature is simply not there."""
    try:
        return feature_key(asked, layer)
    except InvalidQuestion:
        return None


def _box(args: Mapping[str, str]) -> tuple[tuple[float, ...] | None, Frame]:
    frame = _frame("bbox-crs", args.get("bbox-crs", CRS84))
    if "bbox" not in args:
        return None, frame
    try:
        sides = [float(side) for side in args["bbox"].split(",")]
    except ValueError as error:
        raise InvalidQuestion("bbox", "four numbers") from error
    if len(sides) == 6:  # noqa: PLR2004  # heights too
        sides = [*sides[:2], *sides[3:5]]
    if len(sides) != 4 or not all(map(math.isfinite, sides)):  # noqa: PLR2004  # two corners
        raise InvalidQuestion("bbox", "four numbers")
    if frame.flipped:
        sides = [sides[1], sides[0], sides[3], sides[2]]
    if sides[1] > sides[3]:
        raise InvalidQuestion("bbox", "south before north")
    if frame.srid in (4326, 4490) and not (max(map(abs, sides[::2])) <= 360 and max(map(abs, sides[1::2])) <= 90):  # noqa: PLR2004  # degrees
        raise InvalidQuestion("bbox", "degrees")
    if frame.srid not in (4326, 4490) and not is_on_earth(frame, sides):
        raise InvalidQuestion("bbox", "metres on earth")
    return tuple(sides), frame


def _times(args: Mapping[str, str], layer: Layer) -> tuple[ColumnElement[bool], ...]:
    if "datetime" not in args:
        return ()
    begins, slash, ends = args["datetime"].partition("/")
    low, high = _span(begins), _span(ends if slash else begins)
    if low is not None and high is not None and low.first > high.first:
        raise InvalidQuestion("datetime", "begin before end")
    if layer.moment is None:
        return ()
    sides = [] if low is None else [layer.moment >= low.first]
    return (*sides, *([] if high is None else [high.holds_until(layer.moment)]))


@dataclass(frozen=True, slots=True)
class _Span:
    """A moment, or a day of the city: from ``first`` until before ``beyond``; None: ``first`` alone."""

    first: dt.datetime
    beyond: dt.datetime | None = None

    def holds_until(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the condition that a time is none after this."""
        return column <= self.first if self.beyond is None else column < self.beyond


def _span(written: str) -> _Span | None:
    """Read one side of an interval: a time by RFC 3339, or a bare date, which is its whole day in the city."""
    if written in ("", ".."):
        return None
    try:
        if _DAY.fullmatch(written):
            day = dt.date.fromisoformat(written)
            first, beyond = (
                dt.datetime.combine(each, dt.time(), ZoneInfo(CITY)) for each in (day, day + dt.timedelta(days=1))
            )
            return _Span(first, beyond)
        moment = dt.datetime.fromisoformat(written)
    except (ValueError, OverflowError) as error:
        raise InvalidQuestion("datetime", "RFC 3339, as 2026-11-18T08:00:00Z/.., or a day, 2026-11-18") from error
    return _Span(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))


def _filter(args: Mapping[str, str], layer: Layer) -> tuple[ColumnElement[bool], ...]:
    lang = args.get("filter-lang", "cql2-text")
    if lang not in ("cql2-text", "cql2-json"):
        raise InvalidQuestion("filter-lang", "cql2-text, cql2-json")
    if frame_named(args.get("filter-crs", CRS84)) != frames()[CRS84]:
        raise InvalidQuestion("filter-crs", CRS84)
    if "filter" not in args:
        return ()
    columns = {**layer.properties, GEOMETRY: layer.geometry}
    try:
        return (condition(args["filter"], lang, columns),)
    except FilterInvalid as error:
        raise InvalidQuestion("filter", str(error)) from error


def _equals(args: Mapping[str, str], layer: Layer) -> tuple[ColumnElement[bool], ...]:
    found = []
    for name in args.keys() & layer.properties.keys():
        column = layer.properties[name]
        if "\0" in args[name]:
            raise InvalidQuestion(name, "text")
        if isinstance(column.type, DateTime):
            span = _span(args[name])
            found.append(column.is_(None) if span is None else and_(column >= span.first, span.holds_until(column)))
        elif isinstance(column.type, Boolean):
            found.append(column.is_(args[name].lower() == "true"))
        else:
            found.append(cast(column, Text) == literal(args[name], Text))
    return tuple(found)
