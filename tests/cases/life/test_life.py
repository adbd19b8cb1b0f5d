"""The life of a case on the real database: steps taken by people, in order, once, by those who may."""

import dataclasses
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from server.accounts.charge import Charge, Held, Reach
from server.cases.errors import StepIllegal, StepInvalid, StepRefused, UnknownCase
from server.cases.history import steps
from server.cases.history.replay import replay
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take, take_one
from server.cases.lists import duty as duty_list
from server.cases.lists import waiting
from server.cases.routing.service import route_awaiting
from tests.cases.city import EAST, NOW, WEST, id_of, issue, report, rows, sent_photo, shown

HOUR = timedelta(hours=1)
COUNTY, COMMUNITY = "360725", "360725100001"
PHOTO = ["0193a000-0000-7000-8000-000000000001"]


@pytest.fixture
def actor(session):
    """Somebody who holds a role over an area, or handles for a body: ``actor("dispatcher", COUNTY)``."""

    def made(role, place, login=None, source="page"):
        login = login or f"{role}-{uuid.uuid4().hex[:6]}"
        session.execute(
            text("INSERT INTO person (login, name) VALUES (:login, :login) ON CONFLICT DO NOTHING"), {"login": login}
        )
        body = id_of(session, "organisation", place)
        held = Held(role, None if body else id_of(session, "area", place), body)
        return Actor(source, Charge(id_of(session, "person", login), frozenset({held})))

    return made


@pytest.fixture
def duty(session):
    """Cases of these categories wait for the duty desk."""

    def put(*codes):
        session.execute(text("UPDATE category SET intake = 'duty' WHERE code = ANY (:codes)"), {"codes": list(codes)})
        session.commit()

    yield put
    session.rollback()
    session.execute(text("UPDATE category SET intake = 'auto'"))
    session.commit()


@pytest.fixture
def step(session, ground):
    """Takes a step: ``step(actor, issue_id, "accept")``."""

    def taken(actor, issue_id, name, *, now=NOW, step_id=None, seen=None, **given):
        wanted = Wanted(step_id or uuid.uuid4(), issue_id, name, actor, shown(session, issue_id, given), seen)
        return take_one(session, wanted, ground, now)

    return taken


def events(session, issue_id):
    return steps.of_cases(session, [issue_id]).get(issue_id, [])


def names(session, issue_id):
    return [event.step for event in events(session, issue_id)]


def agree(session, issue_id):
    """The columns of an issue say what its events add up to."""
    story, row = replay(events(session, issue_id)), issue(session, issue_id)
    told = (story.state, story.body_id, story.closed_at, story.closing_reason, story.answer, story.of)
    kept = ("state", "body_id", "closed_at", "closing_reason", "public_answer", "merged_into")
    assert tuple(row[name] for name in kept) == told
    assert tuple(row["assisting_ids"] or ()) == story.assisting
    return row


