"""Opening boundary files of unknown make.

Owns which file in a folder or zip is meant, that it is safe to open, and reading it raw through GDAL. Must not know
what its columns mean. Only the formats of `geo.files.formats` are opened, and only when their content is what their
suffix says.
"""

import shutil
import sqlite3
import struct
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from geo.errors import UnsupportedFile
from geo.files.archive import ArchiveLimits, unpack
from geo.files.dbf import Encoding, columns_with_exponents, decode, encoding_of, require_readable, told_by
from geo.files.excess import require_measured
from geo.files.formats import (
    ARCHIVES,
    DRIVERS,
    MANY_LAYERS,
    SHAPEFILE_PARTS,
    START_BYTES,
    WKT_COLUMNS,
    require_content,
    require_read,
)

SUFFIXES: Final = SHAPEFILE_PARTS | set(DRIVERS)
"""Of the files that are read, and of those beside them that they need."""

_OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "ESRI Shapefile": {"ADJUST_TYPE": "YES"},
    "CSV": {"GEOM_POSSIBLE_NAMES": ",".join(WKT_COLUMNS)},
}
_WHOLE_NUMBERS: Final = frozenset({"OFTInteger", "OFTInteger64"})
# What GDAL says of coordinates that are no numbers: ECharts packs them into texts (UTF8Encoding).
_SHAPES_AS_TEXTS: Final = "Unexpected type string"
# Well-known binary: byte order, kind and number of parts; two doubles a position.
_WKB_POLYGON: Final = 3
_WKB_MULTIPOLYGON: Final = 6
_WKB_HEAD: Final = 9
_WKB_POSITION: Final = 16
_LEAST_OF_RING: Final = 4
_POLYGON_LAYERS: Final = ("Polygon", "MultiPolygon", "CurvePolygon", "MultiSurface", "Unknown", "GeometryCollection")


@dataclass(frozen=True)
class FileLimits:
    """How much a file may hold."""

    file_bytes: int = 200 << 20
    unpacked_bytes: int = 1 << 30
    members: int = 1000
    features: int = 200_000
    points: int = 20_000_000


@dataclass(frozen=True)
class RawFile:
    """What GDAL read, arrays of one length.

    `geometries` are as they were, None where there is none; of those in `unclosed`, GDAL's rings had to be closed.
    `crs` is what the file declares. `inexact`: columns of numbers of which the last digits are lost.
    """

    driver: str
    crs: str | None
    encoding: Encoding
    geometries: NDArray[np.object_]
    unclosed: NDArray[np.bool_]
    columns: Mapping[str, NDArray[Any]]
    inexact: frozenset[str] = frozenset()


def read_raw(
    path: Path, layer: str | None, limits: FileLimits, *, preferred: str | None = None, encoding: str | None = None
) -> RawFile:
    """Read a file, a folder with a Shapefile, or a zip. Raises UnsupportedFile.

    `preferred`: the layer to take among several where none is named. `encoding`: of its texts, where what the
    file says of itself is wrong.
    """
    with _unpacked(path, limits) as files:
        if not files:
            raise UnsupportedFile("unknown-format", path.name)
        part = _chosen(files, (layer, preferred))
        driver = _driver(part, path.name)
        with (
            _gdal_errors(path.name),
            _stored(part, driver, layer) as stored,
            _in_utf8(stored, driver, encoding) as (opened, told),
        ):
            chosen = _layer(opened, (layer, preferred)) if driver in MANY_LAYERS else None
            return _read(opened, driver, told, chosen, limits)


@contextmanager
def _in_utf8(part: Path, driver: str, given: str | None) -> Iterator[tuple[Path, Encoding]]:
    """The file, in UTF-8 where it is a text (spreadsheets write CSV in GBK), and the encoding of its texts."""
    if driver not in ("CSV", "GeoJSON"):
        yield part, encoding_of(part, given) if driver == "ESRI Shapefile" else Encoding("UTF-8", None)
        return
    content = part.read_bytes()
    require_measured(content, driver, part.name)
    texts = {line for line in content.split(b"\n") if not line.isascii()}
    name = told_by(texts) if given is None else require_readable(texts, given)
    if name == "UTF-8":
        yield part, Encoding(name, None)
        return
    with tempfile.TemporaryDirectory(prefix="boundaries-") as folder:
        copy = Path(folder, part.name)
        copy.write_text(content.decode(name, "replace"), encoding="utf-8")
        yield copy, Encoding(name, None)


