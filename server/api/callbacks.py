"""/v1/callbacks: steps that bodies' own systems take, signed by the secrets of their endpoints. Knows no SQL."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import g, request
from flask_smorest import Blueprint

from server import clock
from server.api.case_schemas import CaseStepsSchema, StepResultsSchema, result_json, wanted_of
from server.cases.delivery import callbacks, endpoints
from server.cases.life.persons import Actor
from server.cases.life.taking import take
from server.database.extensions import limited, settings
from server.database.transaction import call_again, transaction
from server.http.attempts import secret_attempt
from server.http.auth import access
from server.jobs.queues import wake

blueprint = Blueprint("callbacks", __name__, url_prefix="/v1/callbacks", description="回调 · calls of bodies")

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


@blueprint.post("/<string:code>")
@signed_by_body
@limited(lambda: settings().push_rate, key_func=lambda: f"body {g.body_id}")
@blueprint.arguments(CaseStepsSchema)
@blueprint.response(200, StepResultsSchema)
def call_back(sent: dict[str, Any], code: str) -> dict[str, Any]:  # noqa: ARG001  # who calls, the signature tells
    """Take steps of a body's cases, each for itself; sent again under its id, a step is taken once.

    The same call under its ``webhook-id`` has the same answer for four days; another under that id is 409.
    """
    now, actor = clock.now(), Actor("callback", body_ids=frozenset({g.body_id}))
    call_id = request.headers[callbacks.ID_HEADER]
    with transaction() as tx:
        if (before := callbacks.begin(tx.session, g.body_id, call_id, request.get_data(), now)) is not None:
            return before
        wanted = [wanted_of(each, each["issue_id"], actor) for each in sent["steps"]]
        outcomes, deliveries = take(tx.session, wanted, tx.ground(), now)
        if deliveries:
            tx.then(wake, "delivery")
        answer: dict[str, Any] = StepResultsSchema().dump({"results": [result_json(each) for each in outcomes]})
        callbacks.keep(tx.session, g.body_id, call_id, answer)
    return answer