def test_a_rule_takes_a_new_case_to_its_body_by_steps_and_gives_it_a_number(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    assert names(session, issue_id) == ["report", "accept", "file", "dispatch"]
    row = agree(session, issue_id)
    assert row["state"] == "dispatched"
    assert row["number"].startswith("26")
    assert len(row["number"]) == 9


@pytest.mark.long
def test_a_case_goes_from_the_knock_to_the_answer(session, ground, actor, step):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    handler, dispatcher = actor("handler", "zhujian"), actor("dispatcher", COMMUNITY)
    step(handler, issue_id, "receive")
    step(handler, issue_id, "start")
    step(handler, issue_id, "done", answer="井盖已更换", photos=PHOTO)
    chief = actor("supervisor", COMMUNITY)
    photo = str(uuid.uuid4())
    step(chief, issue_id, "check", result="fixed", photos=[photo], location={"lon": 114.305, "lat": 25.685})
    step(dispatcher, issue_id, "close", reason="fixed")
    row = agree(session, issue_id)
    assert (row["state"], row["closing_reason"], row["public_answer"]) == ("closed", "fixed", "井盖已更换")
    assert row["closed_at"] is not None
    assert row["rev"] == 1 + 1 + 5


def test_the_duty_desk_takes_what_no_rule_may_dispatch(session, ground, actor, step, duty):
    duty("0301")
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    row = agree(session, issue_id)
    assert (row["state"], row["body_id"], row["awaiting_routing"]) == ("reported", None, False)
    assert row["number"] is not None
    clerk = actor("dispatcher", COMMUNITY)
    for name in ("accept", "file"):
        step(clerk, issue_id, name)
    step(clerk, issue_id, "dispatch", bodies={"lead": "gongshui", "assisting": ["chengguan"]})
    row = agree(session, issue_id)
    assert row["state"] == "dispatched"
    assert row["due_at"] == NOW + timedelta(hours=2)
    assert row["routing"]["body"]["code"] == "gongshui"
    told = rows(session, "SELECT kind, channel, state FROM delivery ORDER BY id")
    assert [each["kind"] for each in told] == ["dispatched", "dispatched"]


def test_a_rule_does_not_undo_what_people_did(session, ground, actor, step):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    step(actor("handler", "zhujian"), issue_id, "receive")
    session.execute(text('UPDATE issue SET doc = doc || \'{"category": "0101"}\' WHERE id = :id'), {"id": issue_id})
    route_awaiting(session, NOW + timedelta(hours=1), ground)
    row = agree(session, issue_id)
    assert (row["state"], row["body_id"]) == ("received", id_of(session, "organisation", "zhujian"))
    assert row["awaiting_routing"] is False


def test_a_step_sent_twice_is_taken_once(session, ground, actor, step):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    handler, same = actor("handler", "zhujian"), uuid.uuid4()
    for _ in range(2):
        step(handler, issue_id, "receive", step_id=same)
    assert names(session, issue_id).count("receive") == 1


def test_a_handler_of_another_body_does_not_know_of_the_case(session, ground, actor, step):
    issue_id = report(session, "0302")
    route_awaiting(session, NOW, ground)
    with pytest.raises(UnknownCase):
        step(actor("handler", "minzheng"), issue_id, "receive")


def test_who_sees_a_case_and_may_not_take_a_step_is_told_who_may(session, ground, actor, step):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    with pytest.raises(StepRefused) as refused:
        step(actor("dispatcher", COMMUNITY), issue_id, "receive")
    assert [each["en"] for each in refused.value.who] == ["a handler of the body that leads"]


def test_a_worker_of_the_grid_settles_no_case_that_is_masked_for_them(session, ground, actor, step, duty):
    duty("0301", "0601")
    worker = actor("grid_worker", WEST)
    public, private, flagged = report(session), report(session, "0601"), report(session, private=True)
    step(worker, public, "settle", answer="已办", photos=PHOTO)
    for each in (private, flagged):
        with pytest.raises(StepRefused):
            step(worker, each, "settle", answer="已办", photos=PHOTO)
        step(actor("supervisor", COMMUNITY), each, "settle", answer="已办", photos=PHOTO)


def test_an_illegal_step_says_what_happened_and_what_is_possible(session, ground, actor, step):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    with pytest.raises(StepIllegal) as illegal:
        step(actor("dispatcher", COMMUNITY), issue_id, "accept")
    assert illegal.value.state == "dispatched"
    assert [each["step"] for each in illegal.value.happened] == ["report", "accept", "file", "dispatch"]
    assert "receive" in [each["step"] for each in illegal.value.possible]


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({}, "reason", "missing"), ({"reason": "not_ours"}, "note", "missing"),
        ({"reason": "because", "note": "x"}, "reason", "choice"),
        ({"reason": "not_ours", "note": "x"}, "photos", "photo-rule"),
        ({"reason": "not_ours", "note": "x", "photos": []}, "photos", "photo-rule"),
        ({"reason": "not_ours", "note": "x", "score": 3}, "score", "not-taken"),
    ],
)  # fmt: skip
def test_a_field_that_is_missing_foreign_or_wrong_is_named(session, ground, actor, step, given, field, reason):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    handler = actor("handler", "zhujian")
    step(handler, issue_id, "receive")
    with pytest.raises(StepInvalid) as wrong:
        step(handler, issue_id, "return", **given)
    assert (wrong.value.field, wrong.value.reason) == (field, reason)


@pytest.mark.long
def test_photos_are_wanted_by_the_catalogue_of_when_it_was_done(session, ground, actor, step):
    issue_id = report(session)
    for moment, rule in ((NOW - HOUR, "none"), (NOW + HOUR, "after")):
        session.execute(text("SELECT set_config('gridpatrol.moment', :at, true)"), {"at": moment.isoformat()})
        session.execute(
            text("UPDATE category SET photo_rule = :rule WHERE code = (SELECT category FROM issue WHERE id = :id)"),
            {"rule": rule, "id": issue_id},
        )
    route_awaiting(session, NOW, ground)
    handler, arrived = actor("handler", "zhujian"), NOW + 5 * HOUR
    step(handler, issue_id, "receive")

    def done(after):
        wanted = Wanted(uuid.uuid4(), issue_id, "done", handler, {"answer": "已修好"}, at=NOW + after)
        take_one(session, wanted, ground, arrived)

    with pytest.raises(StepInvalid) as wrong:
        done(1.5 * HOUR)
    assert wrong.value.reason == "photo-rule"
    done(0.5 * HOUR)
    assert agree(session, issue_id)["state"] == "done"


@pytest.mark.long
def test_cases_that_wait_for_more_time_are_listed_until_somebody_decides(session, ground, actor, step):
    asking, other = report(session), report(session)
    route_awaiting(session, NOW, ground)
    handler, chief = actor("handler", "zhujian"), actor("supervisor", COMMUNITY)

    def listed():
        wanted = duty_list.Wanted(asks=True)
        reach = Reach(0, (), True, (), True, ())
        page = duty_list.list_duty(session, reach, wanted, after=None, limit=9, now=NOW)
        assert all(each["asks"] for each in page.cases)
        assert waiting.on_duty(session, reach, NOW).asking == len(page.cases)
        return [each["id"] for each in page.cases]

    for each in (asking, other):
        step(handler, each, "receive")
    assert listed() == []
    step(handler, asking, "ask_extension", reason="缺料", limit={"value": 2, "unit": "wd"})
    assert listed() == [asking]
    step(chief, asking, "refuse_extension", reason="库存充足")
    assert listed() == []


