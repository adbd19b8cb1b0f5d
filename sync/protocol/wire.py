"""The wire: bytes of a push -> typed operations, with caps on size, unpacking and number.

Here dicts stop. The envelope is strict, so a wrong one fails the batch; an operation is not: what cannot
be read becomes an ``Unreadable`` that the push quarantines, and its neighbours go on.
"""

import datetime as dt
import hashlib
import re
import uuid
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
import zstandard

from sync.collections import Doc, normal
from sync.collections.fields import MOST_TOLD, AwareTime
from sync.errors import BodyTooLarge, EncodingDamaged, EncodingUnknown, EnvelopeInvalid, MalformedJson, NestedTooDeep
from sync.protocol.decoders import normal_form
from sync.protocol.nesting import shallow
from sync.protocol.splitting import lenient, split
from sync.wording.reasons import Reason

MAX_BYTES = 8 * 1024 * 1024
MAX_OPS = 1000
MAX_DEPTH = 32
"""Objects and lists within one another in one operation: ``extra`` has room, and PostgreSQL need not dig."""
MAX_FIELDS = 64
MAX_VALUES = 100
"""Of one operation, and in one list: above what any collection takes. What holds more is kept, and not looked into."""
SMALL_BYTES = 1024
MAX_OP_BYTES = 256 * 1024
"""Of one operation: far above what any collection takes. What is larger is kept, and not looked into."""
SEARCHED_BYTES = 2 * 1024 * 1024
"""Of one body: what must be looked at value by value, since it is no plain JSON, or deep, or unclean."""


_OP_ID = re.compile(rb'"op_id"\s*:\s*"([0-9A-Fa-f-]{36})"')


class Base(msgspec.Struct, frozen=True, gc=False):
    """What the author saw: a revision of the record, or an own operation."""

    rev: int | None
    op_id: uuid.UUID | None


class Op(msgspec.Struct, frozen=True):
    """One operation, its values in their normal forms. ``captured_at`` is by the device's clock.

    ``body_hash`` is over the canonical JSON of what was sent. ``fault``: why it cannot be applied as it was sent; then
    ``data`` is what of it can be shown, and ``raw`` its bytes.
    """

    op_id: uuid.UUID
    seq: int
    collection: str
    record_id: uuid.UUID
    action: str
    base: Base | None
    captured_at: dt.datetime
    data: Doc
    body_hash: bytes
    fault: Reason | None = None
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What stands where an operation should: kept byte for byte, with the reason.

    ``echo`` is the op_id to answer under, as it was sent (None where there was none).
    """

    op_id: uuid.UUID
    echo: str | None
    seq: int | None
    raw: bytes
    body_hash: bytes
    reason: Reason


@dataclass(frozen=True, slots=True)
class Batch:
    """One push: ``sent_at`` is by the device's clock."""

    batch_id: uuid.UUID
    sent_at: dt.datetime
    ops: tuple[Op | Unreadable, ...]


class _Envelope(msgspec.Struct):
    batch_id: uuid.UUID
    sent_at: AwareTime
    ops: list[msgspec.Raw]


class _Base(msgspec.Struct, forbid_unknown_fields=True):
    rev: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    op_id: uuid.UUID | None = None


class _Name(msgspec.Struct):
    op_id: str | None = None
    seq: int | None = None


class _Head(msgspec.Struct):
    op_id: uuid.UUID
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    collection: Annotated[str, msgspec.Meta(max_length=60)]
    id: uuid.UUID
    action: Literal["put", "patch", "delete"]
    captured_at: AwareTime
    base: _Base | None = None
    data: dict[str, Any] | None = None


def unpack(body: bytes, encoding: str | None) -> bytes:
    """Return the body unpacked. ``encoding``: gzip, zstd, identity or None.

    Never unpacks more than :data:`MAX_BYTES`. Raises ``BodyTooLarge``, ``EncodingUnknown``, ``EncodingDamaged``.
    """
    match (encoding or "identity").strip().lower():
        case "identity":
            unpacked = body
        case "gzip" | "x-gzip":
            unpacked = _gunzip(body)
        case "zstd":
            unpacked = _unzstd(body)
        case other:
            raise EncodingUnknown(encoding=other)
    if len(unpacked) > MAX_BYTES:
        raise BodyTooLarge(limit_bytes=MAX_BYTES)
    return unpacked


def _gunzip(body: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        unpacked = stream.decompress(body, MAX_BYTES + 1)
    except zlib.error:
        raise EncodingDamaged(encoding="gzip") from None
    if len(unpacked) <= MAX_BYTES and not stream.eof:
        raise EncodingDamaged(encoding="gzip")
    return unpacked


def _unzstd(body: bytes) -> bytes:
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**23).stream_reader(body) as reader:
            return reader.read(MAX_BYTES + 1)
    except zstandard.ZstdError:
        raise EncodingDamaged(encoding="zstd") from None


