"""/v1/sync: push, pull and status, as the device protocol has them. They parse, call the engine once, and render."""

import datetime as dt
import functools
import hashlib
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import limits
import msgspec
from flask import Response, current_app, request, stream_with_context
from flask_smorest import Blueprint
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from marshmallow import Schema, fields, validate
from werkzeug.exceptions import NotFound, TooManyRequests

from geo.editions.ground import Ground
from server import clock
from server.api.described import PULLED, PUSH_BODY, PUSHED
from server.api.groups import Groups
from server.api.health import GROUPED
from server.database.extensions import db, settings
from server.database.ground_cache import ground_at, ground_in_memory, ground_now
from server.database.transaction import reading, transaction
from server.http.auth import calling_device, device_required, forget_device
from server.http.fresh import accepts, packed_json
from server.http.problems import language
from server.jobs.queues import ring
from sync.access.devices import CallingDevice, revocation
from sync.access.scope import current_scope
from sync.errors import AppTooOld, CollectionUnknown, TokenUnknown
from sync.protocol import wire
from sync.protocol.cursor import Cursor
from sync.pull.digest import digest
from sync.pull.pull import PullPage, pull, quiet
from sync.pull.states import TOPICS, States
from sync.pull.status import status
from sync.push.batch import BatchContext, DeviceBatch, Pushed
from sync.push.push import push

blueprint = Blueprint("sync", __name__, url_prefix="/v1/sync", description="设备同步 · the device protocol")
STREAM_ROWS = 1000
NDJSON = "application/x-ndjson"
GROUP_OPS = 1000
_HEAVY_BYTES = 512 * 1024
"""How much unpacked counts as one push more: a thousand operations of phones are less."""
_HEAVY_TO_SEARCH_BYTES = 16 * 1024
"""How much of what must be looked at value by value counts as one push more; 2 MiB of it take a third of a second."""
TURNS = 1
"""How many groups a process has under way: with two, groups were of 2.4 batches under load, with one of 4."""
MOST_CHANGES = 2000
LONGEST_TEXT = 400
"""How many characters a cursor, or a list of collections, has at most."""


@blueprint.post("/push")
@device_required(revoked_may=True, remembered=True)
@blueprint.doc(requestBody=PUSH_BODY, security=[{"device": []}])
@blueprint.response(200, PUSHED, description="One result for each operation, in order")
def push_batch() -> Response:
    """Take a batch of operations; what is acknowledged is durable."""
    now = clock.now()
    device = calling_device()
    config = settings()
    if device.revoked_at is not None and now - device.revoked_at > config.revoked_grace:
        raise revocation(device)
    if not _PACE.hit(_rate(config.push_rate), str(device.uid)):
        raise TooManyRequests
    with _groups().coming() as coming:
        body = wire.unpack(request.get_data(cache=True), request.headers.get("Content-Encoding"))
        search = wire.Search()
        try:
            batch = wire.decode(body, search)
        finally:
            _weigh(device, len(body), search.looked_at)
        # The session that the door was asked with goes back before this thread waits for its turn.
        db.session.remove()
        try:
            pushed = _groups().apply(DeviceBatch(device, batch, now, language()), device.id, len(batch.ops), coming)
        except TokenUnknown:
            forget_device()
            raise
    for queue in pushed.wake:
        ring(queue)
    if pushed.revoked:
        forget_device()
    head = f'{{"server_time":"{now.isoformat()}","results":['.encode()
    tail = f'],"cursor_hint":"{pushed.position}"}}'.encode()
    return packed_json(head + b",".join(pushed.results) + tail)


def _groups() -> Groups[DeviceBatch, Pushed]:
    """Return this app's groups: an app has one database."""
    groups: Groups[DeviceBatch, Pushed] = current_app.extensions.setdefault(
        "push_groups", Groups(_apply, GROUP_OPS, TURNS)
    )
    return groups


def _apply(exchanges: Sequence[DeviceBatch]) -> list[Pushed]:
    """Apply a group in one transaction. Where a deadlock ends it, each that sent a batch comes again."""
    GROUPED.observe(len(exchanges))
    with transaction() as tx:
        grounds = functools.partial(ground_at, tx.session)
        return push(BatchContext(tx.session, tx.now, grounds, settings().near_m, settings().late_for), exchanges)


