"""A pull with nothing new is answered without a transaction, and never passes over anything for that."""

import contextlib
import datetime as dt
import uuid

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import event, text

from geo.editions.ground import Grounds
from server.api.sync import cursor_key
from server.database.extensions import db, settings
from server.database.transaction import reading
from sync.access.devices import authenticate
from sync.errors import ResyncRequired
from sync.protocol.cursor import Cursor
from sync.pull.pull import quiet
from sync.resolution.conflicts import settle_waiting
from sync.store import feed
from tests.cases import city
from tests.cases.city import EAST, WEST
from tests.sync.pull.test_pull import assign, unassign


def now():
    return dt.datetime.now(dt.UTC)


@contextlib.contextmanager
def transactions(app):
    """Yield a list that grows with every transaction that the app begins."""
    begun = []
    with app.app_context():
        engine = db.engine

    def note(connection):
        begun.append(connection)

    event.listen(engine, "begin", note)
    try:
        yield begun
    finally:
        event.remove(engine, "begin", note)


def quietly(app, phone):
    """Pull once; return the page, which was answered without a transaction."""
    with transactions(app) as begun:
        page = phone.page()
    assert not begun, "answered without a transaction"
    assert (page["changes"], page["outcomes"], page["has_more"]) == ([], [], False)
    phone.take(page)
    return page


def touch(session, channel, ref, topic=1):
    """Append one touch to the feed, in the transaction of the session."""
    session.execute(
        text("""
            WITH n AS (UPDATE feed_counter SET position = position + 1 RETURNING position)
            INSERT INTO feed SELECT :channel, n.position, :topic, :ref FROM n
        """),
        {"channel": channel, "ref": ref, "topic": topic},
    )


@pytest.fixture
def west(phone_of):
    return phone_of("west")


@pytest.fixture
def east(phone_of):
    return phone_of("east")


@pytest.fixture
def settled(phone_of, west, east):
    """A phone that has all there is. The others are there before it: an assignment has every scope read anew."""
    phone = phone_of("west")
    phone.pull()
    return phone


def test_a_phone_that_has_everything_is_answered_without_a_transaction(app, settled):
    for _ in range(3):
        quietly(app, settled)


def test_what_others_write_elsewhere_is_passed_without_a_transaction(app, settled, east):
    east.push(*[east.visit(at=(114.315, 25.685)) for _ in range(3)])
    before = settled.cursor
    quietly(app, settled)
    assert settled.cursor != before, "it need not look at the same touches again"


def test_a_change_between_two_quiet_pulls_comes_with_the_next(app, settled, west):
    for _ in range(3):
        quietly(app, settled)
        op = west.visit()
        west.push(op)
        assert [change["id"] for change in settled.pull()] == [op["id"]]


def test_a_change_among_many_elsewhere_is_found(app, settled, west, east):
    quietly(app, settled)
    east.push(*[east.visit(at=(114.315, 25.685)) for _ in range(20)])
    op = west.visit()
    west.push(op)
    east.push(*[east.visit(at=(114.315, 25.685)) for _ in range(20)])
    assert [change["id"] for change in settled.pull()] == [op["id"]]


def key_of(app):
    return cursor_key(settings(app).secret_key)


def asked(app, phone):
    """Return the device as a request finds it, and the cursor that it brings."""
    with app.app_context(), reading() as reader:
        device = authenticate(reader, phone.token)
    return device, Cursor.open(phone.cursor, key_of(app), device.person_id)


def answered(app, device, cursor):
    with app.app_context():
        return quiet(reading, device, cursor, now())


def test_what_is_committed_after_the_device_was_read_is_not_passed(app, settled, west, east):
    east.push(east.visit(at=(114.315, 25.685)))
    device, cursor = asked(app, settled)
    op = west.visit()
    west.push(op)
    page = answered(app, device, cursor)
    assert page is not None
    assert page.cursor.position == device.head, "as far as was looked, and no further"
    settled.cursor = page.cursor.seal(key_of(app))
    assert [change["id"] for change in settled.pull()] == [op["id"]]


