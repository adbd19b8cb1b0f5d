"""Records after a redraw: who follows, who stays, what phones hear, and what a kill in the middle leaves."""

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import text

import server.api.sync
from sync.push.push import push
from sync.redraw import moving
from tests.cases import city
from tests.cases.city import EAST, IN_EAST, IN_WEST, WEST
from tests.sync.redrawing import (
    clock,
    follow,
    moving_city,
    put_household,
    put_task,
    redraw,
    redrawn,
    strip,
)

pytestmark = pytest.mark.long

__all__ = ["redrawn"]
THIRD, FOURTH = "360725100001003", "360725100001004"
FAR_WEST = (114.302, 25.685)


def split_west(session, **options):
    """The eastern half of the west grid, with ``IN_WEST`` on it, becomes a third grid."""
    return redraw(session, strip(WEST, 114.30, 114.304), strip(THIRD, 114.304, 114.31), **options)


def grid_of(session, table, record_id):
    session.rollback()
    found = text(f"SELECT code FROM {table} LEFT JOIN area ON area.id = grid_now WHERE {table}.id = :id")
    return session.scalar(found, {"id": record_id})


def assign(session, login, code, role="grid_worker"):
    session.execute(
        text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT DO NOTHING"), {"login": login}
    )
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, :role, area.id, '[2026-01-01,)' FROM person, area WHERE login = :login AND code = :code
        """),
        {"login": login, "code": code, "role": role},
    )
    session.commit()


def test_records_on_ground_that_changed_hands_follow_and_the_others_stay(redrawn, phone_of):
    phone = phone_of("west")
    inside, beside = phone.visit(IN_WEST), phone.visit(FAR_WEST)
    issue = phone.issue(IN_WEST)
    phone.push(inside, beside, issue)
    split_west(redrawn)
    assert follow(redrawn) == moving.Followed(2, 0)
    assert grid_of(redrawn, "visit", inside["id"]) == THIRD
    assert grid_of(redrawn, "visit", beside["id"]) == WEST
    assert grid_of(redrawn, "issue", issue["id"]) == THIRD


def test_author_capture_and_what_phones_wrote_stay_as_they_were(redrawn, phone_of):
    phone = phone_of("west")
    issue = phone.issue(IN_WEST)
    phone.push(issue)
    kept = "doc, doc_rev, author_id, captured_at, grid_at_capture, edition_at_capture"
    before = redrawn.execute(text(f"SELECT {kept} FROM issue")).one()
    split_west(redrawn)
    follow(redrawn)
    assert redrawn.execute(text(f"SELECT {kept} FROM issue")).one() == before
    assert redrawn.scalar(text("SELECT rev FROM issue")) == 2


def test_phones_of_the_old_grid_lose_them_and_phones_of_the_new_one_get_them(redrawn, phone_of):
    west, third = phone_of("west"), phone_of()
    visit, other = west.visit(IN_WEST), west.visit(FAR_WEST)
    west.push(visit, other)
    west.pull()
    split_west(redrawn)
    assign(redrawn, third.login, THIRD)
    third.pull()
    follow(redrawn)
    west.pull()
    third.pull()
    assert set(west.records("visits")) == {other["id"]}
    assert set(third.records("visits")) == {visit["id"]}
    assert third.records("visits")[visit["id"]]["grid"]["code"] == THIRD
    assert third.records("visits")[visit["id"]]["grid"]["at_capture"] == WEST


def test_a_reporter_goes_on_following_an_issue_that_went_to_another_grid(redrawn, phone_of):
    phone = phone_of("west")
    issue = phone.issue(IN_WEST)
    phone.push(issue)
    split_west(redrawn)
    follow(redrawn)
    phone.pull()
    assert phone.records("issues")[issue["id"]]["grid"]["code"] == THIRD
    [result] = phone.push(phone.patch("issues", issue["id"], {"rev": 1}, severity="urgent"))
    assert result["status"] == "applied", "what the server moved is no conflict"


def test_an_open_issue_is_routed_anew(redrawn, phone_of):
    phone = phone_of("west")
    phone.push(phone.issue(IN_WEST), phone.issue(FAR_WEST))
    redrawn.execute(text("UPDATE issue SET awaiting_routing = false"))
    redrawn.commit()
    split_west(redrawn)
    follow(redrawn)
    waiting = redrawn.execute(text("SELECT awaiting_routing FROM issue ORDER BY grid_now")).scalars()
    assert sorted(waiting) == [False, True]


def test_what_lay_outside_is_found_when_ground_is_added_beside_it(redrawn, phone_of):
    phone = phone_of("county")
    beyond = phone.issue((114.3203, 25.685))
    phone.push(beyond)
    redrawn.execute(text("UPDATE issue SET grid_now = NULL, located = 'outside'"))
    redrawn.commit()
    redraw(redrawn, strip(EAST, 114.31, 114.321))
    follow(redrawn)
    assert grid_of(redrawn, "issue", beyond["id"]) == EAST
    assert redrawn.scalar(text("SELECT located FROM issue")) == "inside"


def test_what_is_only_near_goes_with_the_ground_that_it_is_near(redrawn, phone_of):
    phone = phone_of("county")
    near = phone.issue((114.315, 25.6903))
    phone.push(near)
    assert grid_of(redrawn, "issue", near["id"]) == EAST
    redraw(redrawn, strip(EAST, 114.31, 114.312), strip(THIRD, 114.312, 114.32))
    follow(redrawn)
    assert grid_of(redrawn, "issue", near["id"]) == THIRD


def test_a_visit_without_a_position_goes_where_its_household_goes(redrawn, phone_of):
    phone = phone_of("west")
    household = put_household(redrawn, IN_WEST, WEST)
    visit = phone.op("visits", {"outcome": "met", "household_id": str(household)})
    phone.push(visit)
    assert grid_of(redrawn, "visit", visit["id"]) == WEST
    split_west(redrawn)
    follow(redrawn)
    assert (grid_of(redrawn, "household", household), grid_of(redrawn, "visit", visit["id"])) == (THIRD, THIRD)


def test_what_has_no_place_at_all_goes_with_the_ground_of_its_retired_grid(redrawn, phone_of):
    phone = phone_of("west")
    issue = phone.op("issues", {"category": "0301", "address_text": "老街口"})
    phone.push(issue)
    split_west(redrawn)
    follow(redrawn)
    assert grid_of(redrawn, "issue", issue["id"]) == WEST, "nobody knows on which side it is"
    redraw(redrawn, strip(FOURTH, 114.30, 114.31), retired=[WEST, THIRD])
    redraw(redrawn, strip(EAST, 114.30, 114.32), retired=[FOURTH])
    follow(redrawn)
    assert grid_of(redrawn, "issue", issue["id"]) == EAST


def test_open_tasks_go_to_the_worker_of_the_new_grid_and_both_phones_hear(redrawn, phone_of):
    west, third = phone_of("west"), phone_of()
    household = put_household(redrawn, IN_WEST, WEST)
    opened, started = (put_task(redrawn, west.login, household=household, state=state) for state in ("open", "started"))
    done = put_task(redrawn, west.login, household=household, state="done")
    west.pull()
    split_west(redrawn)
    assign(redrawn, third.login, THIRD)
    assert follow(redrawn) == moving.Followed(1, 2)
    west.pull()
    third.pull()
    assert set(third.records("tasks")) == {str(opened), str(started)}
    assert str(done) not in third.records("tasks")
    assert not {str(opened), str(started)} & set(west.records("tasks"))


@pytest.mark.parametrize("keeper", ["nobody is there", "in charge of both"])
def test_a_task_stays_where_nobody_else_could_take_it_or_its_worker_has_both_grids(redrawn, phone_of, keeper):
    phone = phone_of("west") if keeper == "nobody is there" else phone_of("community")
    household = put_household(redrawn, IN_WEST, WEST)
    put_task(redrawn, phone.login, household=household)
    split_west(redrawn)
    if keeper == "in charge of both":
        assign(redrawn, "somebody-else", THIRD)
    assert follow(redrawn) == moving.Followed(1, 0)


def test_files_of_a_record_go_with_it(redrawn, phone_of):
    phone = phone_of("west")
    visit = phone.visit(IN_WEST)
    phone.push(visit)
    redrawn.execute(
        text("""
            INSERT INTO attachment (id, rev, doc_rev, doc, captured_at, received_at, changed_at, collection, record_id,
                                    bond, media_type, served_sha256, served_size, preview, grid_now)
            SELECT gen_random_uuid(), 1, 1, '{}', now(), now(), now(), 'visits', id, 'bound', 'image/png', '', 1,
                   'none', grid_now FROM visit
        """)
    )
    redrawn.commit()
    split_west(redrawn)
    follow(redrawn)
    third = city.id_of(redrawn, "area", THIRD)
    assert redrawn.scalar(text("SELECT grid_now FROM attachment")) == third


def test_only_records_of_changed_grids_are_looked_at(redrawn, phone_of):
    phone = phone_of("community")
    phone.push(*[phone.visit(IN_WEST) for _ in range(7)], *[phone.visit(IN_EAST) for _ in range(300)])
    split_west(redrawn)
    follow(redrawn)
    told = moving.progress(redrawn, 2)
    assert (told.stage, told.areas, told.looked_at, told.moved) == ("done", 1, 7, 7)
    assert told.started_at <= told.finished_at


def test_a_rename_moves_nothing_and_leaves_nothing_to_follow(redrawn):
    redraw(redrawn, strip(WEST, 114.30, 114.31, name="新名"))
    assert not moving.waits(redrawn, dt.datetime.now(dt.UTC))
    assert moving.progress(redrawn, 2) is None


@pytest.mark.parametrize("transactions", range(1, 14, 2))
def test_a_move_that_was_cut_off_is_taken_up_and_counts_each_record_once(redrawn, phone_of, transactions):
    phone = phone_of("west")
    phone.push(*[phone.visit(IN_WEST) for _ in range(9)], *[phone.issue(IN_WEST) for _ in range(4)])
    split_west(redrawn)
    whole = moving_city(redrawn.get_bind())
    left = iter(range(transactions))

    def failing():
        if next(left, None) is None:
            raise KeyboardInterrupt
        return whole.open()

    with pytest.raises(KeyboardInterrupt):
        moving.follow(dataclasses.replace(whole, open=failing), chunk=4)
    assert moving.waits(redrawn, dt.datetime.now(dt.UTC))
    follow(redrawn, chunk=4)
    assert moving.progress(redrawn, 2).moved == 13
    assert redrawn.scalar(text("SELECT count(*) FROM visit WHERE rev = 2")) == 9
    assert not moving.waits(redrawn, dt.datetime.now(dt.UTC))


def test_a_push_that_read_its_clock_before_the_flip_locates_today_in_the_new_edition(redrawn, phone_of, monkeypatch):
    phone = phone_of("west")

    def late(city_of_push, exchanges):
        earlier = city_of_push.now - dt.timedelta(hours=1)
        return push(dataclasses.replace(city_of_push, now=earlier), exchanges)

    monkeypatch.setattr(server.api.sync, "push", late)
    split_west(redrawn)
    visit = phone.visit(IN_WEST, captured_at=clock() - dt.timedelta(minutes=5))
    phone.push(visit)
    assert grid_of(redrawn, "visit", visit["id"]) == THIRD
    at_capture = redrawn.scalar(text("SELECT code FROM visit JOIN area ON area.id = grid_at_capture"))
    assert at_capture == WEST, "captured before it began"


def test_a_phone_gets_its_new_grid_from_a_server_whose_clock_is_slow(redrawn, phone_of):
    phone = phone_of("community")
    phone.pull()
    split_west(redrawn, by_clock=lambda: clock() + dt.timedelta(minutes=1))
    page = phone.page()
    assert set(page["scope"]["grids"]) == {WEST, EAST, THIRD}
