"""/v1/cases: one case with its time line, and the steps of cases; /v1/duty: the open ones. Knows no SQL."""

import uuid
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from server import clock
from server.accounts.charge import reach
from server.accounts.errors import OutsideCharge
from server.api.case_schemas import (
    CaseFileSchema,
    CaseFoundSchema,
    CaseNumberSchema,
    CaseStepSchema,
    CaseStepsSchema,
    CaseTransitionsSchema,
    DutyPageSchema,
    DutySchema,
    StepResultsSchema,
    file_json,
    result_json,
    wanted_of,
)
from server.cases.history.numbers import read_number
from server.cases.life.persons import Actor
from server.cases.life.taking import take, take_one
from server.cases.life.transitions import STATE_WORDS, as_json
from server.cases.lists.case_file import find_by_number, read_case
from server.cases.lists.duty import Wanted, list_duty
from server.database.transaction import transaction
from server.http.auth import access, calling_charge, staff_required
from server.http.fresh import fresh_json
from server.http.keyset import opened, sealed
from server.jobs.queues import wake

blueprint = Blueprint("cases", __name__, url_prefix="/v1", description="案件 · cases and their steps")

OVER = "cases in their charge, of their bodies, their own, and those that they were given a task on"
DUTY_ROLES = ("supervisor", "dispatcher")


@blueprint.get("/cases/transitions")
@access("public: the table is about nobody")
@blueprint.response(200, CaseTransitionsSchema)
def transitions() -> Response:
    """Return the table of steps: from where to where, who may, what is needed, which clocks move."""
    states = [{"state": state, **words.as_json()} for state, words in STATE_WORDS.items()]
    return fresh_json({"states": states, "transitions": as_json()})


@blueprint.get("/cases")
@staff_required(over=OVER)
@blueprint.arguments(CaseNumberSchema, location="query")
@blueprint.response(200, CaseFoundSchema)
def by_number(asked: dict[str, Any]) -> Response:
    """Find a case by the number that somebody says or types."""
    number = read_number(asked["number"])
    found = None
    if number is not None:
        with transaction() as tx:
            found = find_by_number(tx.session, number, _actor(), tx.ground())
    cases = [] if found is None else [dict(zip(("id", "number", "state"), found, strict=True))]
    return fresh_json({"cases": cases, "is_number": number is not None})


@blueprint.get("/cases/<uuid:issue_id>")
@staff_required(over=OVER)
@blueprint.response(200, CaseFileSchema)
def one_case(issue_id: uuid.UUID) -> Response:
    """Return one case: what it is, what happened, its clocks, and the steps that the caller may take now."""
    return _file(issue_id)


@blueprint.post("/cases/<uuid:issue_id>/steps")
@staff_required(over=OVER)
@blueprint.arguments(CaseStepSchema)
@blueprint.response(200, CaseFileSchema)
def take_step(sent: dict[str, Any], issue_id: uuid.UUID) -> Response:
    """Take a step of a case; sent again under its id, it is taken once. Illegal now: 409, with what is possible."""
    with transaction() as tx:
        ground = tx.ground()
        if take_one(tx.session, wanted_of(sent, issue_id, _actor()), ground, tx.now):
            tx.then(wake, "delivery")
        tx.then(wake, "clocks")
    return _file(issue_id)


@blueprint.post("/cases/steps")
@staff_required(over=OVER)
@blueprint.arguments(CaseStepsSchema)
@blueprint.response(200, StepResultsSchema)
def take_steps(sent: dict[str, Any]) -> dict[str, Any]:
    """Take steps of several cases, each for itself: one that cannot be taken stops none of the others."""
    now, actor = clock.now(), _actor()
    with transaction() as tx:
        wanted = [wanted_of(each, each["issue_id"], actor) for each in sent["steps"]]
        outcomes, deliveries = take(tx.session, wanted, tx.ground(), now)
        if deliveries:
            tx.then(wake, "delivery")
        tx.then(wake, "clocks")
    return {"results": [result_json(each) for each in outcomes]}


@blueprint.get("/duty")
@staff_required(*DUTY_ROLES, over="open cases of the areas that they supervise or dispatch for")
@blueprint.arguments(DutySchema, location="query")
@blueprint.response(200, DutyPageSchema)
def duty(query: dict[str, Any]) -> Response:
    """Return one page of the open cases in the caller's duty, the most pressing first."""
    with transaction() as tx:
        ground = tx.ground()
        reached = reach(calling_charge(), ground)
        grids = None
        if query["area"] is not None:
            tops = frozenset(each.id for each in ground.areas.values() if each.code == query["area"]) if ground else ()
            if ground is None or not tops:
                raise OutsideCharge(what="area", area=query["area"])
            grids = tuple(grid for grid in ground.grid_ids if ground.lies_in(grid, frozenset(tops)))
        wanted = Wanted(
            states=tuple(query["state"]),
            lights=tuple(query["light"]),
            categories=tuple(query["category"]),
            words=query["words"],
            grid_ids=grids,
            asks=query["asks"],
        )
        page = list_duty(tx.session, reached, wanted, after=opened(query["cursor"]), limit=query["limit"], now=tx.now)
    return fresh_json({"cases": list(page.cases), "cursor": sealed(page.after)})


def _actor() -> Actor:
    return Actor("page", calling_charge())


def _file(issue_id: uuid.UUID) -> Response:
    with transaction() as tx:
        return fresh_json(file_json(read_case(tx.session, issue_id, _actor(), tx.ground(), tx.now)))
