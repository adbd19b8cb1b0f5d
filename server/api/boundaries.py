"""/v1/boundaries/export: an edition as a file. Parses, calls ``geo.files.export``, sends."""

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, send_file
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from geo.errors import InvalidQuestion
from geo.files.export import ENCODINGS, Wish, read_rows, write_areas
from geo.serving.features import read_standing
from server.database.transaction import transaction
from server.http.auth import staff_required
from sync.collections.fields import Text

blueprint = Blueprint("boundaries", __name__, url_prefix="/v1/boundaries", description="边界文件 · boundary files")
_TYPES = {
    "gpkg": "application/geopackage+sqlite3",
    "zip": "application/zip",
    "geojson": "application/geo+json",
}


class ExportSchema(Schema):
    """Which edition (in force where none is named), which kind of area (all), and how it is written."""

    format = fields.String(load_default="gpkg", validate=validate.OneOf(list(_TYPES)))
    edition = fields.Integer(load_default=None, validate=validate.Range(1, 2**31 - 1))
    kind = Text(load_default=None, validate=validate.Length(max=60))
    crs = Text(load_default="EPSG:4326", validate=validate.Regexp(r"^EPSG:[0-9]{4,6}(?!\n)$"))
    encoding = fields.String(load_default="UTF-8", validate=validate.OneOf(ENCODINGS))


@blueprint.get("/export")
@staff_required(over="the ground, which is no secret to staff", by_password=True)
@blueprint.arguments(ExportSchema, location="query")
@blueprint.response(200, content_type="application/octet-stream", description="The file")
def export(query: dict[str, Any]) -> Response:
    """Return an edition as GeoPackage, zipped Shapefile or GeoJSON."""
    with transaction() as tx:
        number = query["edition"] or read_standing(tx.session).edition
        if number is None:
            raise InvalidQuestion("edition", "no edition in force")
        rows = read_rows(tx.session, number, query["kind"])
    suffix = query["format"]
    with tempfile.TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder, f"edition.{suffix}")
        write_areas(rows, path, Wish(query["crs"], query["encoding"]))
        # What is open outlives its name: the folder is gone before the first byte is sent.
        opened = path.open("rb")
    name = f"edition-{number}{'-' + query['kind'] if query['kind'] else ''}.{suffix}"
    return send_file(opened, mimetype=_TYPES[suffix], as_attachment=True, download_name=name)
