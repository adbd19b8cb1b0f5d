"""Arrays of PostgreSQL as it takes them over the wire, built many times faster than a driver dumps element by element.

A batch sends some 1,600 elements in its set-based statements; as lists they cost half of its time. Each function
returns a parameter for ``CAST(:values AS type[])``: numbers as text, whose one repr nothing beats, all else in binary,
which costs half as much to make and to read as text. None becomes NULL. Knows no table.
"""

import datetime as dt
import uuid
from collections.abc import Sequence

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.string import BytesBinaryDumper
from sqlalchemy import event
from sqlalchemy.pool import Pool

_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_NULL = b"\xff\xff\xff\xff"


class Texts(bytes):
    """A ``text[]``."""

    __slots__ = ()
    element, array = psycopg.postgres.types["text"].oid, psycopg.postgres.types["text"].array_oid


class Uuids(bytes):
    """A ``uuid[]``."""

    __slots__ = ()
    element, array = psycopg.postgres.types["uuid"].oid, psycopg.postgres.types["uuid"].array_oid


class Times(bytes):
    """A ``timestamptz[]``."""

    __slots__ = ()
    element, array = psycopg.postgres.types["timestamptz"].oid, psycopg.postgres.types["timestamptz"].array_oid


class Blobs(bytes):
    """A ``bytea[]``."""

    __slots__ = ()
    element, array = psycopg.postgres.types["bytea"].oid, psycopg.postgres.types["bytea"].array_oid


_KINDS = (Texts, Uuids, Times, Blobs)
_DUMPERS = [(kind, type(f"{kind.__name__}Dumper", (BytesBinaryDumper,), {"oid": kind.array})) for kind in _KINDS]


def texts(values: Sequence[str | None]) -> Texts:
    """Return a ``text[]``, or an array of whatever is written as text."""
    parts = [None if value is None else value.encode() for value in values]
    return Texts(_array(Texts.element, parts))


def numbers(values: Sequence[float | None]) -> str:
    """Return an array of whole numbers or floats (finite ones)."""
    # One repr of the whole list: a loop over its elements takes ten times as long.
    return "{" + repr(list(values))[1:-1].replace("None", "NULL") + "}"


def uuids(values: Sequence[uuid.UUID | None]) -> Uuids:
    """Return a ``uuid[]``."""
    return Uuids(_array(Uuids.element, [None if value is None else value.bytes for value in values], width=16))


def times(values: Sequence[dt.datetime | None]) -> Times:
    """Return a ``timestamptz[]`` of aware times."""
    since = [None if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
    parts = [None if each is None else each.to_bytes(8, "big", signed=True) for each in since]
    return Times(_array(Times.element, parts, width=8))


def blobs(values: Sequence[bytes | None]) -> Blobs:
    """Return a ``bytea[]``."""
    return Blobs(_array(Blobs.element, values))


def _array(element: int, parts: Sequence[bytes | None], *, width: int | None = None) -> bytes:
    """Return what ``array_recv`` reads. ``width``: where every part has the same."""
    if not parts:
        return _words(0, 0, element)
    has_null = None in parts
    head = _words(1, has_null, element, len(parts), 1)
    if width is not None and not has_null:
        size = _words(width)
        return head + size + size.join(parts)  # type: ignore[arg-type]  # there is no None in it
    return head + b"".join([_NULL if part is None else len(part).to_bytes(4, "big") + part for part in parts])


def _words(*words: int) -> bytes:
    return b"".join([word.to_bytes(4, "big") for word in words])


def _teach(adapters: AdaptersMap) -> None:
    for kind, dumper in _DUMPERS:
        adapters.register_dumper(kind, dumper)


@event.listens_for(Pool, "connect")
def _teach_connection(connection: object, _record: object) -> None:
    """An engine copies the driver's adapters when it is made, which may be before this module is there."""
    if isinstance(connection, psycopg.Connection):
        _teach(connection.adapters)


_teach(psycopg.adapters)