class Search:
    """The bytes of a body that are dear: looked at value by value (a hundred times of reading), or kept unusable."""

    def __init__(self) -> None:
        self.looked_at = 0
        self._left = SEARCHED_BYTES

    def whole(self, body: bytes) -> None:
        """Count a body that is looked at from end to end. Raises ``BodyTooLarge``: smaller batches will pass."""
        self.looked_at += len(body)
        if len(body) > SEARCHED_BYTES:
            raise BodyTooLarge(limit_bytes=SEARCHED_BYTES)

    def begin(self, raw: bytes) -> None:
        """Count an operation that is looked at next. Raises ``BodyTooLarge`` where all of them are too much."""
        self.looked_at += len(raw)
        self._left -= len(raw)
        if self._left < 0:
            raise BodyTooLarge(limit_bytes=SEARCHED_BYTES)


def decode(body: bytes, search: Search | None = None) -> Batch:
    """Return the batch in an unpacked body; ``search`` counts what must be looked at value by value.

    Raises ``MalformedJson``, ``NestedTooDeep``, ``EnvelopeInvalid`` (naming the field) or ``BodyTooLarge`` (more than
    1,000 operations).
    """
    search = search or Search()
    envelope = _envelope(body, search)
    if len(envelope.ops) > MAX_OPS:
        raise BodyTooLarge(limit_ops=MAX_OPS)
    return Batch(envelope.batch_id, envelope.sent_at, tuple(_read(bytes(raw), search) for raw in envelope.ops))


def _envelope(body: bytes, search: Search) -> _Envelope:
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _lenient_envelope(body, search)


def _lenient_envelope(body: bytes, search: Search) -> _Envelope:
    """Read what the standard does not have, so that what is wrong with one operation holds up no other."""
    search.whole(body)
    try:
        head, ops = split(body)
        plain = normal.cleaned(lenient(head))
    except RecursionError:
        raise NestedTooDeep(limit=MAX_DEPTH) from None
    except ValueError:
        plain, ops = _no_object(body), []
    if isinstance(plain, dict):
        for name, form in (("batch_id", normal.uuid_text), ("sent_at", normal.time_text)):
            _bring(plain, name, form)
    try:
        envelope = msgspec.convert(plain, _Envelope)
    except msgspec.ValidationError as error:
        raise EnvelopeInvalid(**dict(zip(("field", "reason"), _told(error), strict=True))) from None
    return _Envelope(envelope.batch_id, envelope.sent_at, [msgspec.Raw(raw) for raw in ops])


def _no_object(body: bytes) -> Any:
    """Return what a body is that is no object. Raises ``MalformedJson`` for what is no JSON, ``NestedTooDeep``."""
    try:
        plain = msgspec.json.decode(body)
    except RecursionError:
        raise NestedTooDeep(limit=MAX_DEPTH) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedJson from None
    if isinstance(plain, dict):
        raise MalformedJson
    return plain


def _bring(named: dict[str, Any], name: str, form: Callable[[str], str]) -> None:
    """Bring one value into its normal form; what has none stays as it is, to be refused."""
    value = named.get(name)
    if isinstance(value, str):
        with suppress(ValueError):
            named[name] = form(value)


