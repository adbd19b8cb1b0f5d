"""What a program sends to be written: a GeoJSON feature, or a merge patch of one, in some reference system.

Owns reading it: which content types and members are taken, and bringing coordinates to lon, lat in EPSG:4326. What may
be done with it is ``server.grids``'s.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import msgspec
import numpy as np
from flask import Request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from geo.errors import InvalidQuestion, InvalidShape
from geo.serving.features import WGS84, Frame
from server.http.sent_texts import require_clean
from server.ogc.reference import CRS84, frame_named
from sync.collections.fields import Text

_JSON: Final = frozenset({"", "application/geo+json", "application/json", "application/vnd.geo+json"})
_PATCH: Final = _JSON | {"application/merge-patch+json"}
_DEEPEST: Final = 4
_WRITTEN: Final = validate.ContainsNoneOf("\0")


@dataclass(frozen=True)
class SentFeature:
    """What was sent of an area; None: not said. ``geometry`` is GeoJSON, lon, lat in EPSG:4326."""

    geometry: dict[str, Any] | None = None
    properties: dict[str, Any] = field(default_factory=dict)


class _Properties(Schema):
    """The properties of an area. The id is the server's, and is passed over where a program repeats it."""

    code = Text(validate=(validate.Length(min=1, max=40), _WRITTEN))
    name = Text(validate=(validate.Length(min=1, max=100), _WRITTEN))
    parent = Text(validate=(validate.Length(min=1, max=40), _WRITTEN), allow_none=True)
    kind = Text(allow_none=True)
    id = fields.Raw(allow_none=True)


class _Sent(Schema):
    class Meta:
        unknown = EXCLUDE

    type = fields.String(validate=validate.Equal("Feature"))
    geometry = fields.Dict(allow_none=True)
    properties = fields.Nested(_Properties, allow_none=True)


def read_feature(request: Request) -> SentFeature:
    """Read a whole feature.

    Raises ValidationError naming the field, InvalidShape for a geometry without positions, InvalidQuestion for a
    reference system that is not known, and the HTTP errors 400 (no JSON), 413 and 415.
    """
    sent = _document(request, _JSON)
    missing = {name: ["Missing data for required field."] for name in ("type", "geometry") if not sent.get(name)}
    if missing:
        raise ValidationError(missing)
    return _feature(request, sent)


def read_patch(request: Request) -> SentFeature:
    """Read a merge patch (RFC 7396) of a feature; errors as ``read_feature``."""
    sent = _document(request, _PATCH)
    if "geometry" in sent and sent["geometry"] is None:
        raise ValidationError({"geometry": ["Field may not be null."]})
    return _feature(request, sent)


def _feature(request: Request, sent: dict[str, Any]) -> SentFeature:
    loaded = _Sent().load(sent)
    properties: dict[str, Any] = loaded.get("properties") or {}
    properties.pop("id", None)
    if loaded.get("geometry") is None:
        return SentFeature(None, properties)
    geometry = {name: loaded["geometry"][name] for name in ("type", "coordinates") if name in loaded["geometry"]}
    return SentFeature(_on_ground(geometry, frame_of_content(request)), properties)


def frame_of_content(request: Request) -> Frame:
    """Return the reference system that Content-Crs names, with brackets or without. Raises ``InvalidQuestion``."""
    named = request.headers.get("Content-Crs", "").strip() or CRS84
    frame = frame_named(named)
    if frame is None:
        raise InvalidQuestion("Content-Crs", "unknown-crs")
    return frame


def _document(request: Request, taken: frozenset[str]) -> dict[str, Any]:
    if request.mimetype not in taken:
        raise UnsupportedMediaType
    require_clean(request.get_data(cache=True))
    try:
        sent = msgspec.json.decode(request.get_data(cache=True))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest from error
    if not isinstance(sent, dict):
        raise ValidationError({"feature": ["Not a valid mapping type."]})
    return sent


def _on_ground(geometry: dict[str, Any], frame: Frame) -> dict[str, Any]:
    """Return a geometry in lon, lat. What is no position is left for the reader of shapes to refuse."""
    if frame == Frame() or "coordinates" not in geometry:
        return geometry
    found = list(_positions(geometry["coordinates"]))
    if not found:
        raise InvalidShape("not-a-position", path="coordinates")
    moved = _to_ground(frame)(np.array(found, dtype=np.float64)).tolist()
    following = iter(moved)
    return geometry | {"coordinates": _rebuilt(geometry["coordinates"], following)}


def _positions(value: Any, depth: int = 0) -> Iterator[list[float]]:
    if _is_position(value):
        yield [float(value[0]), float(value[1])]
    elif isinstance(value, list) and depth < _DEEPEST:
        for inner in value:
            yield from _positions(inner, depth + 1)


def _rebuilt(value: Any, following: Iterator[list[float]], depth: int = 0) -> Any:
    if _is_position(value):
        return next(following)
    if isinstance(value, list) and depth < _DEEPEST:
        return [_rebuilt(inner, following, depth + 1) for inner in value]
    return value


def _is_position(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(_is_number(each) for each in value[:2])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12  # noqa: PLR2004  # metres


@lru_cache(maxsize=64)
def _to_ground(frame: Frame) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return the way from positions (shape (n, 2), as the authority orders them) to lon, lat."""
    transformer = (
        None
        if frame.srid == WGS84
        else Transformer.from_crs(CRS.from_epsg(frame.srid), CRS.from_epsg(WGS84), always_xy=True)
    )

    def moved(positions: NDArray[np.float64]) -> NDArray[np.float64]:
        east, north = (positions[:, 1], positions[:, 0]) if frame.flipped else (positions[:, 0], positions[:, 1])
        if transformer is not None:
            east, north = transformer.transform(east, north)
        return np.stack([east, north], axis=1)

    return moved
