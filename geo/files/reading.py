"""Boundary files: GeoJSON, Shapefile (folder or zip) and GeoPackage.

Owns turning a file of unknown make into valid polygons in lon, lat EPSG:4326 with names and codes, and the list of all
that was wrong with it. Must not know areas or the database. A fault never stops the others from being read: what cannot
be a polygon is left out and told, what can be mended is mended and told. Only a file that as a whole cannot be read, or
that it is not safe to read, is an error.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.coverage.coverage import Finding, check
from geo.errors import InvalidShape, UnknownField, UnsupportedFile
from geo.files.opening import FileLimits, RawFile, read_raw
from geo.geometry.crs import Bounds, FileCrs, crs_of_file, is_degrees
from geo.geometry.shapes import WIDEST_DEG, Fault, in_degrees, in_units, repair

NAME_FIELDS: Final = ("name", "名称", "网格名称", "社区名称", "mc", "wgmc", "xzqmc", "qhmc", "name_chn", "name_zh")
CODE_FIELDS: Final = (
    "code",
    "编码",
    "网格编码",
    "网格编号",
    "代码",
    "dm",
    "bm",
    "wgbm",
    "wgdm",
    "xzqdm",
    "qhdm",
    "adcode",
)
PARENT_FIELDS: Final = ("parent", "上级", "上级编码", "上级代码", "parent_code")
KIND_FIELD: Final = "kind"
_TELL_EVERY: Final = 500
_EXACT: Final = 2.0**53
"""From here on, floating point does not hold every whole number."""

_WITH_EXPONENT: Final = re.compile(r"\d(?:\.\d+)?[eE]\+?\d{1,3}")
_MOST_NEIGHBOURS: Final = 30
_ALWAYS_TAKEN: Final = 2000

Told = Callable[[str, int], object]
"""Takes how far the reading is: "read", "mended" or "checked", and of how many features."""


@dataclass(frozen=True)
class BoundaryFeature:
    """One polygon of a file: `index` counts from 0 in the file, `faults` are its own."""

    index: int
    name: str | None
    code: str | None
    parent: str | None
    geometry: Polygon | MultiPolygon
    properties: Mapping[str, object]
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class BoundaryFile:
    """What a file holds. `faults` are those of the file, of features left out, and between neighbours."""

    features: tuple[BoundaryFeature, ...]
    crs: str
    encoding: str
    fields: tuple[str, ...]
    name_field: str | None
    code_field: str | None
    parent_field: str | None
    faults: tuple[Fault, ...]


def read_boundaries(  # noqa: PLR0913  # all that a file may leave unsaid
    path: Path | str,
    *,
    name_field: str | None = None,
    code_field: str | None = None,
    parent_field: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    layer: str | None = None,
    kind: str | None = None,
    gap_width_m: float = 1.0,
    limits: FileLimits | None = None,
    told: Told = lambda _step, _count: None,
) -> BoundaryFile:
    """Read the polygons of a file.

    `name_field`, `code_field`, `parent_field`: where names, codes and codes of parents are; without them, the first
    field of `NAME_FIELDS`, `CODE_FIELDS`, `PARENT_FIELDS`. `crs` and `encoding` overrule what the file declares.
    `layer`: which, where the file has several of polygons. `kind`: the layer of that name, where none is given; of
    features that have such kinds, only these are taken. Ground between neighbours, or in two of them, that is thinner
    than `gap_width_m` is told apart from wider. `told` hears how far it is.

    Raises UnsupportedFile, UnknownField, UnknownCrs, CrsNeedsParameters, CrsContradicted, and InvalidCoordinate for
    latitude before longitude.
    """
    raw = read_raw(Path(path), layer, limits or FileLimits(), preferred=kind, encoding=encoding)
    told("read", len(raw.geometries))
    fields = _Fields(
        _field(raw, name_field, NAME_FIELDS),
        _field(raw, code_field, CODE_FIELDS),
        _field(raw, parent_field, PARENT_FIELDS),
    )
    taken = _of_kind(raw, kind)
    reference = _reference(raw, crs)
    features, left_out = _features(raw, taken, reference, fields, told)
    if not features:
        reasons = sorted({fault.code for fault in left_out})
        raise UnsupportedFile("no-polygons", ": ".join([Path(path).name, *reasons]))
    between = (
        *_inexact_faults(raw, features, fields),
        *_code_faults(features),
        *_neighbour_faults(features, gap_width_m),
    )
    told("checked", len(features))
    faults = (*_file_faults(raw, reference, taken), *left_out, *between)
    columns, encoding = tuple(raw.columns), raw.encoding.name
    return BoundaryFile(tuple(features), reference.name, encoding, columns, *fields, faults)


def _reference(raw: RawFile, given: str | None) -> FileCrs:
    bounds = _usual_bounds(raw)
    # A GeoJSON that declares nothing counts as EPSG:4326, and older ones are in anything.
    undeclared = raw.driver == "GeoJSON" and raw.crs == "EPSG:4326" and not is_degrees(bounds)
    return crs_of_file(bounds, declared=None if undeclared else raw.crs, given=given)


class _Fields(NamedTuple):
    """Where the names, codes and parents are."""

    name: str | None
    code: str | None
    parent: str | None


def _of_kind(raw: RawFile, kind: str | None) -> NDArray[np.bool_]:
    """Which features are of a kind: all, where the file does not tell kinds such as this."""
    every = np.ones(len(raw.geometries), dtype=bool)
    if kind is None or KIND_FIELD not in raw.columns:
        return every
    same: NDArray[np.bool_] = np.asarray(raw.columns[KIND_FIELD]).astype(object) == kind
    return same if same.any() else every


def _field(raw: RawFile, asked: str | None, known: tuple[str, ...]) -> str | None:
    if asked is not None:
        if asked not in raw.columns:
            raise UnknownField(asked, tuple(raw.columns))
        return asked
    by_lower = {field.lower(): field for field in raw.columns}
    return next((by_lower[field] for field in known if field in by_lower), None)


def _usual_bounds(raw: RawFile) -> Bounds:
    """The bounds of the features in the middle; one that is astray must not decide about the others."""
    with np.errstate(invalid="ignore"):
        bounds = shapely.bounds(raw.geometries)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(bounds):
        raise UnsupportedFile("no-polygons")
    west, south, east, north = np.median(bounds, axis=0).tolist()
    return west, south, east, north


def _features(
    raw: RawFile, taken: NDArray[np.bool_], reference: FileCrs, fields: _Fields, told: Told
) -> tuple[list[BoundaryFeature], list[Fault]]:
    """The features that are polygons, and a fault for each that is not."""
    features, faults = [], []
    for index, sound in _looked_at(raw, taken, reference, told):
        properties = {field: _plain(values[index]) for field, values in raw.columns.items()}
        name, code, parent = (_text(properties[field]) if field else None for field in fields)
        try:
            mended, own = _on_ground(raw.geometries[index], reference) if sound is None else (sound, [])
        except InvalidShape as error:
            faults.append(Fault(error.reason, "error", error.lon, error.lat, {"feature": index, "name": name}))
            continue
        if raw.unclosed[index]:
            own.insert(0, Fault("unclosed-ring", "error", *shapely.get_coordinates(mended)[0].tolist()))
        features.append(BoundaryFeature(index, name, code, _parent(parent), mended, properties, tuple(own)))
    return features, faults


def _looked_at(
    raw: RawFile, taken: NDArray[np.bool_], reference: FileCrs, told: Told
) -> Iterator[tuple[int, Polygon | None]]:
    """The features by their index, each with its polygon where that is sound, and how far they are."""
    indices = np.flatnonzero(taken)
    for start in range(0, len(indices), _TELL_EVERY):
        some = indices[start : start + _TELL_EVERY]
        yield from zip(some.tolist(), _sound(raw.geometries[some], raw.unclosed[some], reference), strict=True)
        told("mended", start + len(some))


def _sound(geometries: NDArray[np.object_], unclosed: NDArray[np.bool_], reference: FileCrs) -> NDArray[np.object_]:
    """Those that are one polygon without holes and with nothing to mend, on the integer grid; None for all others.

    They are nearly all of a large file, and looking at them together costs a tenth of looking at each by itself. Holes
    may touch their shell, which then gets the vertex.
    """
    found = np.full(len(geometries), None, dtype=object)
    at = np.flatnonzero(_is_one_polygon(geometries) & shapely.is_valid(geometries) & ~unclosed)
    ground = shapely.transform(shapely.get_geometry(geometries[at], 0), reference.to_ground)
    is_sound = shapely.is_valid(ground) & _is_on_earth(ground)
    is_sound &= shapely.get_num_coordinates(shapely.remove_repeated_points(ground)) == shapely.get_num_coordinates(
        ground
    )
    whole = in_degrees(in_units(shapely.orient_polygons(ground[is_sound])))
    whole[shapely.is_empty(whole)] = None
    found[at[is_sound]] = whole
    return found


def _is_one_polygon(geometries: NDArray[np.object_]) -> NDArray[np.bool_]:
    kinds = shapely.get_type_id(geometries)
    is_one = np.isin(kinds, (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    is_one &= (shapely.get_num_geometries(geometries) == 1) & ~shapely.is_empty(geometries)
    return np.asarray(is_one & (shapely.get_num_interior_rings(shapely.get_geometry(geometries, 0)) == 0))


def _is_on_earth(ground: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which lie where there are lon and lat, and not round the world."""
    with np.errstate(invalid="ignore"):
        west, south, east, north = shapely.bounds(ground).T
        inside = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)  # noqa: PLR2004  # degrees
        return np.asarray(inside & (east - west <= WIDEST_DEG))


