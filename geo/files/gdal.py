"""GDAL as it may read what strangers made: with a few drivers, without network, without the files of others.

Owns which drivers there are and the settings. GDAL takes both when it is loaded, so they hold in a process that was
started with `environment()`; `require_pinned` asks whether this is one. In any other, a file whose content suits a
further driver may be opened by that one, whatever its suffix says.
"""

from collections.abc import Mapping
from typing import Final

import pyogrio

READ_DRIVERS: Final = frozenset({"GeoJSON", "GPKG", "ESRI Shapefile", "LIBKML", "CSV", "OpenFileGDB"})

_SETTINGS: Final[Mapping[str, str]] = {
    # Paths that lead to the network; a suffix that no file has.
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_HTTP_TIMEOUT": "1",
    "PROJ_NETWORK": "OFF",
    # A GeoPackage is a database that its author may have programmed.
    "OGR_SQLITE_PRAGMA": "trusted_schema=OFF,cell_size_check=ON",
    "OGR_ENABLE_PARTIAL_REPROJECTION": "NO",
    "GDAL_NUM_THREADS": "1",
    "GDAL_CACHEMAX": "64",
    "CPL_LOG": "/dev/null",
}


def environment() -> dict[str, str]:
    """The environment of a process in which GDAL may read what strangers made."""
    others = sorted(set(pyogrio.list_drivers()) - READ_DRIVERS)
    return {**_SETTINGS, "GDAL_SKIP": ",".join(others)}


def require_pinned() -> None:
    """Raise RuntimeError where GDAL has drivers that strangers' files must not reach."""
    if others := set(pyogrio.list_drivers()) - READ_DRIVERS:
        raise RuntimeError(f"not to be reached by strangers' files: {', '.join(sorted(others))}")
