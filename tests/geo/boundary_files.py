"""Writes boundary files of every make."""

import json
import zipfile

import numpy as np
import pyogrio.raw
import pytest
import shapely
from pyproj import Transformer
from shapely import box

from geo.errors import UnsupportedFile
from geo.files.reading import read_boundaries

WEST, EAST = box(114.30, 25.68, 114.31, 25.69), box(114.31, 25.68, 114.32, 25.69)
NAMES = ["阳岭社区", "金山社区"]
CODES = ["360725400001", "360725400002"]
DRIVERS = {".shp": "ESRI Shapefile", ".gpkg": "GPKG", ".geojson": "GeoJSON"}


def write(path, geometries=(WEST, EAST), *, crs="EPSG:4490", encoding=None, fields=None, layer=None, append=False):
    fields = fields or {"名称": NAMES[: len(geometries)], "编码": CODES[: len(geometries)]}
    pyogrio.raw.write(
        path,
        np.array([shapely.to_wkb(geometry) for geometry in geometries], dtype=object),
        [
            np.array(column) if isinstance(column[0], float) else np.array(column, dtype=object)
            for column in fields.values()
        ],
        list(fields),
        geometry_type="Unknown" if path.suffix != ".shp" else "Polygon",
        crs=crs,
        driver=DRIVERS[path.suffix],
        encoding=encoding,
        layer=layer,
        append=append,
    )
    return path


def geojson(tmp_path, *geometries, crs=None, names=NAMES):
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": geometry}
        for name, geometry in zip(names, geometries, strict=False)
    ]
    named = {"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}
    path = tmp_path / "areas.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", **named, "features": features}), encoding="utf-8")
    return path


def ring(*places):
    return {"type": "Polygon", "coordinates": [list(places)]}


def projected(crs, geometry):
    transformer = Transformer.from_crs(4490, crs, always_xy=True)
    return shapely.transform(geometry, transformer.transform, interleaved=False)


def zipped(folder, name="areas.zip", *, only=None, rename=lambda name: name):
    archive = folder.parent / name
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for part in sorted(folder.iterdir()):
            if only is None or part.suffix in only:
                opened.write(part, rename(part.name))
    return archive


def refusal(path, error=UnsupportedFile, **options):
    with pytest.raises(error) as caught:
        read_boundaries(path, **options)
    return caught.value


def codes(faults):
    return [fault.code for fault in faults]