@pytest.mark.long
def test_after_the_second_return_the_street_names_the_body(session, ground, actor, step):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    clerk = actor("dispatcher", COMMUNITY)
    for body in ("zhujian", "gongshui"):
        handler = actor("handler", body)
        if body == "gongshui":
            step(clerk, issue_id, "dispatch", bodies={"lead": body})
        step(handler, issue_id, "receive")
        step(handler, issue_id, "return", reason="not_ours", note="非本单位管辖", photos=PHOTO)
    assert agree(session, issue_id)["body_id"] is None
    with pytest.raises(StepIllegal) as illegal:
        step(clerk, issue_id, "dispatch", bodies={"lead": "chengguan"})
    assert illegal.value.guard == "street-after-two-returns"
    step(actor("supervisor", COUNTY), issue_id, "dispatch", bodies={"lead": "chengguan"})
    assert agree(session, issue_id)["state"] == "dispatched"


@pytest.mark.long
def test_cases_are_merged_only_into_others_that_are_open_and_the_merge_can_be_undone(
    session, ground, actor, step, duty
):
    duty("0301")
    one, other, third = (report(session) for _ in range(3))
    route_awaiting(session, NOW, ground)
    clerk = actor("dispatcher", COMMUNITY)
    with pytest.raises(StepIllegal) as itself:
        step(clerk, one, "merge", of=str(one))
    assert itself.value.guard == "other-case"
    step(clerk, one, "merge", of=str(other))
    row = agree(session, one)
    assert (row["state"], row["merged_into"], row["closing_reason"]) == ("merged", other, "duplicate")
    for first, second in ((other, one), (third, one)):
        with pytest.raises(StepIllegal) as ring:
            step(clerk, first, "merge", of=str(second))
        assert ring.value.guard == "other-open"
    step(clerk, one, "unmerge")
    row = agree(session, one)
    assert (row["state"], row["merged_into"], row["closed_at"]) == ("reported", None, None)


def test_a_batch_takes_each_for_itself(session, ground, actor):
    here, there = report(session), report(session, at=(114.315, 25.685), grid=EAST)
    route_awaiting(session, NOW, ground)
    clerk = actor("supervisor", WEST)
    wanted = [
        Wanted(uuid.uuid4(), each, "escalate", clerk, {"reason": "久拖不决"}) for each in (here, there, uuid.uuid4())
    ]
    outcomes, _ = take(session, wanted, ground, NOW)
    assert [each.status for each in outcomes] == ["taken", "refused", "refused"]
    assert replay(events(session, here)).escalated == 1


def test_what_happened_is_neither_changed_nor_left_out(session, ground):
    issue_id = report(session)
    route_awaiting(session, NOW, ground)
    for wrong in (
        "UPDATE case_step SET state = 'closed' WHERE issue_id = :id",
        "DELETE FROM case_step WHERE issue_id = :id",
        (
            "INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, source)"
            " VALUES (gen_random_uuid(), :id, 5, 'start', 'received', 'in_progress', now(), now(), 'api')"
        ),
        (
            "INSERT INTO case_step (id, issue_id, place, step, state_before, state, at, taken_at, source)"
            " VALUES (gen_random_uuid(), :id, 6, 'receive', 'dispatched', 'received', now(), now(), 'api')"
        ),
    ):
        point = session.begin_nested()
        with pytest.raises(Exception, match=r"never changed|fk_case_step_chain"):
            session.execute(text(wrong), {"id": issue_id})
        point.rollback()


def test_a_photo_counts_that_has_come_and_is_of_this_case(session, ground, actor, step):
    issue_id, other = report(session), report(session)
    route_awaiting(session, NOW, ground)
    handler = actor("handler", "zhujian")
    step(handler, issue_id, "receive")
    task = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                              issue_id)
            SELECT :id, 1, 1, '{}', :now, :now, :now, 'check', 'x', id, :issue FROM person LIMIT 1
        """),
        {"id": task, "now": NOW, "issue": issue_id},
    )
    mine, of_task = sent_photo(session, issue_id), sent_photo(session, task, "tasks")
    phone = dataclasses.replace(handler, source="phone")
    foreign, promised = sent_photo(session, other), str(uuid.uuid4())

    def done(by, *photos):
        wanted = Wanted(uuid.uuid4(), issue_id, "done", by, {"answer": "已更换", "photos": list(photos)})
        with session.begin_nested() as point:
            [outcome], _ = take(session, [wanted], ground, NOW)
            point.rollback()
        return outcome.status, outcome.error and outcome.error.reason

    assert done(handler, mine, of_task) == ("taken", None)
    assert done(handler, mine, promised) == ("refused", "photo-unknown")
    assert done(phone, mine, promised) == ("taken", None)
    for by in (handler, phone):
        assert done(by, mine, foreign) == ("refused", "photo-elsewhere")
