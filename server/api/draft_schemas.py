"""What is sent and answered about drafts. Owns fields alone; what they mean is ``server.grids``'s."""

from typing import Any

from marshmallow import Schema, fields, validate
from webargs.fields import DelimitedList

from geo.balance.propose import MOST_PARTS
from server.api.moments import moment_field
from server.grids.tables import OPERATIONS
from sync.collections.fields import Text

_WRITTEN = validate.ContainsNoneOf("\0")
_CODE = (validate.Length(min=1, max=40), _WRITTEN)
_NAME = (validate.Length(min=1, max=100), _WRITTEN)
_MOST_AREAS = 5000
_MOST_LINES = 500


def _code(**more: Any) -> Text:
    return Text(validate=_CODE, **more)


class Geometry(fields.Dict):
    """A GeoJSON geometry, of which only type and coordinates are kept; ``geo.geometry.shapes`` reads them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> dict[str, Any]:
        sent: dict[str, Any] = super()._deserialize(value, attr, data, **more)  # type: ignore[no-untyped-call]  # its own
        return {name: sent[name] for name in ("type", "coordinates") if name in sent}


class NewDraftSchema(Schema):
    """A draft to begin; over the edition in force where none is named."""

    name = Text(required=True, validate=_NAME)
    base_edition = fields.Integer(load_default=None, strict=True, validate=validate.Range(1, 2**31 - 1))


class DraftPieceSchema(Schema):
    """One piece of a split. Without a name it keeps that of the whole."""

    code = _code(required=True)
    name = Text(validate=_NAME)


class DraftReplacedSchema(Schema):
    """Another polygon for an area, or a new area, of which name and parent (null: none) must be said."""

    code = _code(required=True)
    name = Text(validate=_NAME)
    parent = _code(allow_none=True)
    polygon = Geometry(required=True)


class DraftOperationSchema(Schema):
    """An operation. Geometries are GeoJSON, lon, lat in EPSG:4326.

    split: code, line, left, right (as seen along the line; either may keep the code). merge: codes, into (one of them,
    or new), name, parent. reshape: codes (two), line: their border runs along it, whole or between the places where it
    meets. rename: code, name. reassign: code, parent. add: code, name, polygon, parent, area_kind. retire: code.
    replace: areas, new ones among them where area_kind is given; retired: codes given up with it. alone, with add, or
    replace of one area: its neighbours keep what they hold, and the gate tells where they do not fit to it.
    propose: code (a grid, or the area just above grids), count and/or households: its ground is divided anew by who
    lives where, into so many grids or into grids within the range, along lines where that costs little. heal: codes
    (grids) or code (the area just above them), households: as few households as can be found change grids until all are
    within the range. What comes out is kept with the operation: parts, and balance (the households of each, and what
    stays out of the range and by how much).
    """

    kind = fields.String(required=True, validate=validate.OneOf(OPERATIONS))
    code = _code()
    codes = fields.List(_code(), validate=validate.Length(min=2, max=_MOST_AREAS))
    into = _code()
    name = Text(validate=_NAME)
    parent = _code()
    area_kind = _code()
    line = Geometry()
    polygon = Geometry()
    left = fields.Nested(DraftPieceSchema)
    right = fields.Nested(DraftPieceSchema)
    areas = fields.List(fields.Nested(DraftReplacedSchema), validate=validate.Length(min=1, max=_MOST_AREAS))
    count = fields.Integer(strict=True, validate=validate.Range(1, MOST_PARTS))
    households = fields.List(
        fields.Integer(strict=True, validate=validate.Range(0, 1_000_000)),
        validate=validate.Length(equal=2),
        metadata={"description": "the fewest and the most that a grid should have, both allowed"},
    )
    lines = fields.List(Geometry(), validate=validate.Length(max=_MOST_LINES))
    seed = fields.Integer(strict=True, validate=validate.Range(0, 2**31 - 1))
    retired = fields.List(_code(), validate=validate.Length(max=_MOST_AREAS))
    alone = fields.Boolean()


class DraftRebaseSchema(Schema):
    """What becomes of operations that do not fit: refuse all (409), leave them out, or do what can be done."""

    on_conflict = fields.String(load_default="refuse", validate=validate.OneOf(("refuse", "leave-out", "apply")))


class DraftPublishSchema(Schema):
    """What is noted of the edition. ``at``: when it shall come into force (now by default)."""

    note = Text(load_default="", validate=(validate.Length(max=1000), _WRITTEN))
    at = moment_field(load_default=None, allow_none=True)


class DraftAreasQuerySchema(Schema):
    """Which areas: of a kind (the grids), only those that the draft changes, within a box; how many at most."""

    kind = _code(load_default=None)
    changed = fields.Boolean(load_default=False)
    bbox = DelimitedList(fields.Float(), validate=validate.Length(equal=4))
    limit = fields.Integer(load_default=1000, validate=validate.Range(1, 20_000))


class DraftDoneSchema(Schema):
    """An operation of a draft, as it was sent; one from a file without its polygons."""

    position = fields.Integer(required=True)
    kind = fields.String(required=True)
    parameters = fields.Dict(required=True)
    undone = fields.Boolean(required=True)
    author = fields.String(required=True)
    made_at = fields.DateTime(required=True)


class DraftPlannedSchema(Schema):
    """The set time of a draft. It waits; or it was refused when the time came, or withdrawn, and may be drawn on."""

    plan = fields.Integer(required=True, metadata={"description": "its number in /v1/editions/plans"})
    at = fields.AwareDateTime(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("waiting", "published", "refused", "withdrawn")))
    problem = fields.Dict(required=True, allow_none=True)


class GroundDraftSchema(Schema):
    """A draft. ``superseded``: another edition is in force than the one it is over. While a plan waits it is closed."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    base_edition = fields.Integer(required=True)
    superseded = fields.Boolean(required=True)
    author = fields.String(required=True, metadata={"description": "a login"})
    author_name = fields.String(metadata={"description": "whose it is"})
    created_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)
    published_edition = fields.Integer(required=True, allow_none=True)
    planned = fields.Nested(DraftPlannedSchema, required=True, allow_none=True)
    operations = fields.Integer(metadata={"description": "how many stand"})
    done = fields.List(fields.Nested(DraftDoneSchema))


