"""What the staff API takes and tells of issues: filters, briefs, the issue in full. Knows no SQL and no route."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from geo.editions.ground import Ground
from server.accounts.errors import UnknownArea
from server.api.moments import Moment
from server.api.session import NamedSchema
from server.cases.lists.issue_list import Brief, Filters
from sync.collections.issues import SEVERITIES, STATES

LIGHTS = ("green", "yellow", "red", "none")


class Listed(fields.Field[list[str]]):
    """Values separated by commas, each of which must satisfy ``each``."""

    def __init__(self, each: Any, **more: Any) -> None:
        super().__init__(**more)
        self._each = each

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:  # noqa: ARG002  # marshmallow's signature
        values = [part.strip() for part in str(value).split(",") if part.strip()]
        for one in values:
            self._each(one)
        return values


class FiltersSchema(Schema):
    """The filters of list, map and counts, as a query."""

    progress = fields.String(load_default="open", validate=validate.OneOf(("open", "overdue", "closed", "all")))
    state = Listed(validate.OneOf(STATES), load_default=list)
    category = Listed(validate.Regexp(r"^[0-9]{2}([0-9]{2})?$"), load_default=list)
    area = fields.String(load_default=None, validate=validate.Length(max=40))
    place = fields.String(load_default=None, validate=validate.OneOf(("outside", "doubtful")))
    captured_from = Moment(load_default=None, data_key="from")
    captured_to = Moment(load_default=None, data_key="to", end=True)
    words = fields.String(load_default="", data_key="q", validate=validate.Length(max=100))

    @post_load
    def _in_order(self, query: dict[str, Any], **_: Any) -> dict[str, Any]:
        begins, ends = query["captured_from"], query["captured_to"]
        if begins is not None and ends is not None and begins >= ends:
            raise ValidationError({"from": ["dates-reversed"]})
        return query


class PageSchema(FiltersSchema):
    """The query of one page of the list."""

    sort = fields.String(load_default="due", validate=validate.OneOf(("due", "new")))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))
    cursor = fields.String(load_default=None, validate=validate.Length(max=200))


class BriefSchema(Schema):
    """One issue as lists and maps show it."""

    id = fields.UUID(required=True)
    category = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    severity = fields.String(required=True, validate=validate.OneOf(SEVERITIES))
    light = fields.String(required=True, validate=validate.OneOf(LIGHTS))
    light_due_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "when the clock runs out that the light is of"}
    )
    light_stage = fields.String(required=True, allow_none=True)
    summary = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    grid = fields.String(required=True, allow_none=True, metadata={"description": "code of the grid, null outside"})
    body = fields.String(required=True, allow_none=True)
    how = fields.String(required=True, allow_none=True, validate=validate.OneOf(("inside", "near", "outside")))
    ambiguous = fields.Boolean(required=True)
    private = fields.Boolean(required=True)
    masked = fields.Boolean(required=True, metadata={"description": "private, and not for this person"})
    approximate = fields.Boolean(required=True, metadata={"description": "the point is only somewhere in the grid"})
    captured_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)


class IssuesSchema(Schema):
    """A page of issues; ``cursor`` is null on the last."""

    issues = fields.List(fields.Nested(BriefSchema), required=True)
    cursor = fields.String(required=True, allow_none=True)


class CategoryNameSchema(Schema):
    """A category by both names, and what it lies under."""

    code = fields.String(required=True)
    name_zh = fields.String(required=True)
    name_en = fields.String(required=True)
    parent_zh = fields.String(required=True, allow_none=True)
    parent_en = fields.String(required=True, allow_none=True)


class RoutingFailureSchema(Schema):
    """Why an issue could not be routed yet, and when that is tried again."""

    reason = fields.String(required=True, allow_none=True, metadata={"description": "null where it is ``masked``"})
    since = fields.AwareDateTime(required=True)
    attempts = fields.Integer(required=True)
    next_attempt_at = fields.AwareDateTime(required=True)


class IssueSchema(BriefSchema):
    """One issue in full. Texts, place and photos are null or empty where it is ``masked``."""

    class Meta:
        """A brief tells fewer words of the same."""

        exclude = ("summary",)

    rev = fields.Integer(required=True)
    category = fields.Nested(CategoryNameSchema, required=True)  # type: ignore[assignment]  # in full, not by code
    description = fields.String(required=True, allow_none=True)
    location = fields.Dict(required=True, allow_none=True)
    distance_m = fields.Float(required=True, allow_none=True)
    path = fields.List(fields.Dict(), required=True, metadata={"description": "areas from the city to the grid"})
    grid = fields.Nested(NamedSchema, required=True, allow_none=True)  # type: ignore[assignment]  # in full, not by code
    grid_at_capture = fields.Dict(required=True, allow_none=True)
    candidates = fields.List(fields.Nested(NamedSchema), required=True)
    workers = fields.List(fields.String(), required=True)
    photos = fields.List(fields.Dict(), required=True)
    memos = fields.List(fields.Dict(), required=True, metadata={"description": "voice memos; /v1/files/{id}/content"})
    tags = fields.List(fields.String(), required=True)
    reporter = fields.String(required=True, allow_none=True)
    received_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True)
    awaiting_routing = fields.Boolean(required=True)
    routing_failure = fields.Nested(RoutingFailureSchema, required=True, allow_none=True)
    body = fields.Nested(NamedSchema, required=True, allow_none=True)  # type: ignore[assignment]  # in full, not by name
    assisting = fields.List(fields.Nested(NamedSchema), required=True)
    routing = fields.Dict(required=True, allow_none=True, metadata={"description": "the newest decision, with reasons"})
    public_answer = fields.String(required=True, allow_none=True)
    closing_reason = fields.String(required=True, allow_none=True)
    history = fields.List(fields.Dict(), required=True)


def filters_of(query: dict[str, Any], ground: Ground | None) -> Filters:
    """Return the filters of a checked query. Raises ``UnknownArea`` for an area that is not in force."""
    return Filters(
        progress=query["progress"],
        states=tuple(query["state"]),
        categories=tuple(query["category"]),
        grid_ids=None if query["area"] is None else _grids(ground, query["area"]),
        place=query["place"],
        captured_from=query["captured_from"],
        captured_to=query["captured_to"],
        words=query["words"].strip(),
    )


def _grids(ground: Ground | None, code: str) -> tuple[int, ...]:
    found = [area.id for area in ground.areas.values() if area.code == code] if ground is not None else []
    if not found or ground is None:
        raise UnknownArea(area=code)
    return ground.grids_of(frozenset(found))


def brief_json(brief: Brief) -> dict[str, Any]:
    """Return a brief as JSON, its point left to the caller."""
    return {
        "id": brief.id,
        "category": brief.category,
        "state": brief.state,
        "severity": brief.severity,
        "light": brief.light,
        "light_due_at": brief.light_due_at,
        "light_stage": brief.light_stage,
        "summary": brief.summary,
        "address": brief.address,
        "grid": brief.grid,
        "body": brief.body,
        "how": brief.how,
        "ambiguous": brief.ambiguous,
        "private": brief.private,
        "masked": brief.masked,
        "approximate": brief.approximate,
        "captured_at": brief.captured_at,
        "due_at": brief.due_at,
        "closed_at": brief.closed_at,
    }