def test_what_commits_late_is_not_passed_by_quiet_pulls_meanwhile(app, settled, session):
    ref = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO visit (id, rev, doc_rev, doc, captured_at, received_at, changed_at, grid_now)
            SELECT :id, 1, 1, '{"outcome": "met"}', now(), now(), now(), id FROM area WHERE code = :west
        """),
        {"id": ref, "west": WEST},
    )
    touch(session, feed.grid_channel(city.id_of(session, "area", WEST)), ref)
    for _ in range(3):
        quietly(app, settled)
    session.commit()
    assert [change["id"] for change in settled.pull()] == [str(ref)]


@pytest.mark.long
def test_an_outcome_is_no_quiet_matter(app, settled, session, west):
    put = settled.issue(severity="low")
    settled.push(put)
    settled.pull()
    west.pull()
    west.push(west.patch("issues", put["id"], {"rev": 1}, severity="urgent"))
    late = settled.patch("issues", put["id"], {"rev": 1}, address_text="阳岭大道")
    (result,) = settled.push(late)
    assert result["status"] == "pending"
    settled.pull()
    quietly(app, settled)
    grounds = Grounds()
    settle_waiting(
        session, now(), lambda moment: grounds.at(session, 1, moment), limit=9, hold_for=dt.timedelta(1), near_m=50.0
    )
    session.commit()
    settled.pull()
    assert [told["op_id"] for told in settled.outcomes] == [late["op_id"]]


@pytest.mark.long
@pytest.mark.parametrize("channel", ["grid", "person", "device"])
def test_a_touch_in_any_channel_of_the_phone_is_looked_into(app, settled, session, channel):
    quietly(app, settled)
    device, _ = asked(app, settled)
    number = {
        "grid": feed.grid_channel(city.id_of(session, "area", WEST)),
        "person": feed.person_channel(device.person_id),
        "device": feed.device_channel(device.id),
    }[channel]
    touch(session, number, uuid.uuid4(), topic=feed.OUTCOME_TOPIC if channel == "device" else 1)
    session.commit()
    device, cursor = asked(app, settled)
    assert answered(app, device, cursor) is None


@pytest.mark.long
def test_another_scope_is_no_quiet_matter(app, settled, session, east):
    east.push(east.visit(at=(114.315, 25.685)))
    settled.pull()
    quietly(app, settled)
    assign(session, settled.login, EAST)
    settled.pull()
    assert len(settled.records("grids")) == 2
    assert len(settled.records("visits")) == 1
    quietly(app, settled)
    unassign(session, settled.login)
    settled.pull()
    assert settled.held == {}


@pytest.mark.long
def test_a_move_under_way_is_no_quiet_matter(settled, session, east):
    visits = [east.visit(at=(114.315, 25.685)) for _ in range(4)]
    east.push(*visits)
    settled.pull()
    assign(session, settled.login, EAST)
    settled.pull(limit=1)
    assert settled.records("visits").keys() == {visit["id"] for visit in visits}
    east.push(east.visit(at=(114.315, 25.685)))
    settled.pull(limit=1)
    assert len(settled.records("visits")) == 5


@pytest.mark.long
def test_another_scope_is_no_quiet_matter_where_another_phone_of_the_worker_heard_of_it_first(
    settled, phone_of, session
):
    second = phone_of(login=settled.login)
    second.pull()
    settled.pull()
    assign(session, settled.login, EAST)
    second.pull()
    settled.pull()
    assert settled.records("grids").keys() == second.records("grids").keys()


def test_an_assignment_that_ends_by_the_clock_is_no_quiet_matter(app, settled, session):
    ends = now() + dt.timedelta(minutes=5)
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), :ends)
            FROM person WHERE person.id = person_id AND login = :login
        """),
        {"login": settled.login, "ends": ends},
    )
    session.commit()
    settled.pull()
    device, cursor = asked(app, settled)
    with app.app_context():
        assert quiet(reading, device, cursor, ends - dt.timedelta(seconds=1)) is not None
        assert quiet(reading, device, cursor, ends) is None


def test_a_scope_that_changed_while_the_phone_asked_is_told_by_the_next_pull(app, settled, session):
    device, cursor = asked(app, settled)
    assign(session, settled.login, EAST)
    page = answered(app, device, cursor)
    assert page is None or page.cursor.scope_to == cursor.scope_to
    settled.pull()
    assert len(settled.records("grids")) == 2


def test_a_redraw_is_no_quiet_matter(app, settled, session):
    quietly(app, settled)
    session.execute(text("UPDATE city_state SET ground_serial = ground_serial + 1"))
    session.commit()
    device, cursor = asked(app, settled)
    assert answered(app, device, cursor) is None


