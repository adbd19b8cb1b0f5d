"""How editions, areas and plans are told and asked for; no behaviour."""

import datetime as dt
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from geo.editions.difference import NewArea
from geo.editions.history import EditionFacts, Lineage
from geo.editions.plans import Plan
from geo.geometry.datum import DATUMS
from geo.geometry.shapes import polygon_of
from server.api.moments import moment_field
from sync.collections.fields import Text
from sync.redraw.impact import Impact
from sync.redraw.moving import Progress

_CODE: Final = validate.Regexp(r"^[0-9A-Za-z._-]{1,40}(?!\n)$")
_MOST_AREAS: Final = 100_000


def storable(value: str) -> None:
    """Refuse what no database keeps: the character of number 0, and lone surrogates."""
    if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise ValidationError("Not a valid string.")


class EditionSchema(Schema):
    """One edition. ``begins`` null: for all time before too; ``ends`` null: in force today."""

    number = fields.Integer(required=True)
    name = fields.String(required=True)
    note = fields.String(required=True)
    by = fields.String(required=True, metadata={"description": "a login"})
    by_name = fields.String(metadata={"description": "whose it is, in lists"})
    published_at = fields.String(required=True)
    begins = fields.String(required=True, allow_none=True)
    ends = fields.String(required=True, allow_none=True)


class EditionsSchema(Schema):
    """Editions, the newest first. ``before`` is what to ask the next page with; null: there is none."""

    editions = fields.List(fields.Nested(EditionSchema), required=True)
    before = fields.Integer(required=True, allow_none=True)


