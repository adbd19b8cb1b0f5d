"""What callers send as text, looked at once for all routes: paths, queries and JSON bodies are clean, or are refused.

Owns the reader of JSON bodies that every ``blueprint.arguments`` uses, and the look at each address. A text with a
control character, half a character or one that turns the direction of reading, and what stands for a number and is
none, is told by its field. The push reads its body itself, so that one operation fails no other
(``sync.protocol.wire``).
"""

import re
from typing import Any

from flask import Flask, Request, request
from flask_smorest import Blueprint
from webargs.core import is_json
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import NotFound, UnsupportedMediaType

from geo.errors import InvalidQuestion
from sync.collections import normal
from sync.collections.fields import MOST_TOLD
from sync.errors import NestedTooDeep, TextUnclean
from sync.protocol.nesting import MOST_NESTED, is_deeper
from sync.protocol.splitting import lenient
from sync.wording.reasons import Reason

# The blueprint whose standard says how a wrong parameter is refused: 400, by its name.
_OF_STANDARD = "ogc"
# What this does not find holds nothing that is refused, whoever wrote the JSON.
_SUSPECT = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
    rb"|\\u(?:00|20|[dD][89a-fA-F])|\\[bf]|NaN|Infinity|[eE]\+?[0-9]{3}|[0-9]{309}"
)


def require_clean(raw: bytes) -> None:
    """Raise ``TextUnclean`` where a JSON body holds what nobody may write, ``NestedTooDeep`` for an absurd nest.

    What is no JSON is left for the reader to refuse.
    """
    if is_deeper(raw):
        raise NestedTooDeep(limit=MOST_NESTED)
    if _SUSPECT.search(raw) is None and _is_utf8(raw):
        return
    try:
        plain = lenient(raw)
        texts = [(path, "text-unclean") for path in normal.unclean(plain)]
        numbers = [(path, "Not a valid number.") for path in normal.no_numbers(plain)]
    except ValueError:
        return
    if texts or numbers:
        raise TextUnclean(Reason("text-unclean" if texts else "fields-invalid", tuple([*texts, *numbers][:MOST_TOLD])))


class CleanParser(FlaskParser):
    """Reads the JSON bodies of all routes."""

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return what was sent. Raises ``TextUnclean`` and ``NestedTooDeep``, ``UnsupportedMediaType`` for no JSON."""
        if is_json(req.mimetype):
            require_clean(req.get_data(cache=True))
        elif req.content_length or req.get_data(cache=True):
            raise UnsupportedMediaType
        return super().load_json(req, schema)


Blueprint.ARGUMENTS_PARSER = CleanParser()


def look_at_addresses(app: Flask) -> None:
    """Have every request of an app refused whose path or query holds what nobody may write."""

    @app.before_request
    def _look() -> None:
        if normal.is_unclean(request.path):
            raise NotFound
        if not request.query_string:
            return
        wrong = [name for name, value in request.args.items(multi=True) if normal.is_unclean(name + value)]
        if wrong and request.blueprint == _OF_STANDARD:
            raise InvalidQuestion(normal.clean(wrong[0]), "text-unclean")
        if wrong:
            faults = tuple((normal.clean(name), "text-unclean") for name in wrong[:MOST_TOLD])
            raise TextUnclean(Reason("text-unclean", faults))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
