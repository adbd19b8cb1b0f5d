"""Where a page of cases goes on: a time and an id, sealed as one opaque word of the address."""

import base64
import binascii
import datetime as dt
import uuid

import msgspec

from sync.errors import CursorInvalid

After = tuple[dt.datetime, uuid.UUID]


def sealed(after: After | None) -> str | None:
    """Return the cursor of the last row of a page; None where there is no further page."""
    return None if after is None else base64.urlsafe_b64encode(msgspec.json.encode(after)).decode().rstrip("=")


def opened(cursor: str | None) -> After | None:
    """Return the row that a cursor goes on after. Raises ``CursorInvalid`` for what is none of ours."""
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        after: After = msgspec.json.decode(text, type=After)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise CursorInvalid(field="cursor") from error
    if after[0].tzinfo is None:
        raise CursorInvalid(field="cursor")
    return after