class ListingSchema(Schema):
    """Which page of the editions."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 500))
    before = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))


class AreasQuerySchema(Schema):
    """Of which edition (by number, or in force at a time; today's by default), of which kind or parent, which page."""

    edition = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    at = moment_field(load_default=None)
    kind = Text(load_default=None, validate=[validate.Length(max=60), storable])
    parent = Text(load_default=None, validate=_CODE)
    after = Text(load_default="", validate=[validate.Length(max=60), storable])
    limit = fields.Integer(load_default=500, validate=validate.Range(1, 2000))


class MomentSchema(Schema):
    """A time; now by default."""

    at = moment_field(load_default=None)


class PlaceQuerySchema(MomentSchema):
    """A point (lon, lat, in EPSG:4326 or the datum named) and a time; now by default."""

    lon = fields.Float(required=True, validate=validate.Range(-180, 180))
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    accuracy_m = fields.Float(load_default=0.0, validate=validate.Range(0, 100_000))
    datum = fields.String(load_default="wgs84", validate=validate.OneOf(DATUMS))


class PropertiesSchema(Schema):
    """What a feature says of its area. ``parent``: code of the area above; left out: a root."""

    code = Text(required=True, validate=_CODE)
    kind = Text(required=True, validate=_CODE)
    name = Text(required=True, validate=[validate.Length(1, 200), storable])
    parent = Text(load_default=None, allow_none=True, validate=_CODE)

    class Meta:
        """Further properties, as files of other programs have them, are passed over."""

        unknown = "exclude"


class FeatureSchema(Schema):
    """An area as a GeoJSON feature: Polygon or MultiPolygon, lon, lat EPSG:4326."""

    type = fields.String(required=True, validate=validate.Equal("Feature"))
    geometry = fields.Dict(required=True)
    properties = fields.Nested(PropertiesSchema, required=True)

    class Meta:
        """A feature may have an id and a box."""

        unknown = "exclude"


class CollectionSchema(Schema):
    """Areas that are new or changed."""

    type = fields.String(required=True, validate=validate.Equal("FeatureCollection"))
    features = fields.List(fields.Nested(FeatureSchema), required=True, validate=validate.Length(max=_MOST_AREAS))

    class Meta:
        """A collection may have a name and a box."""

        unknown = "exclude"


class RedrawSchema(Schema):
    """What shall differ from the edition in force: areas that are new or changed, and codes that are retired."""

    areas = fields.Nested(CollectionSchema, load_default=lambda: {"features": []})
    retired = fields.List(Text(validate=_CODE), load_default=list, validate=validate.Length(max=_MOST_AREAS))


class PublicationSchema(RedrawSchema):
    """An edition to be published. ``base``: the edition it was drawn over; ``at``: when (now by default)."""

    base = fields.Integer(required=True, strict=True, validate=validate.Range(1, 2**31 - 1))
    name = Text(required=True, validate=[validate.Length(1, 200), storable])
    note = Text(load_default="", validate=[validate.Length(max=2000), storable])
    at = moment_field(load_default=None, allow_none=True)


class RestorationSchema(Schema):
    """Why an older edition comes back. ``base``: the edition that it shall follow; today's by default."""

    base = fields.Integer(load_default=None, strict=True, validate=validate.Range(1, 2**31 - 1))
    name = Text(load_default=None, validate=[validate.Length(1, 200), storable])
    note = Text(load_default="", validate=[validate.Length(max=2000), storable])


class MoveSchema(Schema):
    """How far the records have followed: the collection at work (or done), and counts."""

    edition = fields.Integer(required=True)
    stage = fields.String(required=True)
    grids = fields.Integer(required=True)
    looked_at = fields.Integer(required=True)
    moved = fields.Integer(required=True)
    reassigned = fields.Integer(required=True)
    started_at = fields.String(required=True, allow_none=True)
    finished_at = fields.String(required=True, allow_none=True)


class PublishedSchema(Schema):
    """What came of it. ``new`` false: it was the same as what is in force."""

    edition = fields.Integer(required=True)
    new = fields.Boolean(required=True)
    added = fields.List(fields.String(), required=True)
    changed = fields.List(fields.String(), required=True)
    retired = fields.List(fields.String(), required=True)
    unchanged = fields.Integer(required=True)
    move = fields.Nested(MoveSchema, required=True, allow_none=True)


class PlanSchema(Schema):
    """A planned edition. ``state``: waiting, published, refused (see ``problem``) or withdrawn."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    note = fields.String(required=True)
    at = fields.String(required=True)
    by = fields.String(required=True, metadata={"description": "a login"})
    by_name = fields.String(metadata={"description": "whose it is, in lists"})
    base = fields.Integer(required=True)
    areas = fields.Integer(required=True)
    retired = fields.Integer(required=True)
    state = fields.String(required=True)
    edition = fields.Integer(required=True, allow_none=True)
    problem = fields.Dict(required=True, allow_none=True)


class PlansSchema(Schema):
    """Plans: those that wait first, then the newest."""

    plans = fields.List(fields.Nested(PlanSchema), required=True)


class LineageSchema(Schema):
    """The life of an area: its versions, and what editions made of it."""

    uid = fields.String(required=True)
    code = fields.String(required=True)
    kind = fields.String(required=True)
    versions = fields.List(fields.Dict(), required=True)
    events = fields.List(fields.Dict(), required=True)


class ConcernedSchema(Schema):
    """What else a redraw concerns: rules for its areas, people whose charge ends, editions that wait, and bodies."""

    rules = fields.List(fields.Dict(), required=True)
    assignments = fields.List(fields.Dict(), required=True)
    plans = fields.List(fields.Dict(), required=True)
    bodies = fields.List(fields.Dict(), required=True)


class ImpactSchema(Schema):
    """What a redraw would change: for each pair of grids, each grid and each worker; and the ground as GeoJSON.

    ``slivers``: how many pairs are left out, of less than a square metre and without records: they come of rounding.
    """

    pairs = fields.List(fields.Dict(), required=True)
    slivers = fields.Integer(required=True)
    concerned = fields.Nested(ConcernedSchema, required=True)
    grids = fields.List(fields.Dict(), required=True)
    workers = fields.List(fields.Dict(), required=True)
    ground = fields.Dict(required=True)


class PlaceSchema(Schema):
    """The grid of a point, and the point in EPSG:4326. ``how``: inside, near or outside."""

    edition = fields.Integer(required=True)
    lon = fields.Float(required=True)
    lat = fields.Float(required=True)
    grid = fields.Dict(required=True)


class RecordGridsSchema(Schema):
    """The grids of a record: when it was captured, today, and at the time asked for (null: not known)."""

    at_capture = fields.Dict(required=True, allow_none=True)
    now = fields.Dict(required=True, allow_none=True)
    at = fields.Dict(required=True, allow_none=True)
    edition = fields.Integer(required=True)


def areas_of(sent: dict[str, Any]) -> list[NewArea]:
    """Return the areas of a redraw. Raises ``InvalidShape`` and ``InvalidCoordinate`` naming the feature."""
    return [
        NewArea(
            properties["code"],
            properties["kind"],
            properties["name"],
            properties["parent"],
            polygon_of(feature["geometry"], feature=number),
        )
        for number, feature in enumerate(sent["areas"]["features"])
        if (properties := feature["properties"])
    ]


def edition_json(facts: EditionFacts) -> dict[str, Any]:
    """Return one edition as ``EditionSchema`` tells it."""
    return {
        "number": facts.number,
        "name": facts.name,
        "note": facts.note,
        "by": facts.by,
        "published_at": facts.published_at.isoformat(),
        "begins": _iso(facts.begins),
        "ends": _iso(facts.ends),
    }


def lineage_json(life: Lineage) -> dict[str, Any]:
    """Return the life of an area as ``LineageSchema`` tells it."""
    versions = [
        {"edition": each.edition, "until_edition": each.until_edition, "name": each.name, "parent": each.parent}
        for each in life.versions
    ]
    events = [
        {"edition": each.edition, "at": _iso(each.at), "how": each.how, "from": each.source, "to": each.target}
        for each in life.events
    ]
    return {"uid": str(life.uid), "code": life.code, "kind": life.kind, "versions": versions, "events": events}


def move_json(progress: Progress | None) -> dict[str, Any] | None:
    """Return the progress of a move as ``MoveSchema`` tells it."""
    if progress is None:
        return None
    return {
        "edition": progress.edition,
        "stage": progress.stage,
        "grids": progress.areas,
        "looked_at": progress.looked_at,
        "moved": progress.moved,
        "reassigned": progress.reassigned,
        "started_at": _iso(progress.started_at),
        "finished_at": _iso(progress.finished_at),
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as ``PlanSchema`` tells it."""
    return {
        "id": plan.id,
        "name": plan.name,
        "note": plan.note,
        "at": plan.due_at.isoformat(),
        "by": plan.planned_by,
        "base": plan.base,
        "areas": plan.areas,
        "retired": plan.retired,
        "state": plan.state,
        "edition": plan.edition,
        "problem": plan.problem,
    }


def impact_json(impact: Impact, concerned: dict[str, Any]) -> dict[str, Any]:
    """Return an impact as ``ImpactSchema`` tells it."""
    return impact.as_json() | {"ground": impact.as_geojson(), "concerned": concerned}


def _iso(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
