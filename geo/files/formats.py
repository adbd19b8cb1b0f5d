"""The formats of boundary files: which are read, by which driver, and telling one by its first bytes.

Owns that table, and the names of the formats that people also have and that are not read. Must not open files.
"""

import re
from collections.abc import Mapping
from typing import Final

from geo.errors import UnsupportedFile

DRIVERS: Final[Mapping[str, str]] = {
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".kml": "LIBKML",
    ".csv": "CSV",
    ".gdb": "OpenFileGDB",
}
SHAPEFILE_PARTS: Final = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg"})
ARCHIVES: Final = frozenset({".zip", ".kmz"})
WKT_COLUMNS: Final = ("wkt", "geometry", "geom", "the_geom", "wkt_geom", "shape", "几何", "图形")
MANY_LAYERS: Final = frozenset({"GPKG", "LIBKML", "OpenFileGDB"})
START_BYTES: Final = 4096

# Suffix of a format that is not read -> the reason, which tells what to do.
_NOT_READ: Final[Mapping[str, str]] = {
    ".dxf": "drawing",
    ".dwg": "drawing",
    ".dgn": "drawing",
    ".xlsx": "spreadsheet",
    ".xls": "spreadsheet",
    ".et": "spreadsheet",
    ".tab": "mapinfo",
    ".mif": "mapinfo",
    ".topojson": "topojson",
    ".rar": "other-archive",
    ".7z": "other-archive",
    ".gz": "other-archive",
}
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_STARTS: Final = (
    (re.compile(rb"PK\x03\x04|PK\x05\x06"), ".zip"),
    (re.compile(rb"SQLite format 3\x00"), ".gpkg"),
    (re.compile(rb"AutoCAD Binary DXF|AC10\d\d|\s*0\r?\nSECTION|\s*999\r?\n"), ".dxf"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), ".xls"),
    (re.compile(rb"Rar!|7z\xbc\xaf|\x1f\x8b"), ".rar"),
)
_TOPOLOGY: Final = re.compile(rb'"type"\s*:\s*"Topology"')


def suffix_of(start: bytes) -> str:
    """Tell a format by the first bytes of a file. Raises UnsupportedFile, by name where it is known and not read."""
    found = next((suffix for shape, suffix in _STARTS if shape.match(start)), None) or _text_suffix(start)
    if found is None:
        raise UnsupportedFile("unknown-format")
    require_read(found)
    return found


def _text_suffix(start: bytes) -> str | None:
    shown = start.lstrip(_BLANK)
    if shown.startswith(b"{"):
        return ".topojson" if _TOPOLOGY.search(start) else ".geojson"
    if shown.startswith(b"<"):
        return ".kml" if b"<kml" in start else None
    return ".csv" if _wkt_column(start) else None


def require_read(suffix: str) -> None:
    """Raise UnsupportedFile for the suffix of a format that people have and that is not read."""
    reason = _NOT_READ.get(suffix.lower())
    if reason is not None:
        raise UnsupportedFile(reason, suffix.lower())


def require_content(driver: str, start: bytes, name: str) -> None:
    """Raise UnsupportedFile where the first bytes are not those of the format that the suffix says."""
    if driver == "OpenFileGDB":
        return
    if driver == "ESRI Shapefile":
        is_so = start.startswith(b"\x00\x00\x27\x0a")
    elif driver == "CSV":
        if not _wkt_column(start):
            raise UnsupportedFile("no-wkt", name)
        return
    else:
        suffix = ".gpkg" if start.startswith(b"SQLite") else _text_suffix(start)
        require_read(suffix or "")
        is_so = suffix is not None and DRIVERS.get(suffix) == driver
    if not is_so:
        raise UnsupportedFile("damaged", name)


def _wkt_column(start: bytes) -> bool:
    """Whether the first line names a column of shapes as text."""
    first = start.lstrip(_BLANK).split(b"\n")[0]
    names = {name.strip(' "\r').lower() for text in _readings(first) for name in re.split("[,;\t]", text)}
    return not names.isdisjoint(WKT_COLUMNS)


def _readings(text: bytes) -> list[str]:
    return [text.decode(encoding, "replace") for encoding in ("utf-8", "gb18030")]
