"""GET /v1/tiles/{edition}/{kind}/{z}/{x}/{y}.mvt: vector tiles of the ground. Knows no SQL and no issues."""

from flask import Response, abort
from flask_smorest import Blueprint

from geo.tiles import TileAddress, area_tile, edition_has_kind
from server.api.fresh import fresh
from server.auth import staff_required
from server.cases.territory import city_epoch
from server.extensions import db
from server.transaction import transaction

blueprint = Blueprint("tiles", __name__, url_prefix="/v1/tiles", description="矢量瓦片 · vector tiles")
# An edition never changes; a browser need not ask again.
FOREVER = "private, max-age=31536000, immutable"


@blueprint.get("/<int:edition>/<string:kind>/<int:z>/<int:x>/<int:y>.mvt")
@staff_required(over="the ground alone, which is no secret: tiles hold no issues")
@blueprint.response(200, content_type="application/vnd.mapbox-vector-tile")
def tile(edition: int, kind: str, z: int, x: int, y: int) -> Response:
    """Return the areas of one kind in one edition, with code and name; an empty body where nothing lies."""
    address = TileAddress(z, x, y)
    if not address.exists:
        abort(404)
    epoch = city_epoch(db.session())

    def make() -> bytes:
        with transaction() as tx:
            if not edition_has_kind(tx.session, edition, kind):
                abort(404)
            return area_tile(tx.session, edition, kind, address)

    tag = f"{str(epoch)[:8]}-{edition}-{kind}-{z}-{x}-{y}"
    return fresh(make, tag, content_type="application/vnd.mapbox-vector-tile", cache_control=FOREVER)
