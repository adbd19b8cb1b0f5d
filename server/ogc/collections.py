"""Which collections there are, and the layer behind each. Knows no SQL and no wording but their titles.

``areas-{kind}`` are the areas of a kind in the edition in force, ``edition-{number}`` all areas of one edition (which
never changes), ``issues`` and ``visits`` what is in the caller's charge. Editable drafts join here: a prefix of their
own in ``find``, and a writer beside the layer.
"""

import datetime as dt
import re
from dataclasses import dataclass

from sqlalchemy.orm import Session

from geo.features import KindName, Layer, Standing, area_layer, read_editions, read_kinds
from geo.tiles import edition_has_kind
from server.accounts.charge import Charge, reach
from server.cases.layers import issue_layer, visit_layer
from server.grounds import ground_at

LISTED_EDITIONS = 20
_EDITION = re.compile(r"edition-([1-9]\d{0,8})")
_KIND = re.compile(r"areas-(.{1,60})")


@dataclass(frozen=True)
class Collection:
    """A collection by id and title. ``edition``: that of the ground it shows; None for records, which change."""

    id: str
    title: str
    geometry: str
    edition: int | None = None
    kind: str | None = None
    has_time: bool = False

    @property
    def is_ground(self) -> bool:
        """Whether it is made of areas."""
        return self.edition is not None


ISSUES = Collection("issues", "事件 · issues", "Point", has_time=True)
VISITS = Collection("visits", "走访 · visits", "Point", has_time=True)


def listed(session: Session, standing: Standing) -> list[Collection]:
    """Return the collections that are listed; older editions are there too, by number."""
    kinds = (
        [_of_kind(kind, standing.edition) for kind in _kinds(session, standing)] if standing.edition is not None else []
    )
    editions = [_of_edition(number, name) for number, name in read_editions(session, LISTED_EDITIONS)]
    return [*kinds, *editions, ISSUES, VISITS]


def find(session: Session, standing: Standing, collection_id: str) -> Collection | None:
    """Return the collection of an id; None where there is none."""
    for each in (ISSUES, VISITS):
        if each.id == collection_id:
            return each
    if (kind := _KIND.fullmatch(collection_id)) and standing.edition is not None:
        return next(
            (_of_kind(each, standing.edition) for each in _kinds(session, standing) if each.code == kind[1]), None
        )
    if number := _EDITION.fullmatch(collection_id):
        editions = dict(read_editions(session, 1_000_000_000))
        name = editions.get(int(number[1]))
        return None if name is None else _of_edition(int(number[1]), name)
    return None


_kinds_known: dict[tuple[str, int], list[KindName]] = {}


def _kinds(session: Session, standing: Standing) -> list[KindName]:
    """Return the kinds; areas come with editions alone, so what was read of one state of them stays so."""
    state = (standing.epoch, standing.serial)
    known = _kinds_known.get(state)
    if known is None:
        if len(_kinds_known) >= LISTED_EDITIONS:
            _kinds_known.clear()
        known = _kinds_known[state] = read_kinds(session)
    return known


def layer_of(session: Session, collection: Collection, charge: Charge, now: dt.datetime) -> Layer:
    """Return what the features of a collection are read from, for this caller."""
    if collection.edition is not None:
        return area_layer(collection.edition, collection.kind)
    held = reach(charge, ground_at(session)(now))
    return issue_layer(held, now) if collection is ISSUES else visit_layer(held)


def tiled_kind(session: Session, collection: Collection, kind: str | None) -> bool:
    """Return whether there are tiles of this kind of area in the collection's edition."""
    return collection.edition is not None and kind is not None and edition_has_kind(session, collection.edition, kind)


def _of_kind(kind: KindName, edition: int | None) -> Collection:
    return Collection(f"areas-{kind.code}", f"{kind.name_zh} · {kind.name_en}", "MultiPolygon", edition, kind.code)


def _of_edition(number: int, name: str) -> Collection:
    return Collection(f"edition-{number}", f"第 {number} 版 · edition {number}: {name}", "MultiPolygon", number)
