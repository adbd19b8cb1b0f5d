"""What is told of cases that may be one, and of photos seen before, as the OpenAPI document has it."""

from marshmallow import Schema, fields


class CaseFactsSchema(Schema):
    """What is laid side by side of a case; positions in WGS-84 degrees."""

    id = fields.UUID(required=True)
    category = fields.String(required=True)
    category_zh = fields.String(required=True)
    category_en = fields.String(required=True)
    state = fields.String(required=True)
    severity = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    lon = fields.Float(required=True, allow_none=True)
    lat = fields.Float(required=True, allow_none=True)
    captured_at = fields.AwareDateTime(required=True)
    due_at = fields.AwareDateTime(required=True, allow_none=True)
    body = fields.String(required=True, allow_none=True)
    photos = fields.List(fields.UUID(), required=True, metadata={"description": "Those that have come; /v1/files/{id}"})


class ReasonSchema(Schema):
    """Why two cases may be one: a stable code, and what it says."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class CandidateSchema(CaseFactsSchema):
    """An open case that may be of the same matter."""

    score = fields.Float(required=True, metadata={"description": "From 0 to 1; the list is in its order"})
    likeness = fields.Float(
        required=True, allow_none=True, metadata={"description": "Of the texts, from 0 to 1; null: one says nothing"}
    )
    distance_m = fields.Float(required=True)
    hours_apart = fields.Float(required=True, metadata={"description": "Negative for one that came after"})
    same_category = fields.Boolean(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class NotReportedSchema(Schema):
    """That a category is not to be reported there and then, and what to do instead."""

    area = fields.String(required=True, allow_none=True)
    hours = fields.String(required=True, allow_none=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class LikelySchema(Schema):
    """Open cases that may be of the same matter as a report."""

    not_reported = fields.List(fields.Nested(NotReportedSchema), required=True)

    candidates = fields.List(fields.Nested(CandidateSchema), required=True)


class ComparedSchema(CandidateSchema):
    """A candidate beside a case."""

    dismissed = fields.Boolean(required=True, metadata={"description": "Somebody said that it is another matter"})


class DuplicatesSchema(Schema):
    """A case, and those that may be of the same matter."""

    case = fields.Nested(CaseFactsSchema, required=True)
    candidates = fields.List(fields.Nested(ComparedSchema), required=True)


class DismissedSchema(Schema):
    """Whether there was a suggestion to be dismissed."""

    dismissed = fields.Boolean(required=True)


class PhotoCaseSchema(Schema):
    """The case of a photo seen before."""

    id = fields.UUID(required=True)
    category = fields.String(required=True)
    category_zh = fields.String(required=True)
    category_en = fields.String(required=True)
    state = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)


class ReusedPhotoSchema(Schema):
    """That a photo of the case was handed in elsewhere too."""

    photo = fields.UUID(required=True)
    other = fields.UUID(required=True, allow_none=True, metadata={"description": "null: not for the caller"})
    same_file = fields.Boolean(required=True)
    bits = fields.Integer(required=True, metadata={"description": "In how many of 64 bits the two prints differ"})
    at = fields.AwareDateTime(required=True)
    earlier = fields.Boolean(required=True)
    same_case = fields.Boolean(required=True)
    case = fields.Nested(
        PhotoCaseSchema,
        required=True,
        allow_none=True,
        metadata={"description": "null: of no case, or of one that the caller may not see"},
    )


class ReusedPhotosSchema(Schema):
    """All that were found of a case's photos."""

    photos = fields.List(fields.Nested(ReusedPhotoSchema), required=True)