def _weigh(device: CallingDevice, unpacked: int, looked_at: int) -> None:
    """Count a body that was heavy to read as several: the next of the same phone waits the longer."""
    if more := unpacked // _HEAVY_BYTES + looked_at // _HEAVY_TO_SEARCH_BYTES:
        _PACE.hit(_rate(settings().push_rate), str(device.uid), cost=more)


# Counted in each process: it protects the process, and a phone that keeps its connection stays with one.
_PACE = FixedWindowRateLimiter(MemoryStorage())
_rate = functools.cache(limits.parse)


class PullSchema(Schema):
    """The query of a pull."""

    cursor = fields.String(validate=validate.Length(max=LONGEST_TEXT))
    limit = fields.Integer(load_default=500, validate=validate.Range(1, MOST_CHANGES))
    collections = fields.String(validate=validate.Length(max=LONGEST_TEXT))


@blueprint.get("/pull")
@device_required()
# One schema for all: of a class, each request would make one anew, which took a sixth of a quiet pull.
@blueprint.arguments(PullSchema(), location="query")
@blueprint.doc(security=[{"device": []}])
@blueprint.response(200, PULLED, description="A page of changes and outcomes, with the cursor of the next")
def pull_page(query: dict[str, Any]) -> Response:
    """Return what changed for the device since its cursor."""
    now = clock.now()
    device = calling_device()
    _require_version(device)
    key = cursor_key(settings().secret_key)
    cursor = Cursor.open(query["cursor"], key, device.person_id) if query.get("cursor") else None
    wanted = _collections(query.get("collections"))
    if request.accept_mimetypes.best_match(["application/json", NDJSON], default="application/json") == NDJSON:
        lines = _stream(device, cursor, wanted)
        # Before the head is sent: what refuses the first page still has a status to say so with.
        return _streamed(itertools.chain([next(lines)], lines))
    page, scope = _page(device, cursor, now, query["limit"], wanted)
    return packed_json(_page_json(page, scope, page.cursor.seal(key), now))


def _page(
    device: CallingDevice, cursor: Cursor | None, now: dt.datetime, limit: int, wanted: frozenset[str] | None
) -> tuple[PullPage, dict[str, Any]]:
    """Return a page and its scope; without a transaction where nothing is new."""
    if cursor is not None and (found := _quiet_page(device, cursor, now, wanted)) is not None:
        return found
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        page = pull(tx.session, device, cursor, ground=ground, now=now, limit=limit, collections=wanted)
    return page, _scope_json(page, ground)


def _quiet_page(
    device: CallingDevice, cursor: Cursor, now: dt.datetime, wanted: frozenset[str] | None
) -> tuple[PullPage, dict[str, Any]] | None:
    ground = ground_in_memory(device.ground_serial)
    page = None if ground is None else quiet(reading, device, cursor, now, wanted)
    return None if page is None or ground is None else (page, _scope_json(page, ground))


def quiet_pull(device: CallingDevice, cursor: str, collections: str, now: dt.datetime) -> bytes | None:
    """Return what the pull of a phone answers for which nothing is new, as JSON; None where there may be something.

    Inside an app, of a request that may not have been routed. Raises the errors of the route, ``SyncError``.
    """
    _require_version(device)
    key = cursor_key(settings().secret_key)
    found = _quiet_page(device, Cursor.open(cursor, key, device.person_id), now, _collections(collections))
    return None if found is None else _page_json(*found, found[0].cursor.seal(key), now)


def _scope_json(page: PullPage, ground: Ground) -> dict[str, Any]:
    """Return the scope of the protocol; ``zones`` only for those who hold some."""
    scope = page.scope
    told = {
        "version": scope.version,
        "grids": [ground.areas[grid].code for grid in scope.grid_ids if grid in ground.areas],
    }
    zones = [ground.areas[zone.area_id].code for zone in scope.zones if zone.area_id in ground.areas]
    return told | {"zones": zones} if zones else told


def _page_json(page: PullPage, scope: dict[str, Any], cursor: str, now: dt.datetime) -> bytes:
    return b"".join(
        (
            f'{{"server_time":"{now.isoformat()}","changes":['.encode(),
            b",".join(change.json for change in page.changes),
            b'],"outcomes":',
            msgspec.json.encode([outcome.as_json(language()) for outcome in page.outcomes]),
            b',"scope":',
            msgspec.json.encode(scope),
            f',"cursor":"{cursor}","has_more":{"true" if page.has_more else "false"}}}'.encode(),
        )
    )


