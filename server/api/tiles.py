"""GET /v1/tiles/{edition}/{kind}/{z}/{x}/{y}.mvt: vector tiles of the ground. Knows no SQL and no issues."""

from flask import Response, abort, request
from flask_smorest import Blueprint

from geo.serving.tiles import TileAddress, TileName
from server.database.transaction import transaction
from server.grids.map_areas import city_epoch
from server.http.auth import staff_required
from server.tiles.answers import MVT, tile_answer

blueprint = Blueprint("tiles", __name__, url_prefix="/v1/tiles", description="矢量瓦片 · vector tiles")


@blueprint.get("/<int:edition>/<string:kind>/<int:z>/<int:x>/<int:y>.mvt")
@staff_required(over="the ground alone, which is no secret: tiles hold no issues", remembered=True)
@blueprint.response(200, content_type=MVT)
def tile(edition: int, kind: str, z: int, x: int, y: int) -> Response:
    """Return the areas of one kind in one edition, with code and name; an empty body where nothing lies.

    With ``epoch``, the life of the city as the map's ground tells it, a tile may be kept for ever.
    """
    address = TileAddress(z, x, y)
    if not address.exists:
        abort(404)
    epoch = request.args.get("epoch")
    return tile_answer(TileName(epoch or _epoch(), edition, kind, address), is_address=bool(epoch))


def _epoch() -> str:
    with transaction() as tx:
        return str(city_epoch(tx.session))[:8]
