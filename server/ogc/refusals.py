"""What GIS programs show of a refused write.

Owns that alone: the problem document stays what it is, but a program that shows the reason of the status line, and
nothing else, shows why and where; and QGIS, which reads bodies only as an OWS exception report, is sent one.
"""

from html import escape
from typing import Any, Final

from flask import Response, request

from server.ogc.routes import blueprint

_WRITING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_LONGEST: Final = 160
_REPORT: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ExceptionReport xmlns="http://www.opengis.net/ows/1.1" version="1.1.0">'
    '<Exception exceptionCode="{code}"><ExceptionText>{text}</ExceptionText></Exception></ExceptionReport>\n'
)


@blueprint.after_request
def show_reason(response: Response) -> Response:
    """Tell of a refused write what and where, as programs show it."""
    if request.method not in _WRITING or response.content_type != "application/problem+json":
        return response
    told = response.get_json()
    code = told["type"].rsplit("/", 1)[-1]
    reason = " ".join((code, *_particulars(told)))
    plain = "".join(each for each in reason if each.isascii() and each.isprintable())
    response.status = f"{response.status_code} {plain[:_LONGEST]}"
    if "QGIS/" in request.headers.get("User-Agent", ""):
        parts = (told["title"], *_particulars(told), told.get("detail", ""))
        text = "".join(each for each in ": ".join(filter(None, parts)) if each.isprintable())
        response.set_data(_REPORT.format(code=escape(code), text=escape(text)))
        response.content_type = "application/xml; charset=utf-8"
    return response


def _particulars(told: dict[str, Any]) -> list[str]:
    """What of a problem is told beside its title: field, reason, area and place."""
    found = [str(told[name]) for name in ("field", "reason", "area") if told.get(name)]
    found += [f"{each['field']} {each['message']}" for each in told.get("errors", ())[:3]]
    if "lon" in told and "lat" in told:
        found.append(f"@ {told['lon']}, {told['lat']}")
    return found