def _stream(device: CallingDevice, cursor: Cursor | None, wanted: frozenset[str] | None) -> Iterator[bytes]:
    """Yield all changes as lines; after every page a line with its cursor, from which it can be taken up again."""
    config, more = settings(), True
    key = cursor_key(config.secret_key)
    while more:
        now = clock.now()
        with transaction() as tx:
            ground = ground_now(tx.session, device.ground_serial)
            page = pull(tx.session, device, cursor, ground=ground, now=now, limit=STREAM_ROWS, collections=wanted)
            scope = _scope_json(page, ground)
        cursor, more = page.cursor, page.has_more
        line = {
            "cursor": cursor.seal(key),
            "has_more": more,
            "outcomes": [outcome.as_json(language()) for outcome in page.outcomes],
            "scope": scope,
            "server_time": now.isoformat(),
        }
        yield b"".join(change.json + b"\n" for change in page.changes) + msgspec.json.encode(line) + b"\n"


def _streamed(lines: Iterator[bytes]) -> Response:
    """Return lines as they come, packed by gzip where the caller accepts it."""
    response = Response(content_type="application/x-ndjson")
    response.headers["Vary"] = "Accept, Accept-Encoding"
    if accepts("gzip"):
        lines = _gzipped(lines)
        response.headers["Content-Encoding"] = "gzip"
    response.response = stream_with_context(lines)
    return response


def _gzipped(lines: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(4, zlib.DEFLATED, 31)
    for line in lines:
        # Flushed at every page, so that the cursor line reaches a phone whose connection then breaks.
        yield packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


@blueprint.get("/digest")
@device_required()
@blueprint.response(200, description="Count and checksum of each collection in each grid in scope")
def device_digest() -> dict[str, Any]:
    """Return what the device should hold: MD5 over the lines id:rev, in ascending id, for grid and collection."""
    now = clock.now()
    device = calling_device()
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
        digests = [each.as_json() for each in digest(tx.session, scope, ground, device)]
        version = scope.version
    return {"server_time": now.isoformat(), "scope_version": version, "digests": digests}


class RecordsSchema(Schema):
    """The query of a refetch: one grid by its code, and one collection or all."""

    grid = fields.String(required=True, validate=validate.Length(max=60))
    collection = fields.String(validate=validate.OneOf(sorted(TOPICS.values())))


@blueprint.get("/records")
@device_required()
@blueprint.arguments(RecordsSchema, location="query")
@blueprint.response(
    200, description="All records of one grid in scope, one a line", content_type="application/x-ndjson"
)
def grid_records(query: dict[str, Any]) -> Response:
    """Return all records of one grid in scope, as they are now: for a phone whose digest does not match."""
    now = clock.now()
    device = calling_device()
    with transaction() as tx:
        ground = ground_now(tx.session, device.ground_serial)
        scope = current_scope(tx.session, device, ground, now)
        wanted = frozenset({query["collection"]}) if "collection" in query else None
        grid = next((each for each in scope.grid_ids if ground.areas[each].code == query["grid"]), None)
        states = States(tx.session, ground, scope, device, wanted)
        lines = [change.json for change in states.of_grid(grid)] if grid is not None else []
    if grid is None:
        raise NotFound
    return _streamed(iter([line + b"\n" for line in lines]))


@blueprint.get("/status")
@device_required()
@blueprint.response(200, description="What of this device waits, with reasons")
def device_status() -> dict[str, Any]:
    """Return what of this device is pending, held, quarantined or in review; gaps; clock skew."""
    with transaction() as tx:
        told = status(tx.session, calling_device())
    return {"server_time": clock.now().isoformat()} | told


@functools.cache
def cursor_key(secret: str) -> bytes:
    """Return the key that cursors are sealed with."""
    return hashlib.sha256(b"cursor:" + secret.encode()).digest()


def _collections(asked: str | None) -> frozenset[str] | None:
    if not asked:
        return None
    names = frozenset(name.strip() for name in asked.split(",") if name.strip())
    if unknown := sorted(names - set(TOPICS.values())):
        raise CollectionUnknown(field="collections", unknown=unknown, known=sorted(TOPICS.values()))
    return names


def _require_version(device: CallingDevice) -> None:
    least = settings().min_app_version
    if least and _version(device.app_version) < _version(least):
        raise AppTooOld(least=least, yours=device.app_version)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in text.split("-", maxsplit=1)[0].split("."))