class GroundDraftsSchema(Schema):
    """All drafts, the newest first."""

    drafts = fields.List(fields.Nested(GroundDraftSchema), required=True)


class DraftLineageSchema(Schema):
    """What became of an area."""

    source = fields.String(required=True)
    target = fields.String(required=True)
    how = fields.String(required=True)


class DraftChangesSchema(Schema):
    """What is different: codes before and after, the ground that changed hands (GeoJSON), and the lineage."""

    kind = fields.String(required=True)
    before = fields.List(fields.String(), required=True)
    after = fields.List(fields.String(), required=True)
    gone = fields.List(fields.String(), required=True)
    moved = fields.Dict(required=True)
    lineage = fields.List(fields.Nested(DraftLineageSchema), required=True)


class DraftAllChangesSchema(Schema):
    """What a draft changes so far, by kind of area."""

    changes = fields.List(fields.Nested(DraftChangesSchema), required=True)


class DraftOperatedSchema(Schema):
    """The draft after an operation, and what that changed."""

    draft = fields.Nested(GroundDraftSchema, required=True)
    changes = fields.Nested(DraftChangesSchema, required=True)


class DraftConflictSchema(Schema):
    """An operation that does not fit on the newer edition, with the place."""

    position = fields.Integer(required=True)
    kind = fields.String(required=True)
    areas = fields.List(fields.String(), required=True)
    problem = fields.String(required=True)
    fits = fields.Boolean(required=True)
    lon = fields.Float()
    lat = fields.Float()


class DraftRebasedSchema(Schema):
    """The draft over the newer edition, and what did not fit."""

    draft = fields.Nested(GroundDraftSchema, required=True)
    conflicts = fields.List(fields.Nested(DraftConflictSchema), required=True)


class DraftPublishedSchema(Schema):
    """The edition that a draft became."""

    edition = fields.Integer(required=True)
    added = fields.List(fields.String(), required=True)
    changed = fields.List(fields.String(), required=True)
    retired = fields.List(fields.String(), required=True)