def _parent(text: str | None) -> str | None:
    """The code of a parent; maps from the web have whole objects there, which say nothing of our areas."""
    return None if text is None or text.startswith("{") else text


def _on_ground(geometry: BaseGeometry | None, reference: FileCrs) -> tuple[Polygon | MultiPolygon, list[Fault]]:
    """A mended polygon on the integer grid. Raises InvalidShape for what cannot be one."""
    if geometry is None or geometry.is_empty:
        raise InvalidShape("no-coordinates")
    if not isinstance(geometry, Polygon | MultiPolygon):
        raise InvalidShape("wrong-type")
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise InvalidShape("not-finite")
    ground = shapely.transform(geometry, reference.to_ground)
    if not (np.abs(shapely.get_coordinates(ground)) <= (180.0, 90.0)).all():
        raise InvalidShape("out-of-range")
    west, _, east, _ = ground.bounds
    if east - west > WIDEST_DEG:
        raise InvalidShape("round-the-world", *shapely.get_coordinates(ground)[0].tolist())
    mended, faults = repair(ground)
    whole: Polygon | MultiPolygon = in_degrees(in_units(np.array([mended], dtype=object)))[0]
    if whole.is_empty:
        raise InvalidShape("zero-area", *shapely.get_coordinates(mended)[0].tolist())
    return whole, faults


