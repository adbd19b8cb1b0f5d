"""A draft as a layer of features: the edition that it is over, without what it changes, and what it changes.

Owns that one select. Must not know requests; how features are asked for and written is ``geo.serving.features``'s.
"""

from collections.abc import Mapping
from typing import Any

import shapely
from sqlalchemy import ARRAY, BigInteger, LargeBinary, Text, cast, column, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import Select
from sqlalchemy.types import TypeEngine

from geo.editions.tables import Area, AreaVersion
from geo.serving.features import WGS84, Layer
from server.grids.drafts import Drawn
from server.grids.numbering import Numbers

_PUT: Mapping[str, type[TypeEngine[Any]]] = {
    "id": BigInteger, "code": Text, "name": Text, "parent": Text, "polygon": LargeBinary,
}  # fmt: skip


def draft_layer(session: Session, done: Drawn, edition: int, kind: str) -> Layer:
    """Return the areas of a kind as a draft over an edition leaves them. Ids are those of ``Numbers``."""
    before, after = done.before.sheets[kind], done.after.sheets[kind]
    differing = sorted(before.differing(after))
    put = [code for code in differing if code in after.tracts]
    gone = [code for code in differing if code in before.tracts]
    whole = union_all(_kept(edition, kind, gone), _put(session, done, kind, put)).subquery("drawn")
    names = ("code", "name", "kind", "parent")
    return Layer(whole, (), whole.c.id, whole.c.polygon, {name: whole.c[name] for name in names})


def _kept(edition: int, kind: str, differing: list[str]) -> Select[*tuple[Any, ...]]:
    parent = aliased(Area)
    kept = (
        select(
            cast(Area.id, BigInteger).label("id"), Area.code, AreaVersion.name, Area.kind, parent.code.label("parent"),
            AreaVersion.polygon,
        )
        .join_from(AreaVersion, Area, Area.id == AreaVersion.area_id)
        .outerjoin(parent, parent.id == AreaVersion.parent_id)
        .where(AreaVersion.editions.contains(edition), Area.kind == kind)
    )  # fmt: skip
    return kept.where(Area.code != func.all(cast(differing, ARRAY(Text)))) if differing else kept


def _put(session: Session, done: Drawn, kind: str, codes: list[str]) -> Select[*tuple[Any, ...]]:
    numbers = Numbers(session, done).of(codes)
    tracts = [done.after.sheets[kind][code] for code in codes]
    columns: list[list[Any]] = [
        [numbers[code] for code in codes],
        list(codes),
        [tract.name for tract in tracts],
        [tract.parent_code for tract in tracts],
        [shapely.to_wkb(tract.polygon) for tract in tracts],
    ]
    arrays = [cast(values, ARRAY(kind_of)) for values, kind_of in zip(columns, _PUT.values(), strict=True)]
    told = (
        func.unnest(*arrays)
        .table_valued(*(column(name, kind_of) for name, kind_of in _PUT.items()), name="put")
        .render_derived()
    )
    return select(
        told.c.id, told.c.code, told.c.name, literal(kind, Text).label("kind"), told.c.parent,
        func.ST_Multi(func.ST_GeomFromWKB(told.c.polygon, WGS84)).label("polygon"),
    )  # fmt: skip
