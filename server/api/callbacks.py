"""/v1/callbacks: steps that bodies' own systems take, signed by the secrets of their endpoints. Knows no SQL."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from flask import g, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy.orm import Session

from server import clock
from server.accounts.charge import Reach
from server.api.case_schemas import CaseStepsSchema, StepResultsSchema, result_json, wanted_of
from server.attachments.by_staff import attach
from server.attachments.errors import FileIdTaken, FileRefused, UnknownFile
from server.attachments.slots import slot
from server.attachments.store import open_store
from server.cases.delivery import callbacks, endpoints
from server.cases.life.persons import Actor
from server.cases.life.taking import take
from server.database.extensions import limited, settings
from server.database.transaction import call_again, transaction
from server.http.attempts import secret_attempt
from server.http.auth import access
from server.jobs.queues import wake

blueprint = Blueprint("callbacks", __name__, url_prefix="/v1/callbacks", description="回调 · calls of bodies")

MOST_PHOTOS = 8
"""In one call; all of it has room for 1.5 MB of pictures (``callbacks.MOST_BYTES``, base64)."""

Route = TypeVar("Route", bound=Callable[..., Any])


def signed_by_body(route: Route) -> Route:
    """Let in the body whose secret signed the request; its id is then ``g.body_id``. Strangers buy no parsing."""

    @wraps(route)
    def guarded(*args: Any, code: str, **kwargs: Any) -> Any:
        headers = {name.lower(): value for name, value in request.headers.items()}
        request.max_content_length = callbacks.MOST_BYTES
        # Read before a connection to the database is held: the body comes as slowly as its sender likes.
        body = request.get_data(cache=True)
        with secret_attempt(), transaction() as tx:
            seal = endpoints.seal(settings().secret_key)
            g.body_id = callbacks.caller(tx.session, code, headers, body, seal_with=seal, now=clock.now())
        return call_again(route, *args, code=code, **kwargs)

    return access("body (by the signature of its endpoint): cases that it leads or assists", "body")(guarded)  # type: ignore[return-value]  # same signature


def _base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValidationError("Not valid base64.") from error


class CallbackPhotoSchema(Schema):
    """A picture or PDF of a case, under an id of the caller's making, by which steps then name it."""

    id = fields.UUID(required=True)
    issue_id = fields.UUID(required=True)
    content = fields.String(
        required=True, validate=_base64, metadata={"description": "base64 (RFC 4648, with padding)"}
    )


class CallbackSchema(CaseStepsSchema):
    """Steps of several cases, and the photos that they are shown with."""

    photos = fields.List(
        fields.Nested(CallbackPhotoSchema), load_default=list, validate=validate.Length(max=MOST_PHOTOS)
    )


class CallbackPhotoResultSchema(Schema):
    """What became of one photo."""

    id = fields.UUID(required=True)
    issue_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("taken", "refused")))
    error = fields.Dict(metadata={"description": "type and what belongs to it, where it was not taken"})


class CallbackResultsSchema(StepResultsSchema):
    """What became of each step and of each photo, in order."""

    photos = fields.List(fields.Nested(CallbackPhotoResultSchema), required=True)


@blueprint.post("/<string:code>")
@signed_by_body
@limited(lambda: settings().push_rate, key_func=lambda: f"body {g.body_id}")
@blueprint.arguments(CallbackSchema)
@blueprint.response(200, CallbackResultsSchema)
def call_back(sent: dict[str, Any], code: str) -> dict[str, Any]:  # noqa: ARG001  # who calls, the signature tells
    """Take steps of a body's cases, each for itself; sent again under its id, a step is taken once.

    Photos are attached before the steps are taken that name them; each may be sent again under its id. The same call
    under its ``webhook-id`` has the same answer for four days; another under that id is 409.
    """
    now, actor = clock.now(), Actor("callback", body_ids=frozenset({g.body_id}))
    call_id = request.headers[callbacks.ID_HEADER]
    with transaction() as tx:
        if (before := callbacks.answered(tx.session, g.body_id, call_id, request.get_data())) is not None:
            return before
    # Reading a picture takes a process of its own: as many at once as uploads may have.
    with slot(settings().upload_slots) if sent["photos"] else nullcontext():
        photos = [_attach(photo, now) for photo in sent["photos"]]
    with transaction() as tx:
        if (before := callbacks.begin(tx.session, g.body_id, call_id, request.get_data(), now)) is not None:
            return before
        wanted = [wanted_of(each, each["issue_id"], actor) for each in sent["steps"]]
        outcomes, deliveries = take(tx.session, wanted, tx.ground(), now)
        if deliveries:
            tx.then(wake, "delivery")
        tx.then(wake, "clocks")
        told = {"results": [result_json(each) for each in outcomes], "photos": photos}
        answer: dict[str, Any] = CallbackResultsSchema().dump(told)
        callbacks.keep(tx.session, g.body_id, call_id, answer)
    return answer


def _attach(photo: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Attach a photo as far as the body sees the case. Raises ``ReadingLate``: then nothing of the call is done."""
    reach = Reach(0, (), everywhere=False, duty_grid_ids=(), duty_everywhere=False, organisation_ids=(g.body_id,))
    told = {"id": photo["id"], "issue_id": photo["issue_id"], "status": "taken"}
    try:
        attach(
            _session, open_store(settings().files_url), lambda _: reach,
            issue_id=photo["issue_id"], file_id=photo["id"], content=base64.b64decode(photo["content"]), now=now,
        )  # fmt: skip
    except (UnknownFile, FileIdTaken, FileRefused) as error:
        return told | {"status": "refused", "error": {"type": f"/problems/{error.code}", **error.data}}
    wake("files")
    return told


@contextmanager
def _session() -> Iterator[Session]:
    with transaction() as tx:
        yield tx.session
