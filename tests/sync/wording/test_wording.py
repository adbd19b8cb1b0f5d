"""What the checks of fields say is told in the caller's language, whatever bound was passed."""

import datetime as dt

import pytest
from marshmallow import Schema, fields, validate

from sync.wording.reasons import words

FIRST, LAST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
CHECKS = (
    (fields.String(validate=validate.Length(min=1, max=3)), "long"),
    (fields.String(validate=validate.Length(max=3)), "long"),
    (fields.String(validate=validate.Length(min=30)), "short"),
    (fields.List(fields.Integer(), validate=validate.Length(equal=2)), [1]),
    (fields.Integer(validate=validate.Range(1, 5)), 9),
    (fields.Integer(validate=validate.Range(min=1)), 0),
    (fields.Integer(validate=validate.Range(max=5)), 9),
    (fields.AwareDateTime(validate=validate.Range(FIRST, LAST)), "9999-12-31T00:00:00Z"),
    (fields.Float(allow_nan=False), "1e400"),
    (fields.String(validate=validate.OneOf(("a", "b"))), "c"),
    (fields.Integer(strict=True), 1.5),
    (fields.Boolean(), "x"),
    (fields.UUID(), "x"),
)


@pytest.mark.parametrize(("field", "sent"), CHECKS)
def test_every_check_of_a_field_has_words_in_both_languages(field, sent):
    [message] = Schema.from_dict({"sent": field})().validate({"sent": sent})["sent"]
    zh, en = words(message, "zh"), words(message, "en")
    assert zh != message != en
    assert any("一" <= each <= "鿿" for each in zh)