@contextmanager
def _stored(part: Path, driver: str, layer: str | None) -> Iterator[Path]:
    """The file without its views: GDAL asks views, whose rows may have no end.

    Raises UnsupportedFile("layer-is-a-view") where the layer asked for, or the only ones, are such.
    """
    views = _views(part) if driver == "GPKG" else []
    if not views:
        yield part
        return
    if layer in views:
        raise UnsupportedFile("layer-is-a-view", layer)
    with tempfile.TemporaryDirectory(prefix="boundaries-") as folder:
        copy = shutil.copyfile(part, Path(folder, part.name))
        with closing(sqlite3.connect(copy)) as database, database:
            for view in views:
                database.execute(f"DROP VIEW {_quoted(view)}")
                database.execute("DELETE FROM gpkg_contents WHERE table_name = ?", (view,))
            left = database.execute("SELECT 1 FROM gpkg_contents WHERE data_type = 'features' LIMIT 1").fetchone()
        if left is None:
            raise UnsupportedFile("layer-is-a-view", ", ".join(views))
        yield copy


def _views(part: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(f"{part.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            return [str(name) for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
    except sqlite3.Error as error:
        raise UnsupportedFile("damaged", part.name) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def _unpacked(path: Path, limits: FileLimits) -> Iterator[dict[str, Path]]:
    """The files of a known kind, by name without suffix; those of a zip are there only for as long."""
    if not path.exists():
        raise UnsupportedFile("missing", path.name)
    require_read(path.suffix)
    if path.is_dir():
        if path.suffix.lower() == ".gdb":
            yield {path.stem: path}
        else:
            yield {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() in DRIVERS}
        return
    if path.stat().st_size > limits.file_bytes:
        raise UnsupportedFile("too-large", f"{path.stat().st_size} > {limits.file_bytes} bytes")
    if path.suffix.lower() not in ARCHIVES:
        yield {path.stem: path} if path.suffix.lower() in DRIVERS else {}
        return
    with tempfile.TemporaryDirectory(prefix="boundaries-") as folder:
        archive_limits = ArchiveLimits(limits.unpacked_bytes, limits.members)
        groups = unpack(path, Path(folder), SUFFIXES, archive_limits)
        parts = {name: sorted(stem.parent.glob(f"{stem.name}.*")) for name, stem in groups.items()}
        yield {Path(name).name: file for name, files in parts.items() for file in files if file.suffix in DRIVERS}


def _chosen(files: Mapping[str, Path], wanted: Sequence[str | None]) -> Path:
    for layer in wanted:
        if layer is not None and layer in files:
            return files[layer]
    if len(files) > 1:
        raise UnsupportedFile("several-layers", ", ".join(files))
    return next(iter(files.values()))


def _driver(part: Path, name: str) -> str:
    """The driver for a file, once its first bytes and its companions say the same as its suffix."""
    driver = DRIVERS[part.suffix.lower()]
    if part.is_dir():
        return driver
    with part.open("rb") as opened:
        require_content(driver, opened.read(START_BYTES), name)
    siblings = {file.suffix.lower() for file in part.parent.glob(f"{part.stem}.*")}
    if driver == "ESRI Shapefile" and ".shx" not in siblings:
        raise UnsupportedFile("missing-part", ".shx")
    return driver


@contextmanager
def _gdal_errors(name: str) -> Iterator[None]:
    """Make errors of GDAL ours. What it only warns of, we look for ourselves."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError, sqlite3.Error) as error:
        reason = "packed-shapes" if _SHAPES_AS_TEXTS in str(error) else "damaged"
        raise UnsupportedFile(reason, name) from error


def _layer(part: Path, wanted: Sequence[str | None]) -> str:
    layers = {str(name): str(kind or "") for name, kind in pyogrio.list_layers(part)}
    asked = wanted[0]
    if asked is not None and asked not in layers:
        raise UnsupportedFile("no-layer", f"{asked}: {', '.join(layers)}")
    for layer in wanted:
        if layer in layers:
            return layer
    polygons = [name for name, kind in layers.items() if kind.split(" ")[0] in _POLYGON_LAYERS]
    if not polygons:
        raise UnsupportedFile("no-polygons", ", ".join(layers))
    if len(polygons) > 1:
        raise UnsupportedFile("several-layers", ", ".join(polygons))
    return polygons[0]


def _read(part: Path, driver: str, encoding: Encoding, layer: str | None, limits: FileLimits) -> RawFile:
    # A text may be cut off within a character, which GDAL takes for damage: it gets bytes, and we decode them.
    codec = "ISO-8859-1" if driver == "ESRI Shapefile" else None
    inexact = columns_with_exponents(part) if driver == "ESRI Shapefile" else frozenset()
    options = {"encoding": codec, **({} if inexact else _OPTIONS.get(driver, {}))}
    # One more than allowed is enough to know that there are too many.
    meta, _, wkb, columns = pyogrio.raw.read(
        part, **_exactly(part, layer, options), **options, force_2d=True, max_features=limits.features + 1
    )
    if wkb is None or not len(wkb):
        raise UnsupportedFile("empty", part.suffix)
    if len(wkb) > limits.features:
        raise UnsupportedFile("too-many-features", f"> {limits.features}")
    geometries = shapely.from_wkb(wkb, on_invalid="ignore")
    broken = shapely.is_missing(geometries)
    geometries[broken] = shapely.from_wkb(wkb[broken], on_invalid="fix")
    unclosed = broken & ~shapely.is_missing(geometries)
    short = shapely.is_missing(geometries) & np.array([each is not None for each in wkb], dtype=bool)
    geometries[short] = shapely.from_wkb([_with_whole_rings(each) for each in wkb[short]], on_invalid="fix")
    if shapely.get_num_coordinates(geometries).sum() > limits.points:
        raise UnsupportedFile("too-many-points", f"> {limits.points}")
    named = dict(zip(map(str, meta["fields"]), columns, strict=True))
    if codec:
        named = {decode(name, encoding.name): _decoded(column, encoding.name) for name, column in named.items()}
    if driver == "CSV":
        named = {name: column for name, column in named.items() if name.lower() not in WKT_COLUMNS}
    lost = frozenset(name for number, name in enumerate(named) if number in inexact)
    return RawFile(driver, meta["crs"], encoding, geometries, unclosed, named, lost)


def _with_whole_rings(wkb: bytes) -> bytes:
    """Return a polygon or multipolygon in two dimensions with its first point repeated in rings of fewer than four.

    GEOS takes no such ring, and with it would go all other rings: now the ring is there to be removed and told.
    """
    order = "<" if wkb[0] else ">"
    kind, count = struct.unpack_from(f"{order}II", wkb, 1)
    if kind not in (_WKB_POLYGON, _WKB_MULTIPOLYGON):
        return wkb
    out, at = bytearray(wkb[:_WKB_HEAD]), _WKB_HEAD
    for _ in range(count if kind == _WKB_MULTIPOLYGON else 1):
        rings = count
        if kind == _WKB_MULTIPOLYGON:
            out += wkb[at : at + _WKB_HEAD]
            (rings,) = struct.unpack_from(f"{order}I", wkb, at + _WKB_HEAD - 4)
            at += _WKB_HEAD
        for _ in range(rings):
            (points,) = struct.unpack_from(f"{order}I", wkb, at)
            ring = wkb[at + 4 : at + 4 + points * _WKB_POSITION]
            at += 4 + len(ring)
            missing = max(0, _LEAST_OF_RING - points) if points else 0
            out += struct.pack(f"{order}I", points + missing) + ring + ring[:_WKB_POSITION] * missing
    return bytes(out)


def _exactly(part: Path, layer: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The question for a layer in which whole numbers are texts.

    As numbers, those of a column with an empty row become floats, and a code of 17 digits another one.
    """
    info = pyogrio.read_info(part, layer=layer, **options)
    fields = [(str(field), str(kind)) for field, kind in zip(info["fields"], info["ogr_types"], strict=True)]
    if not any(kind in _WHOLE_NUMBERS for _, kind in fields):
        return {"layer": layer}
    named = (
        f"CAST({_in_ogr(field)} AS character(40)) AS {_in_ogr(field)}" if kind in _WHOLE_NUMBERS else _in_ogr(field)
        for field, kind in fields
    )
    question = f"SELECT {', '.join(named)} FROM {_in_ogr(info['layer_name'])}"  # noqa: S608  # quoted, of a file alone
    return {"sql": question, "sql_dialect": "OGRSQL"}


def _in_ogr(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _decoded(column: NDArray[Any], encoding: str) -> NDArray[Any]:
    if column.dtype != np.object_:
        return column
    return np.array([decode(text, encoding) if isinstance(text, str) else text for text in column], dtype=object)
