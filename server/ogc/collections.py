"""Which collections there are, and the layer behind each. Knows no SQL and no wording but their titles.

``areas-{kind}`` are the areas of a kind in the edition in force, ``edition-{number}`` all areas of one edition (which
never changes), ``issues`` and ``visits`` what is in the caller's charge, ``draft-{number}-{kind}`` the areas of a kind
as a draft leaves them, which GIS staff may write (``server.ogc.writing``).
"""

import datetime as dt
import re
import threading
from dataclasses import dataclass

from cachetools import LRUCache
from sqlalchemy.orm import Session

from geo.serving.features import EditionInForce, KindName, Layer, area_layer, read_editions, read_kinds
from server.accounts.charge import Charge, reach
from server.cases.lists.layers import issue_layer, visit_layer
from server.database.ground_cache import ground_at
from server.grids import drafts
from server.grids.layers import draft_layer
from server.grids.tables import Draft

LISTED_EDITIONS = 20
LISTED_DRAFTS = 20
GROUNDS_KEPT = 200
_EDITION = re.compile(r"edition-([1-9]\d{0,8})")
_KIND = re.compile(r"areas-(.{1,60})")
_DRAFT = re.compile(r"draft-([1-9]\d{0,8})-(.{1,60})")


@dataclass(frozen=True)
class DraftMark:
    """Which draft a collection shows, at which version; nobody can write one that ``is_published``."""

    id: int
    version: int
    is_published: bool


@dataclass(frozen=True)
class Collection:
    """A collection by id and title. ``edition``: that of the ground it shows; None for records, which change."""

    id: str
    title: str
    geometry: str
    edition: int | None = None
    kind: str | None = None
    has_time: bool = False
    draft: DraftMark | None = None

    @property
    def is_ground(self) -> bool:
        """Whether it is made of areas."""
        return self.edition is not None

    @property
    def is_writable(self) -> bool:
        """Whether features can be put into it and taken away."""
        return self.draft is not None and not self.draft.is_published

    @property
    def state(self) -> str:
        """What tells this state of the ground from all others in one life of the city."""
        return f"{self.edition}" if self.draft is None else f"{self.edition} {self.draft.id} {self.draft.version}"


ISSUES = Collection("issues", "事件 · issues", "Point", has_time=True)
VISITS = Collection("visits", "走访 · visits", "Point", has_time=True)


def listed(session: Session, standing: EditionInForce, *, with_drafts: bool) -> list[Collection]:
    """Return the collections that are listed; older editions and drafts are there too, by number."""
    kinds = (
        [_of_kind(kind, standing.edition) for kind in _kinds(session, standing)] if standing.edition is not None else []
    )
    editions = [_of_edition(number, name) for number, name in read_editions(session, LISTED_EDITIONS)]
    drawn = _drafts(session, standing) if with_drafts else []
    return [*kinds, *drawn, *editions, ISSUES, VISITS]


def names_ground(collection_id: str) -> bool:
    """Return whether an id can be of nothing but areas of an edition: the same for all staff, and no secret."""
    return collection_id.startswith(("areas-", "edition-"))


_grounds_known: LRUCache[tuple[EditionInForce, str], Collection] = LRUCache(GROUNDS_KEPT)
_knowing = threading.Lock()


def known_ground(standing: EditionInForce, collection_id: str) -> Collection | None:
    """Return a collection of ground that was found in this state of the editions lately; None says nothing."""
    with _knowing:
        return _grounds_known.get((standing, collection_id))


def find(session: Session, standing: EditionInForce, collection_id: str) -> Collection | None:
    """Return the collection of an id; None where there is none."""
    found = _look_for(session, standing, collection_id)
    if found is not None and names_ground(collection_id):
        with _knowing:
            _grounds_known[standing, collection_id] = found
    return found


def _look_for(session: Session, standing: EditionInForce, collection_id: str) -> Collection | None:
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
    if drawn := _DRAFT.fullmatch(collection_id):
        draft = session.get(Draft, int(drawn[1]))
        kind_name = next((each for each in _kinds(session, standing) if each.code == drawn[2]), None)
        return None if draft is None or kind_name is None else _of_draft(draft, kind_name)
    return None


_kinds_known: dict[tuple[str, int], list[KindName]] = {}


def _kinds(session: Session, standing: EditionInForce) -> list[KindName]:
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
    if collection.draft is not None:
        done = drafts.drawn(session, drafts.find(session, collection.draft.id))
        return draft_layer(session, done, collection.edition or 0, collection.kind or "")
    if collection.edition is not None:
        return area_layer(collection.edition, collection.kind)
    held = reach(charge, ground_at(session)(now))
    return issue_layer(held, now) if collection is ISSUES else visit_layer(held)


def properties_of(session: Session, collection: Collection, charge: Charge, now: dt.datetime) -> tuple[str, ...]:
    """Return the names of the properties that its features have."""
    if collection.edition is not None:
        return tuple(area_layer(collection.edition, collection.kind).properties)
    return tuple(layer_of(session, collection, charge, now).properties)


def _of_kind(kind: KindName, edition: int | None) -> Collection:
    return Collection(f"areas-{kind.code}", f"{kind.name_zh} · {kind.name_en}", "MultiPolygon", edition, kind.code)


def _of_edition(number: int, name: str) -> Collection:
    return Collection(f"edition-{number}", f"第 {number} 版 · edition {number}: {name}", "MultiPolygon", number)


def _drafts(session: Session, standing: EditionInForce) -> list[Collection]:
    """Return the newest drafts that can be written, kind by kind."""
    newest = [draft for draft, _ in drafts.listed(session) if draft.published_edition is None][:LISTED_DRAFTS]
    return [_of_draft(draft, kind) for draft in newest for kind in reversed(_kinds(session, standing))]


def _of_draft(draft: Draft, kind: KindName) -> Collection:
    title = f"草案 {draft.id} · draft {draft.id}: {draft.name} · {kind.name_zh} · {kind.name_en}"
    mark = DraftMark(draft.id, draft.version, draft.published_edition is not None)
    return Collection(f"draft-{draft.id}-{kind.code}", title, "MultiPolygon", draft.base_edition, kind.code, draft=mark)
