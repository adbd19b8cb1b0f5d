"""How a vector tile is answered, whichever edge is asked: 304, kept or drawn, and compressed once.

A tile whose address names edition and life of the city is for ever: whoever holds it is answered from the address
alone, and whoever asks again from the cache, without a look into the database. Knows no route and no SQL.
"""

import gzip

from flask import Response, abort, current_app, request

from geo.serving.tiles import TileName, read_tile
from server.database.extensions import settings
from server.database.transaction import reading
from server.http.fresh import REVALIDATE, accepts, holds, tag_of, tagged
from server.tiles.cache import Addressed, TileCache, address_of

MVT = "application/vnd.mapbox-vector-tile"
FOREVER = "private, max-age=31536000, immutable"
# The shortest that any version of a tile's content stays: until it is drawn from sketches, it is drawn each time.
_BRIEFLY = "private, max-age=60"


def tile_answer(name: TileName, *, is_address: bool, by_password: bool = False) -> Response:
    """Return a tile; an empty body where nothing lies, 404 where there is no such edition or kind.

    ``is_address``: the address that was asked has the whole name in it, and so always means this tile; whoever asks it
    again is answered at ``server.tiles.middleware``. ``by_password``: whether the route lets programs in by a password.
    """
    tag = _tag(name)
    if not request.if_none_match.star_tag and holds(tag):
        return _headed(Response(status=304), tag, is_address=is_address)
    packed, is_final = _packed(name)
    response = Response(content_type=MVT)
    if accepts("gzip"):
        response.set_data(packed)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.set_data(gzip.decompress(packed))
    _headed(response, tag if is_final else f"{tag}-whole", is_address=is_address, is_final=is_final)
    if is_address and is_final:
        _note(name, response, by_password=by_password)
    return response


def _note(name: TileName, response: Response, *, by_password: bool) -> None:
    """Note what this address is answered with; only gzip is answered at the door."""
    headers = tuple((each, response.headers[each]) for each in ("ETag", "Cache-Control", "Vary"))
    of_content = (("Content-Type", MVT), ("Content-Encoding", "gzip"))
    answered = Addressed(name, response.headers["ETag"], request.endpoint or "none", headers, of_content, by_password)
    _tile_cache().note(address_of(request.environ), answered)


def _packed(name: TileName) -> tuple[bytes, bool]:
    """Return a tile, compressed, and whether it stays as it is. What is cut before the sketches are whole is larger."""
    cache = _tile_cache()
    kept = cache.get(name)
    if kept is not None:
        return kept, True
    with reading() as reader:
        tile = read_tile(reader, name)
    if tile is None:
        abort(404)
    packed = gzip.compress(tile.content, compresslevel=4, mtime=0)
    if tile.is_sketched:
        cache.keep(name, packed)
    return packed, tile.is_sketched


def _tile_cache() -> TileCache:
    cache: TileCache | None = current_app.extensions.get("tile_cache")
    if cache is None:
        cache = current_app.extensions.setdefault("tile_cache", TileCache(settings().tile_cache_bytes))
    return cache


def _tag(name: TileName) -> str:
    at = name.at
    told = f"{name.epoch} {name.edition} {name.kind} {at.z} {at.x} {at.y}"
    return tag_of(told.encode())


def _headed(response: Response, tag: str, *, is_address: bool, is_final: bool = True) -> Response:
    return tagged(response, tag, REVALIDATE if not is_address else FOREVER if is_final else _BRIEFLY)