@pytest.fixture
def floor(session):
    def raised(to=None):
        """Take away all touches there are, as compaction does."""
        session.execute(text("UPDATE feed_counter SET floor = coalesce(:to, position)"), {"to": to})
        session.execute(text("DELETE FROM feed WHERE position <= (SELECT floor FROM feed_counter)"))
        session.commit()

    yield raised
    session.rollback()
    session.execute(text("UPDATE feed_counter SET floor = 0"))
    session.commit()


def test_a_floor_above_the_cursor_asks_for_a_resync(app, settled, floor, west):
    quietly(app, settled)
    west.push(west.visit())
    floor()
    query = {"cursor": settled.cursor}
    answer = settled.client.get("/v1/sync/pull", query_string=query, headers=settled.headers)
    assert answer.status_code == 410
    assert answer.json["type"].endswith("/resync")


def test_a_floor_raised_after_the_device_was_read_asks_for_a_resync(app, settled, floor, west):
    west.push(west.visit())
    device, cursor = asked(app, settled)
    floor()
    answer = settled.client.get("/v1/sync/pull", query_string={"cursor": settled.cursor}, headers=settled.headers)
    assert answer.status_code == 410
    with pytest.raises(ResyncRequired):
        answered(app, device, cursor)


def test_a_floor_at_the_cursor_takes_nothing_away(app, settled, floor, west):
    floor()
    quietly(app, settled)
    op = west.visit()
    west.push(op)
    assert [change["id"] for change in settled.pull()] == [op["id"]]


def test_another_epoch_asks_for_a_resync(app, settled, session):
    quietly(app, settled)
    session.execute(text("UPDATE city_state SET epoch = gen_random_uuid()"))
    session.commit()
    answer = settled.client.get("/v1/sync/pull", query_string={"cursor": settled.cursor}, headers=settled.headers)
    assert answer.status_code == 410


def digest(phone):
    return phone.client.get("/v1/sync/digest", headers=phone.headers).json["digests"]


def test_a_pull_of_some_collections_hides_nothing_of_them(app, settled, west):
    west.push(west.visit())
    assert settled.pull(collections="issues") == []
    issue = west.issue()
    west.push(west.visit(), issue, west.visit())
    assert [change["id"] for change in settled.pull(collections="issues")] == [issue["id"]]
    visit = west.visit()
    west.push(visit)
    # Asked for more than the cursor was given for, the pull brings all that those hold.
    assert settled.pull()
    assert visit["id"] in settled.records("visits")
    held = {each["collection"]: each["count"] for each in digest(settled) if each["grid"]}
    assert held["visits"] == len(settled.records("visits"))


def test_where_a_phone_stands_is_noted_by_a_pull_that_is_not_quiet(app, settled, session):
    session.execute(
        text("UPDATE device SET pulled_at = now() - interval '1 hour' WHERE uid = :uid"), {"uid": settled.device_id}
    )
    session.commit()
    settled.pull()
    noted = session.scalar(text("SELECT now() - pulled_at FROM device WHERE uid = :uid"), {"uid": settled.device_id})
    assert noted < dt.timedelta(minutes=1)
    session.rollback()
    quietly(app, settled)


STEPS = ("push west", "push east", "report elsewhere", "pull", "pull twice", "assign east", "unassign")


@examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=14))
def test_however_it_falls_the_phone_holds_what_one_does_that_pulls_anew(phone_of, session, steps):
    west, east, phone = phone_of("west"), phone_of("east"), phone_of("west")
    phone.pull()
    is_east = False
    for step in steps:
        match step:
            case "push west":
                west.push(west.visit())
            case "push east":
                east.push(east.visit(at=(114.315, 25.685)))
            case "report elsewhere":
                phone.push(phone.issue(at=(114.315, 25.685)))
            case "assign east":
                if not is_east:
                    assign(session, phone.login, EAST)
                is_east = True
            case "unassign":
                unassign(session, phone.login)
                is_east = False
            case _:
                for _ in step.split():
                    phone.pull()
    phone.pull()
    anew = phone_of(login=phone.login)
    anew.pull()
    assert {key: change["rev"] for key, change in phone.held.items()} == {
        key: change["rev"] for key, change in anew.held.items()
    }
