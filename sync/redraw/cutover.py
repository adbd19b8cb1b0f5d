"""The flip: bringing an edition into force while pushes come in.

Owns the order of it, and publishing what was planned when its time has come. What was captured before the edition
begins was judged by the one before, whatever was under way then; what is pushed after reads the new one; and the
records on ground that changed hands are noted for the moving job, in the same commit. Who may publish what is asked of
the caller's ``Permit``, at the time when it takes effect.
"""

import datetime as dt
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions import plans
from geo.editions.publish import Published, begin, publish, require_base
from geo.errors import GeoError, PlanBroken
from sync.redraw.whole_city import keep_in_charge
from sync.store import feed, fence
from sync.store.dead_letters import NOT_OF_AN_ITEM, reason_of

Permit = Callable[[Session, int, plans.Order, dt.datetime], None]
"""Asks whether a plan (its number and order) may still be published at a time (aware UTC); raises ``GeoError``."""

_NOTE_MOVE = text("""
    INSERT INTO edition_move (edition_number, area_ids, reach)
    VALUES (:number, CAST(:areas AS int[]), ST_MakeEnvelope(:west, :south, :east, :north, 4326))
""")


def into_force(session: Session, done: Published, clock: Callable[[], dt.datetime]) -> int:
    """Bring what this transaction has published into force; the last thing before the commit.

    Waits for the pushes under way and holds off the others until the commit; then the edition begins, by ``clock``
    (aware UTC). Returns the position of the feed, 0 where there is no new edition.
    """
    if not done.is_new:
        return 0
    if done.redrawn is not None:
        box = dict(zip(("west", "south", "east", "north"), done.redrawn.box, strict=True))
        areas = {"number": done.number, "areas": list(done.redrawn.area_ids)}
        session.execute(_NOTE_MOVE, areas | box)
    fence.close(session)
    at = clock()
    begin(session, done.number, at)
    keep_in_charge(session, done.number, at)
    return feed.append(session, grid_touches(done))


def publish_order(session: Session, order: plans.Order, clock: Callable[[], dt.datetime]) -> Published:
    """Publish an order and bring it into force; the last thing before the commit.

    Raises what ``geo.editions.publish`` does.
    """
    require_base(session, order.base)
    done = publish(
        session, order.areas, retired=order.retired, by=order.by, name=order.name, note=order.note,
        now=clock(),
    )  # fmt: skip
    into_force(session, done, clock)
    return done


def publish_due(session: Session, clock: Callable[[], dt.datetime], permit: Permit) -> bool:
    """Publish the plan whose time came first, or note why it cannot be; return whether there was one.

    Whoever planned it must be permitted to publish it now: rights may have ended since. What is refused leaves the
    edition in force as it was. The caller commits.
    """
    plan_id = plans.claim_due(session, clock())
    if plan_id is None:
        return False
    try:
        with session.begin_nested():
            order = plans.order_of(session, plan_id)
            require_base(session, order.base)
            permit(session, plan_id, order, clock())
            done = publish_order(session, order, clock)
            plans.settle_published(session, plan_id, done.number, now=clock())
    except GeoError as error:
        plans.settle_refused(session, plan_id, error, now=clock())
    except NOT_OF_AN_ITEM:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a plan breaks on, it must not stand in the way of the next
        plans.settle_refused(session, plan_id, PlanBroken(reason_of(error)), now=clock())
    return True


def grid_touches(done: Published) -> list[feed.Touch]:
    """Return the touches that tell phones of grids that were added, changed or retired."""
    areas = (*done.added, *done.changed, *done.retired)
    return [feed.Touch(feed.grid_channel(each.id), feed.GRIDS_TOPIC, each.uid) for each in areas if each.is_locating]
