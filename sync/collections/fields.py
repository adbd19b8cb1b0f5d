"""The marshmallow fields of the protocol: strict, and each tied to the msgspec type that reads the same.

The hot path runs a decoder derived from the schemas (``sync.protocol.decoders``). So that both accept and refuse
alike, scalars are judged by msgspec here too, and only the fields of this module may stand in a schema.
"""

import datetime as dt
import uuid
from typing import Annotated, Any

import msgspec
from marshmallow import fields, validate
from marshmallow.exceptions import ValidationError

from sync.collections import normal

AwareTime = Annotated[dt.datetime, msgspec.Meta(tz=True)]
EXTRA_BYTES = 8 * 1024
MOST_TOLD = 10
"""So many faults of one operation are told: who sends more of them mends those first, and nonsense stays cheap."""


class Strict(fields.Field[Any]):
    """A field that accepts just what msgspec does for ``wire_type``, and keeps the value as it was sent.

    ``normal`` returns the normal form of a value, the value itself where it is none of this field; it raises
    ``ValueError`` for one that looks right and has no normal form.
    """

    wire_type: Any
    refusal: str

    def normal(self, value: Any) -> Any:
        """Return the normal form of a value."""
        return value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:  # noqa: ARG002  # marshmallow's signature
        try:
            msgspec.convert(value, self.wire_type)
        except msgspec.ValidationError:
            raise ValidationError(self.refusal) from None
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:  # noqa: ARG002  # marshmallow's signature
        return value


class Text(Strict):
    """Unicode text. What somebody writes is brought into its normal form; choices and codes are taken exactly."""

    wire_type = str
    refusal = "Not a valid string."

    def normal(self, value: Any) -> Any:
        """Return free text in NFC without blanks around it."""
        is_exact = any(isinstance(check, (validate.OneOf, validate.Regexp)) for check in self.validators)
        return value if is_exact or not isinstance(value, str) else normal.free_text(value)


class Number(Strict):
    """A finite JSON number."""

    wire_type = float
    refusal = "Not a valid number."

    def normal(self, value: Any) -> Any:
        """Return the number; zero has no sign."""
        return value + 0.0 if isinstance(value, float) else value


class Flag(Strict):
    """``true`` or ``false``; nothing that merely looks like it."""

    wire_type = bool
    refusal = "Not a valid boolean."


class Id(Strict):
    """A UUID; kept as text in lower case, with hyphens."""

    wire_type = uuid.UUID
    refusal = "Not a valid UUID."

    def normal(self, value: Any) -> Any:
        """Return the usual text form of a UUID, also of one in capitals, in braces or as a URN."""
        return normal.uuid_text(value) if isinstance(value, str) else value


class Time(Strict):
    """An RFC 3339 time with an offset; kept as text in UTC."""

    wire_type = AwareTime
    refusal = "Not a valid time."

    def normal(self, value: Any) -> Any:
        """Return the time as text in UTC."""
        return normal.time_text(value) if isinstance(value, str) else value


class Listed(fields.List[Any]):
    """A list, whose first wrong values are told."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:  # noqa: ARG002  # marshmallow's signature
        if not isinstance(value, list):
            raise self.make_error("invalid")
        wrong: dict[int, Any] = {}
        for place, each in enumerate(value):
            try:
                self.inner.deserialize(each, **kwargs)
            except ValidationError as error:
                wrong[place] = error.messages
                if len(wrong) == MOST_TOLD:
                    break
        if wrong:
            raise ValidationError(wrong)
        return value


class Extra(fields.Dict):
    """Free additions: an object whose JSON is at most 8 KiB."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), allow_none=True, validate=small_enough, **kwargs)


def small_enough(value: Any) -> None:
    """Raise unless the JSON of ``value`` is at most :data:`EXTRA_BYTES` and not absurdly deep."""
    try:
        fits = value is None or len(msgspec.json.encode(value)) <= EXTRA_BYTES
    except RecursionError:
        fits = False
    if not fits:
        raise ValidationError("extra-too-large")
