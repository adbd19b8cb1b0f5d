"""Fields for times and days that callers send: those of these centuries, which everything behind can count with."""

import datetime as dt
import re
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from server.cases.calendars.calendar import SHANGHAI

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

_EARLIEST: Final = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
_LATEST: Final = dt.datetime(2200, 1, 1, tzinfo=dt.UTC)


def moment_field(**more: Any) -> fields.AwareDateTime:
    """Return a field for a time with an offset, in these centuries."""
    return fields.AwareDateTime(validate=validate.Range(_EARLIEST, _LATEST), **more)


def day_field(**more: Any) -> fields.Date:
    """Return a field for a day, in these centuries."""
    return fields.Date(validate=validate.Range(_EARLIEST.date(), _LATEST.date()), **more)


class Moment(fields.Field[dt.datetime]):
    """An RFC 3339 time, or a day of the city (YYYY-MM-DD); ``end`` takes the whole of that day in."""

    def __init__(self, *, end: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self._end = end

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:  # noqa: ARG002  # marshmallow's signature
        try:
            moment = self._read(str(value))
            is_near = moment.tzinfo is not None and _EARLIEST <= moment <= _LATEST
        except (ValueError, OverflowError) as error:
            raise ValidationError("Not a valid aware datetime.") from error
        if not is_near:
            raise ValidationError("Not a valid aware datetime.")
        return moment.astimezone(dt.UTC)

    def _read(self, value: str) -> dt.datetime:
        if not _DAY.fullmatch(value):
            return dt.datetime.fromisoformat(value)
        day = dt.date.fromisoformat(value) + dt.timedelta(days=1 if self._end else 0)
        return dt.datetime.combine(day, dt.time(), SHANGHAI)
