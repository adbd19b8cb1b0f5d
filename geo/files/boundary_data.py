"""A boundary file as plain data: read where nothing else can be reached, and made whole again where it is used.

Owns the form in which `geo.files.reading.BoundaryFile` and the errors of reading pass from one process to another.
What the properties of a file are beside names, codes and parents stays behind. Must not know how the processes are
made.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import shapely
from msgspec import Meta

from geo.errors import (
    CrsContradicted,
    CrsNeedsParameters,
    GeoError,
    InvalidCoordinate,
    InvalidCoverage,
    UnknownCrs,
    UnknownField,
    UnsupportedFile,
)
from geo.files import gdal
from geo.files.opening import FileLimits
from geo.files.reading import BoundaryFeature, BoundaryFile, Told, read_boundaries
from geo.geometry.shapes import Fault, Severity

_ERRORS: Final = {
    error.code: error
    for error in (
        *(CrsContradicted, CrsNeedsParameters, InvalidCoordinate, InvalidCoverage),
        *(UnknownCrs, UnknownField, UnsupportedFile),
    )
}
_Text = Annotated[str, Meta(max_length=10_000)]


class _Fault(msgspec.Struct, array_like=True, frozen=True):
    code: _Text
    severity: Severity
    lon: float | None
    lat: float | None
    detail: dict[str, Any]


class _Feature(msgspec.Struct, array_like=True, frozen=True):
    """`shape`: WKB, lon, lat EPSG:4326."""

    index: int
    name: _Text | None
    code: _Text | None
    parent: _Text | None
    shape: bytes
    faults: list[_Fault]


class _File(msgspec.Struct, frozen=True):
    features: list[_Feature]
    crs: _Text
    encoding: _Text
    fields: tuple[_Text, ...]
    name_field: _Text | None
    code_field: _Text | None
    parent_field: _Text | None
    faults: list[_Fault]


class _Refusal(msgspec.Struct, frozen=True):
    """An error of reading, by its code and what its constructor takes."""

    code: str
    data: dict[str, Any]


def read(told: Told, *, file: str, limits: Mapping[str, int], **options: Any) -> _File | _Refusal:
    """Read a file of the working folder; `options` as `read_boundaries`, `limits` as `FileLimits`, by name.

    Errors of reading are returned. Raises RuntimeError where GDAL would open more than boundary files.
    """
    gdal.require_pinned()
    try:
        found = read_boundaries(Path(file), limits=FileLimits(**limits), told=told, **options)
    except tuple(_ERRORS.values()) as error:
        return _Refusal(error.code, {name: _plain(value) for name, value in _taken(type(error), error.data).items()})
    shapes = shapely.to_wkb(np.array([feature.geometry for feature in found.features], dtype=object))
    features = [
        _Feature(feature.index, feature.name, feature.code, feature.parent, shape, _faults(feature.faults))
        for feature, shape in zip(found.features, shapes.tolist(), strict=True)
    ]
    names = (found.name_field, found.code_field, found.parent_field)
    return _File(features, found.crs, found.encoding, found.fields, *names, _faults(found.faults))


def whole(data: Any) -> BoundaryFile:
    """What `read` returned, after its way through msgpack.

    Raises the errors that reading met, and UnsupportedFile("unreadable") for what has not the form of either.
    """
    try:
        if isinstance(data, dict) and "data" in data:
            raise _error(msgspec.convert(data, _Refusal))
        found = msgspec.convert(data, _File)
        shapes = shapely.from_wkb([feature.shape for feature in found.features])
    except (msgspec.ValidationError, shapely.errors.ShapelyError, TypeError) as error:
        raise UnsupportedFile("unreadable") from error
    if not np.isin(shapely.get_type_id(shapes), (3, 6)).all():
        raise UnsupportedFile("unreadable")
    features = tuple(
        BoundaryFeature(each.index, each.name, each.code, each.parent, shape, {}, _whole_faults(each.faults))
        for each, shape in zip(found.features, shapes.tolist(), strict=True)
    )
    names = (found.name_field, found.code_field, found.parent_field)
    return BoundaryFile(features, found.crs, found.encoding, found.fields, *names, _whole_faults(found.faults))


def _error(refusal: _Refusal) -> GeoError:
    error = _ERRORS.get(refusal.code)
    if error is None:
        return UnsupportedFile("unreadable")
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in refusal.data.items()}
    return error(**(_unsaid(error) | _taken(error, lists)))


def _unsaid(error: type[GeoError]) -> dict[str, None]:
    """What its constructor must be given: an error carries no word of what is None."""
    parameters = inspect.signature(error).parameters.values()
    return {
        each.name: None for each in parameters if each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD
    }


def _taken(error: type[GeoError], data: Mapping[str, object]) -> dict[str, Any]:
    """What of the data its constructor takes."""
    names = inspect.signature(error).parameters
    return {name: value for name, value in data.items() if name in names}


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float | list | tuple) else str(value)


def _faults(faults: tuple[Fault, ...]) -> list[_Fault]:
    return [_Fault(each.code, each.severity, each.lon, each.lat, dict(each.detail)) for each in faults]


def _whole_faults(faults: list[_Fault]) -> tuple[Fault, ...]:
    return tuple(Fault(each.code, each.severity, each.lon, each.lat, each.detail) for each in faults)
