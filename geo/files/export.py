"""An edition as a file: GeoPackage, Shapefile in a zip (texts in UTF-8 or GBK, and a .cpg that says so), GeoJSON.

Owns reading an edition's areas for a file and writing it, so that ``geo.files.reading`` reads back the very same
ground. Knows nothing of requests or terminals. A GeoPackage and a zip have a layer for each kind of area, GeoJSON has
one list.
"""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyogrio.raw
import shapely
from pyproj import CRS, Transformer
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.errors import InvalidQuestion, UnsupportedFile
from geo.geometry.crs import crs_named

FORMATS: Final = {".gpkg": "GPKG", ".zip": "ESRI Shapefile", ".geojson": "GeoJSON"}
ENCODINGS: Final = ("UTF-8", "GBK")
FIELDS: Final = ("code", "name", "kind", "parent")
_LONGEST_DBF_BYTES: Final = 254
# A GeoJSON in metres is read wrongly by everything that follows RFC 7946.
_DEGREES: Final = ("EPSG:4326", "EPSG:4490")


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area of an edition. ``wkb``: MultiPolygon in EPSG:4326, lon, lat."""

    code: str
    name: str
    kind: str
    parent: str | None
    wkb: bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of a file: its reference system, and the encoding of a Shapefile's texts."""

    crs: str = "EPSG:4326"
    encoding: str = "UTF-8"


_AREAS = text("""
    SELECT area.code, version.name, area.kind, parent.code, ST_AsBinary(version.polygon)
    FROM area_version AS version
    JOIN area ON area.id = version.area_id
    JOIN area_kind ON area_kind.code = area.kind
    LEFT JOIN area AS parent ON parent.id = version.parent_id
    WHERE EXISTS (SELECT FROM edition WHERE number = :edition)
        AND version.editions @> CAST(:edition AS int) AND (CAST(:kind AS text) IS NULL OR area.kind = :kind)
    ORDER BY area_kind.rank, area.kind, area.code
""")


def read_rows(session: Session, edition: int, kind: str | None) -> list[AreaRow]:
    """Return the areas of an edition, the highest kind first. Raises ``InvalidQuestion`` where there are none."""
    rows = session.execute(_AREAS, {"edition": edition, "kind": kind}).all()
    if not rows:
        raise InvalidQuestion("kind" if kind else "edition", "nothing there")
    return [AreaRow(code, name, kind, parent, bytes(wkb)) for code, name, kind, parent, wkb in rows]


def write_areas(rows: Sequence[AreaRow], path: Path, wish: Wish | None = None) -> None:
    """Write areas to a file; its suffix says the format. An existing file is replaced, once the new one is whole.

    Raises ``UnsupportedFile`` for another suffix, ``InvalidQuestion`` for an encoding or a reference system that
    cannot hold these areas, and what ``crs_named`` raises.
    """
    wish = wish or Wish()
    driver = FORMATS.get(path.suffix.lower())
    if driver is None:
        raise UnsupportedFile("unknown-format", f"{path.name}: {', '.join(FORMATS)}")
    crs = crs_named(wish.crs).definition
    _check(rows, driver, wish, crs)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as folder:
        whole = Path(folder, f"whole{path.suffix.lower()}")
        if driver == "ESRI Shapefile":
            _write_zip(rows, whole, Path(folder), wish, crs)
        elif driver == "GPKG":
            for number, (kind, layer) in enumerate(_layers(rows)):
                _write(layer, whole, driver, crs, layer_name=kind, append=number > 0)
        else:
            digits = {"COORDINATE_PRECISION": "12"}
            _write(rows, whole, driver, crs, layer_name="areas", layer_options=digits)
        whole.replace(path)


def _check(rows: Sequence[AreaRow], driver: str, wish: Wish, crs: CRS) -> None:
    if wish.encoding not in ENCODINGS:
        raise InvalidQuestion("encoding", ", ".join(ENCODINGS))
    if driver == "GeoJSON" and f"EPSG:{crs.to_epsg()}" not in _DEGREES:
        raise InvalidQuestion("crs", f"GeoJSON: {', '.join(_DEGREES)}")
    if driver != "ESRI Shapefile":
        return
    for row in rows:
        try:
            texts = [part.encode(wish.encoding) for part in (row.code, row.name, row.kind, row.parent or "")]
        except UnicodeEncodeError as error:
            raise InvalidQuestion("encoding", f"{row.code} {row.name}: {wish.encoding}") from error
        if max(map(len, texts)) > _LONGEST_DBF_BYTES:
            raise InvalidQuestion("format", f"{row.code}: > {_LONGEST_DBF_BYTES} bytes in a .dbf")


def _write_zip(rows: Sequence[AreaRow], whole: Path, folder: Path, wish: Wish, crs: CRS) -> None:
    for kind, layer in _layers(rows):
        part = folder / "parts" / f"{kind}.shp"
        part.parent.mkdir(exist_ok=True)
        _write(layer, part, "ESRI Shapefile", crs, encoding=wish.encoding)
        part.with_suffix(".cpg").write_text(wish.encoding, encoding="ascii")
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((folder / "parts").iterdir()):
            archive.write(file, file.name)


def _layers(rows: Sequence[AreaRow]) -> Iterator[tuple[str, list[AreaRow]]]:
    for kind, members in groupby(rows, key=attrgetter("kind")):
        yield kind, list(members)


def _write(
    rows: Sequence[AreaRow], path: Path, driver: str, crs: CRS, *, layer_name: str | None = None, **options: Any
) -> None:
    shapes = shapely.from_wkb([row.wkb for row in rows])
    if crs.to_epsg() not in (4326, 4490):
        way = Transformer.from_crs(4326, crs, always_xy=True)
        shapes = shapely.transform(shapes, lambda at: np.stack(way.transform(at[:, 0], at[:, 1]), axis=1))
    columns = [np.array([getattr(row, field) for row in rows], dtype=object) for field in FIELDS]
    pyogrio.raw.write(
        path,
        shapely.to_wkb(shapes),
        columns,
        list(FIELDS),
        driver=driver,
        layer=layer_name,
        geometry_type="Polygon" if driver == "ESRI Shapefile" else "MultiPolygon",
        crs=f"EPSG:{crs.to_epsg()}",
        **options,
    )
