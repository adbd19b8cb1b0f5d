"""The areas of drafts as features: which one a feature's id names, and the tags that If-Match is held to.

An area's tag is of its ground, name and parent alone, so that two people may write neighbours at once, and of no
reference system: programs may read in one and write in another. Knows no requests' bodies.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

import shapely
from flask import Request
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound, PreconditionFailed

from geo.redraw import AreaShape
from server.grids import drafts
from server.grids.numbering import Numbers
from server.grids.tables import Draft
from server.ogc.collections import Collection

_NUMBER: Final = re.compile(r"[1-9]\d{0,17}", re.ASCII)


@dataclass(frozen=True)
class StandingArea:
    """An area that is in a draft."""

    code: str
    tract: AreaShape
    tag: str


def standing_area(session: Session, of: Collection, draft: Draft, feature_id: str) -> StandingArea:
    """Return the area that a feature of a draft's collection is. Raises NotFound where there is none."""
    done = drafts.drawn(session, draft)
    code = Numbers(session, done).code(int(feature_id)) if _NUMBER.fullmatch(feature_id) else None
    tract = None if code is None else done.after.sheets[of.kind or ""].tracts.get(code)
    if code is None or tract is None:
        raise NotFound
    told = hashlib.blake2b(shapely.to_wkb(tract.polygon), digest_size=10)
    told.update(repr((draft.id, tract.name, tract.parent_code)).encode())
    return StandingArea(code, tract, f"a{told.hexdigest()}")


def draft_tag(draft: Draft) -> str:
    """Return the tag of a draft as a whole, which ``/v1/drafts`` gives too."""
    return f"v{draft.version}"


def require_match(request: Request, *tags: str) -> None:
    """Raise PreconditionFailed where If-Match is sent and names none of these; weak tags count."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return
    if not any(request.if_match.contains_weak(tag) for tag in tags):
        raise PreconditionFailed