def _told(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return the field that an error is about, and what it says."""
    message, _, place = str(error).partition(" - at `$")
    return place.strip("`.") or message.rpartition("`")[0].rpartition("`")[2], message


def _read(raw: bytes, search: Search) -> Op | Unreadable:
    if len(raw) > MAX_OP_BYTES:
        search.looked_at += len(raw)
        return too_large(raw)
    try:
        plain = msgspec.json.decode(raw)
        canonical = msgspec.json.encode(plain, order="deterministic")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _read_leniently(raw, search)
    body_hash = hashlib.blake2b(canonical, digest_size=16).digest()
    if canonical.count(b"[") + canonical.count(b"{") > MAX_DEPTH:
        search.begin(raw)
        if _is_deep(plain, MAX_DEPTH):
            return _unreadable(raw, plain, Reason("fields-invalid", (("data", "nested-too-deep"),)), body_hash)
    if normal.is_perhaps_unclean(canonical):
        search.begin(raw)
        return _read_unclean(raw, plain, body_hash)
    return _operation(raw, plain, body_hash, len(canonical))


def too_large(raw: bytes) -> Unreadable:
    """Return an operation that is kept and not looked into, since it is larger than any may be."""
    return _unreadable(raw, _named(raw), Reason("operation-too-large"))


def _named(raw: bytes) -> dict[str, Any] | None:
    """Return by what an operation is known, without looking into it; None where that cannot be found."""
    try:
        name = msgspec.json.decode(raw, type=_Name)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = _OP_ID.search(raw)
        return None if found is None else {"op_id": found[1].decode()}
    return {"op_id": name.op_id, "seq": name.seq}


def _read_leniently(raw: bytes, search: Search) -> Op | Unreadable:
    search.begin(raw)
    body_hash = hashlib.blake2b(raw, digest_size=16).digest()
    try:
        plain = lenient(raw)
        if _is_deep(plain, MAX_DEPTH):
            return _unreadable(raw, None, Reason("fields-invalid", (("data", "nested-too-deep"),)), body_hash)
    except RecursionError:
        return _read_abyss(raw, body_hash)
    except ValueError:
        return _unreadable(raw, None, Reason("operation-invalid"), body_hash)
    return _read_unclean(raw, plain, body_hash)


def _read_abyss(raw: bytes, body_hash: bytes) -> Unreadable:
    """Keep an operation too deep for any reader, under its own op_id where that can be found."""
    try:
        plain = normal.cleaned(lenient(shallow(raw.decode(errors="replace"), MAX_DEPTH).encode()))
    except ValueError:
        plain = None
    return _unreadable(raw, plain, Reason("fields-invalid", (("data", "nested-too-deep"),)), body_hash)


def _read_unclean(raw: bytes, plain: Any, body_hash: bytes) -> Op | Unreadable:
    """Read an operation with values that nobody may write, if it has: they are named, and shown as far as they can."""
    texts = tuple((path, "text-unclean") for path in islice(normal.unclean(plain), MOST_TOLD))
    numbers = tuple((path, "Not a valid number.") for path in islice(normal.no_numbers(plain), MOST_TOLD))
    fault = None
    if texts or numbers:
        fault = Reason("text-unclean" if texts else "fields-invalid", (*texts, *numbers))
    return _operation(raw, normal.cleaned(plain), body_hash, len(raw), fault)


def _operation(raw: bytes, plain: Any, body_hash: bytes, size: int, fault: Reason | None = None) -> Op | Unreadable:
    try:
        head = _head(plain)
    except msgspec.ValidationError as error:
        return _unreadable(raw, plain, fault or Reason("operation-invalid", (_told(error),)), body_hash)
    data = head.data or {}
    if size > SMALL_BYTES and (crowded := _crowded(data)):
        return _unreadable(raw, plain, Reason("fields-invalid", ((crowded, "too-many"),)), body_hash)
    if fault is None:
        data, wrong = normal_form(head.collection, data)
        fault = Reason("fields-invalid", tuple((f"data.{path}", rule) for path, rule in wrong)) if wrong else None
    named = head.base is not None and (head.base.rev is not None or head.base.op_id is not None)
    base = Base(head.base.rev, head.base.op_id) if head.base is not None and named else None
    return Op(
        head.op_id, head.seq, head.collection, head.id, head.action, base, head.captured_at, data, body_hash,
        fault, None if fault is None else raw,
    )  # fmt: skip


def _head(plain: Any) -> _Head:
    """Return the head of an operation. Raises ``msgspec.ValidationError``."""
    try:
        return msgspec.convert(plain, _Head)
    except msgspec.ValidationError:
        if not isinstance(plain, dict):
            raise
    again = dict(plain)
    for name, form in (("op_id", normal.uuid_text), ("id", normal.uuid_text), ("captured_at", normal.time_text)):
        _bring(again, name, form)
    if isinstance(again.get("base"), dict):
        again["base"] = dict(again["base"])
        _bring(again["base"], "op_id", normal.uuid_text)
    return msgspec.convert(again, _Head)


def _crowded(data: Doc) -> str | None:
    """Return the field that holds more than any collection takes, None where there is none."""
    if len(data) > MAX_FIELDS:
        return "data"
    long = (name for name, value in data.items() if isinstance(value, list) and len(value) > MAX_VALUES)
    return next((f"data.{name}" for name in long), None)


def _is_deep(value: Any, levels: int) -> bool:
    """Return whether objects and lists lie more than so many levels within one another."""
    if isinstance(value, dict):
        return levels == 0 or any(_is_deep(each, levels - 1) for each in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_is_deep(each, levels - 1) for each in value)
    return False


def _unreadable(raw: bytes, plain: Any, reason: Reason, body_hash: bytes | None = None) -> Unreadable:
    """Keep what was sent.

    Where it names no op_id of its own, one is derived from its bytes, so that a repetition is known again.
    """
    digest = body_hash or hashlib.blake2b(raw, digest_size=16).digest()
    named = plain if isinstance(plain, dict) else {}
    echo, seq = named.get("op_id"), named.get("seq")
    try:
        op_id = uuid.UUID(echo)
    except (ValueError, TypeError, AttributeError):
        op_id = uuid.UUID(bytes=digest)
    whole = isinstance(seq, int) and not isinstance(seq, bool) and 1 <= seq <= 2**62
    return Unreadable(op_id, echo if isinstance(echo, str) else None, seq if whole else None, raw, digest, reason)
