"""What is sent and answered about imports of boundary files. Owns fields alone."""

from typing import Any

from marshmallow import Schema, fields, validate

from server.grids.imports.tables import STATES
from sync.collections.fields import Text

_WRITTEN = validate.ContainsNoneOf("\0")
_DRAFT = validate.Regexp(r"^(?:new|[1-9][0-9]{0,8})(?!\n)$")
_INTO = "Number of a draft, or new; without it the next edition"


def _text(most: int, **more: Any) -> Text:
    return Text(validate=(validate.Length(min=1, max=most), _WRITTEN), **more)


class ImportQuerySchema(Schema):
    """What shall become of the file; ``dry_run``: only look at it."""

    kind = _text(40, required=True, metadata={"description": "The kind of its areas, as grid"})
    name = _text(200, load_default="boundaries", metadata={"description": "What the file is called"})
    parent = _text(40, load_default=None, metadata={"description": "The parent of all of them"})
    name_field = _text(100, load_default=None)
    code_field = _text(100, load_default=None)
    parent_field = _text(100, load_default=None, metadata={"description": "The field of the codes of their parents"})
    encoding = _text(40, load_default=None, metadata={"description": "Of the texts of a Shapefile, as GBK or CP1252"})
    crs = _text(4000, load_default=None, metadata={"description": "Overrules what the file declares, as EPSG:4547"})
    layer = _text(200, load_default=None, metadata={"description": "Which of several; the one named as the kind"})
    dry_run = fields.Boolean(load_default=True)
    draft = Text(load_default=None, validate=_DRAFT, metadata={"description": _INTO})
    root = fields.Boolean(
        load_default=False,
        metadata={"description": "Areas without a parent may become roots"},
    )
    retire_missing = fields.Boolean(
        load_default=False, metadata={"description": "Give up areas of the kind (under parent) that it has not"}
    )


class TakingSchema(Schema):
    """Where a file that was looked at shall go."""

    draft = Text(load_default=None, allow_none=True, validate=_DRAFT, metadata={"description": _INTO})


class ImportCountsSchema(Schema):
    """How many features have come past each step."""

    read = fields.Integer()
    mended = fields.Integer()
    checked = fields.Integer()
    stored = fields.Integer()


class ImportOutcomeSchema(Schema):
    """What was read, and what it changes. ``open``: the gate would let the draft be published."""

    areas = fields.Integer(required=True)
    mended = fields.Integer(required=True, metadata={"description": "areas that were mended"})
    faults = fields.Integer(required=True)
    crs = fields.String(required=True)
    encoding = fields.String(required=True)
    fields_ = fields.List(fields.String(), data_key="fields", attribute="fields", required=True)
    added = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    retired = fields.Integer(required=True)
    edition = fields.Integer(allow_none=True)
    draft = fields.Integer(allow_none=True)
    open = fields.Boolean()


class BoundaryImportSchema(Schema):
    """An import. ``report``: GeoJSON of faults and repairs, once it was read; ``problem``: why it is refused."""

    id = fields.UUID(required=True)
    file = fields.String(required=True)
    kind = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    counts = fields.Nested(ImportCountsSchema, required=True)
    outcome = fields.Nested(ImportOutcomeSchema, required=True, allow_none=True)
    problem = fields.Dict(required=True, allow_none=True)
    begun_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    report = fields.Dict(allow_none=True)


class BoundaryImportsSchema(Schema):
    """The caller's imports, the newest first, without their reports."""

    imports = fields.List(fields.Nested(BoundaryImportSchema), required=True)
