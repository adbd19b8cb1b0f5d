"""Ground that an edition sent as a whole would take from grids and give to none, as the gate before a draft asks it.

Owns asking that of areas sent by programs and files, beside what is in force. Must not know requests or drafts.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.coverage.changes import fragments
from geo.editions.difference import NewArea, propose
from server.grids.errors import GateClosed
from server.grids.holes import holes_made

_NEAR = text("""
    SELECT area.code, ST_AsBinary(polygon) FROM area_version
    JOIN area ON area.id = area_version.area_id
    JOIN area_kind ON area_kind.code = area.kind
    WHERE is_locating AND upper_inf(editions) AND polygon && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
        AND area.code <> ALL (CAST(:codes AS text[]))
""")


def require_ground_kept(session: Session, areas: Sequence[NewArea], retired: Sequence[str]) -> None:
    """Raise GateClosed where areas would enclose ground that was in a grid and would be in none.

    Records there would be nobody's. Errors of ``geo.editions.difference.propose``, too.
    """
    coming = propose(session, areas, retired)
    before, after = coming.before, coming.after
    if not before:
        return
    put = np.array(list(after.values()), dtype=object)
    tree = shapely.STRtree(put)

    def near(window: BaseGeometry) -> Mapping[str, BaseGeometry]:
        box = dict(zip(("west", "south", "east", "north"), window.bounds, strict=True))
        rows = session.execute(_NEAR, {**box, "codes": [*before, *after]})
        standing = {code: shapely.from_wkb(bytes(shape)) for code, shape in rows}
        codes = list(after)
        return standing | {codes[n]: after[codes[n]] for n in tree.query(shapely.box(*window.bounds)).tolist()}

    lost = list(holes_made(near, fragments(before, after)))
    if lost:
        raise GateClosed([finding.as_feature() for finding in lost])
