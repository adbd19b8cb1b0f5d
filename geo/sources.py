"""Opening boundary files of unknown make.

Owns which file in a folder or zip is meant, that it is safe to open, and reading it raw through GDAL. Must not know
what its columns mean. Only GeoJSON, Shapefile and GeoPackage are opened, and only when their content is what their
suffix says.
"""

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray

from geo.archive import ArchiveLimits, unpack
from geo.dbf import Encoding, decode, encoding_of
from geo.errors import UnsupportedFile

_DRIVERS: Final = {".geojson": "GeoJSON", ".json": "GeoJSON", ".gpkg": "GPKG", ".shp": "ESRI Shapefile"}
_SHAPEFILE_PARTS: Final = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg"})
_MAGIC: Final = {"GeoJSON": b"{", "GPKG": b"SQLite format 3\0", "ESRI Shapefile": b"\x00\x00\x27\x0a"}
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
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
    `crs` is what the file declares.
    """

    driver: str
    crs: str | None
    encoding: Encoding
    geometries: NDArray[np.object_]
    unclosed: NDArray[np.bool_]
    columns: Mapping[str, NDArray[Any]]


def read_raw(path: Path, layer: str | None, limits: FileLimits, *, preferred: str | None = None) -> RawFile:
    """Read a file, a folder with a Shapefile, or a zip of either. Raises UnsupportedFile.

    `preferred`: the layer to take among several where none is named.
    """
    with _unpacked(path, limits) as files:
        if not files:
            raise UnsupportedFile("unknown-format", path.name)
        part = _chosen(files, (layer, preferred))
        driver = _driver(part, path.name)
        encoding = encoding_of(part) if driver == "ESRI Shapefile" else Encoding("UTF-8", None)
        with _gdal_errors(path.name):
            return _read(part, driver, encoding, _layer(part, (layer, preferred)) if driver == "GPKG" else None, limits)


@contextmanager
def _unpacked(path: Path, limits: FileLimits) -> Iterator[dict[str, Path]]:
    """The files of a known kind, by name without suffix; those of a zip are there only for as long."""
    if not path.exists():
        raise UnsupportedFile("missing", path.name)
    if path.is_dir():
        yield {file.stem: file for file in sorted(path.iterdir()) if file.suffix.lower() in _DRIVERS}
        return
    if path.stat().st_size > limits.file_bytes:
        raise UnsupportedFile("too-large", f"{path.stat().st_size} > {limits.file_bytes} bytes")
    if path.suffix.lower() != ".zip":
        yield {path.stem: path} if path.suffix.lower() in _DRIVERS else {}
        return
    with tempfile.TemporaryDirectory(prefix="boundaries-") as folder:
        archive_limits = ArchiveLimits(limits.unpacked_bytes, limits.members)
        groups = unpack(path, Path(folder), _SHAPEFILE_PARTS | set(_DRIVERS), archive_limits)
        parts = {name: sorted(stem.parent.glob(f"{stem.name}.*")) for name, stem in groups.items()}
        yield {Path(name).name: file for name, files in parts.items() for file in files if file.suffix in _DRIVERS}


def _chosen(files: Mapping[str, Path], wanted: Sequence[str | None]) -> Path:
    for layer in wanted:
        if layer is not None and layer in files:
            return files[layer]
    if len(files) > 1:
        raise UnsupportedFile("several-layers", ", ".join(files))
    return next(iter(files.values()))


def _driver(part: Path, name: str) -> str:
    """The driver for a file, once its first bytes and its companions say the same as its suffix."""
    driver = _DRIVERS[part.suffix.lower()]
    with part.open("rb") as opened:
        start = opened.read(1024)
    if not (start.lstrip(_BLANK) if driver == "GeoJSON" else start).startswith(_MAGIC[driver]):
        raise UnsupportedFile("damaged", name)
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
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError) as error:
        raise UnsupportedFile("damaged", name) from error


def _layer(part: Path, wanted: Sequence[str | None]) -> str:
    layers = {str(name): str(kind or "") for name, kind in pyogrio.list_layers(part)}
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
    # One more than allowed is enough to know that there are too many.
    meta, _, wkb, columns = pyogrio.raw.read(
        part, layer=layer, encoding=codec, force_2d=True, max_features=limits.features + 1
    )
    if wkb is None or not len(wkb):
        raise UnsupportedFile("empty", part.suffix)
    if len(wkb) > limits.features:
        raise UnsupportedFile("too-many-features", f"> {limits.features}")
    geometries = shapely.from_wkb(wkb, on_invalid="ignore")
    broken = shapely.is_missing(geometries)
    geometries[broken] = shapely.from_wkb(wkb[broken], on_invalid="fix")
    if shapely.get_num_coordinates(geometries).sum() > limits.points:
        raise UnsupportedFile("too-many-points", f"> {limits.points}")
    unclosed = broken & ~shapely.is_missing(geometries)
    named = dict(zip(map(str, meta["fields"]), columns, strict=True))
    if codec:
        named = {decode(name, encoding.name): _decoded(column, encoding.name) for name, column in named.items()}
    return RawFile(driver, meta["crs"], encoding, geometries, unclosed, named)


def _decoded(column: NDArray[Any], encoding: str) -> NDArray[Any]:
    if column.dtype != np.object_:
        return column
    return np.array([decode(text, encoding) if isinstance(text, str) else text for text in column], dtype=object)