def _plain(value: Any) -> object:
    """A value as JSON has it: not-a-number and missing become None."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.hex()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _text(value: object) -> str | None:
    """A name or code as text; a code that a table holds as a number has no decimals."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return (str(value).replace("\0", "").strip() or None) if value is not None else None


def _file_faults(raw: RawFile, reference: FileCrs, taken: NDArray[np.bool_]) -> Iterator[Fault]:
    if not taken.all():
        yield Fault("other-kind", "note", detail={"count": int((~taken).sum())})
    if reference.assumed:
        yield Fault("crs-assumed", "warning", detail={"crs": reference.name})
    if reference.accuracy_m is not None:
        detail = {"crs": reference.name, "accuracy_m": reference.accuracy_m}
        yield Fault("crs-approximate", "warning", detail=detail)
    if raw.encoding.contradicted:
        detail = {"declared": raw.encoding.declared, "encoding": raw.encoding.name}
        yield Fault("encoding-contradicted", "warning", detail=detail)


def _inexact_faults(raw: RawFile, features: Sequence[BoundaryFeature], fields: _Fields) -> Iterator[Fault]:
    """Codes that were numbers somewhere on their way: their last digits are not those that were written."""
    for feature in features:
        for field in (fields.code, fields.parent):
            if field is not None and _has_lost_digits(feature.properties[field], in_lost=field in raw.inexact):
                place = feature.geometry.representative_point()
                detail = {"code": feature.code, "feature": feature.index, "name": feature.name, "fields": [field]}
                yield Fault("inexact-code", "error", place.x, place.y, detail)


def _has_lost_digits(value: object, *, in_lost: bool) -> bool:
    if isinstance(value, float):
        return in_lost or abs(value) >= _EXACT
    return isinstance(value, str) and _WITH_EXPONENT.fullmatch(value.strip()) is not None


def _code_faults(features: Sequence[BoundaryFeature]) -> Iterator[Fault]:
    counts = Counter(feature.code for feature in features if feature.code)
    for feature in features:
        if feature.code and counts[feature.code] > 1:
            place = feature.geometry.representative_point()
            detail = {"code": feature.code, "feature": feature.index, "name": feature.name}
            yield Fault("repeated-code", "error", place.x, place.y, detail)


def _neighbour_faults(features: Sequence[BoundaryFeature], gap_width_m: float) -> Iterator[Fault]:
    """What is wrong between features. Raises UnsupportedFile("too-many-overlaps") for a heap of them.

    A coverage has six neighbours an area, and one that lies in three others at once (a grid in its community, its
    street and its county, all in one file) three more; of a heap, every one has every other.
    """
    geometries = np.array([feature.geometry for feature in features], dtype=object)
    first, second = shapely.STRtree(geometries).query(geometries, predicate="intersects")
    pairs = int((first < second).sum())
    if pairs > _MOST_NEIGHBOURS * len(features) + _ALWAYS_TAKEN:
        raise UnsupportedFile("too-many-overlaps", str(pairs))
    for finding in check(geometries.tolist(), gap_width_m):
        yield _fault_of(finding, features)


def _fault_of(finding: Finding, features: Sequence[BoundaryFeature]) -> Fault:
    place = finding.geometry.representative_point()
    concerned = [features[member] for member in finding.members]
    detail = {
        "features": [feature.index for feature in concerned],
        "names": [feature.name or feature.code for feature in concerned],
        "area_m2": round(finding.area_m2, 1),
        "width_m": round(finding.width_m, 2),
    }
    return Fault(finding.code, finding.severity, place.x, place.y, detail)
