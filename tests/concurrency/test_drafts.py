"""Drafts of the same grid that are published at the same moment: one comes into force, and the other is told."""

import threading

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.errors import BaseSuperseded
from server.grids import drafts, publishing
from tests.api.drawing import FOURTH, THIRD, split
from tests.cases.city import WEST
from tests.emptying import empty
from tests.sync.redrawing import clock, redrawn

__all__ = ["redrawn"]


def drafted(session, at, right):
    """A draft that splits the western grid."""
    draft = drafts.begin(session, name=right, author="test", now=clock())
    given = split(at=at, right=right)
    drafts.do(session, draft, given.pop("kind"), given, author="test", now=clock())
    session.commit()
    return draft.id


def publish_at_once(engine, draft_id, gate, came_to):
    with Session(engine, expire_on_commit=False) as session:
        draft = drafts.lock(session, draft_id, "any")
        order = publishing.order_of(session, draft, by="test", note="")
        gate.wait()
        try:
            done = publishing.put_into_force(session, draft, order, clock)
            session.commit()
            came_to[draft_id] = done.number
        except BaseSuperseded as error:
            came_to[draft_id] = error


def test_of_two_drafts_that_split_a_grid_and_are_published_at_once_one_comes_into_force(redrawn):
    made = [drafted(redrawn, 114.304, THIRD), drafted(redrawn, 114.306, FOURTH)]
    gate, came_to = threading.Barrier(2), {}
    threads = [
        threading.Thread(target=publish_at_once, args=(redrawn.get_bind(), each, gate, came_to)) for each in made
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    redrawn.rollback()
    try:
        (winner,) = (each for each in made if came_to[each] == 2)
        (loser,) = (came_to[each] for each in made if each != winner)
        assert (loser.data["base"], loser.data["in_force"]) == (1, 2)
        found = redrawn.execute(text("SELECT code FROM area JOIN area_version ON area_id = area.id "
                                     "WHERE kind = 'grid' AND upper_inf(editions)")).scalars()  # fmt: skip
        assert {THIRD, FOURTH} & set(found) == {THIRD if winner == made[0] else FOURTH}
        marked = dict(redrawn.execute(text("SELECT id, published_edition FROM draft")).all())
        assert marked == {each: 2 if each == winner else None for each in made}
        assert [
            each.areas for each in publishing.conflicts_on(redrawn, drafts.find(redrawn, *(set(made) - {winner})), 2)
        ] == [(WEST,)]
    finally:
        redrawn.rollback()
        empty(redrawn, "draft_operation, draft")
        redrawn.commit()
