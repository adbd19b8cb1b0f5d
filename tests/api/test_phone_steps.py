"""Steps of cases from phones: taken when they arrive, by the same table; what came too late is kept and explained."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import Grounds
from server.cases.life import phones
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk

pytestmark = pytest.mark.long

HOUR = dt.timedelta(hours=1)
PHOTO = [str(uuid.uuid4())]
"""One that is still on its way."""


@pytest.fixture
def run(session):
    """Runs the jobs: ``run()`` takes steps, then routes."""
    grounds = Grounds()

    def jobs(*, route=True):
        moment = dt.datetime.now(dt.UTC)
        ground = grounds.at(session, 1, moment)
        settled = phones.settle(session, ground, moment)
        if route:
            route_awaiting(session, moment, ground)
        session.commit()
        return settled

    return jobs


@pytest.fixture
def handler_phone(phone_of, session):
    """A phone of a handler of a body, who has no field role."""

    def made(body):
        phone = phone_of()
        session.execute(
            text("""
                INSERT INTO assignment (person_id, role, organisation_id, during)
                SELECT person.id, 'handler', organisation.id, '[2026-01-01,)' FROM person, organisation
                WHERE login = :login AND code = :body
            """),
            {"login": phone.login, "body": body},
        )
        session.commit()
        return phone

    return made


def reported(phone, run, category="0302"):
    issue = phone.issue(category=category)
    assert phone.push(issue)[0]["status"] == "applied"
    run()
    return issue["id"]


def a_step(phone, issue_id, step, **more):
    rest = {key: more.pop(key) for key in ("id", "captured_at", "op_id", "base") if key in more}
    return phone.op("steps", {"issue_id": issue_id, "step": step, **more}, **rest)


def told(phone, step_id):
    phone.pull()
    return phone.records("steps")[step_id]["data"]


def state(session, issue_id):
    session.rollback()
    return session.scalar(text("SELECT state FROM issue WHERE id = :id"), {"id": issue_id})


def test_a_handler_signs_and_reports_done_from_the_phone(phone_of, run, handler_phone, session):
    issue_id, handler = reported(phone_of("west"), run), handler_phone("zhujian")
    steps = [a_step(handler, issue_id, "receive"), a_step(handler, issue_id, "done", answer="灯已修好", photos=PHOTO)]
    assert [each["status"] for each in handler.push(*steps)] == ["applied", "applied"]
    assert "outcome" not in told(handler, steps[0]["id"])
    assert len(run().steps) == 2
    assert [told(handler, each["id"])["outcome"] for each in steps] == ["taken", "taken"]
    assert state(session, issue_id) == "done"


def test_what_was_done_offline_counts_from_when_it_was_done_and_is_marked(phone_of, run, handler_phone, session):
    issue_id, handler = reported(phone_of("west"), run), handler_phone("zhujian")
    session.execute(text("ALTER TABLE case_step DISABLE TRIGGER case_step_stands"))
    session.execute(text("UPDATE case_step SET at = at - interval '8 days', taken_at = taken_at - interval '8 days'"))
    session.execute(text("ALTER TABLE case_step ENABLE TRIGGER case_step_stands"))
    session.commit()
    week_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=7)
    handler.push(a_step(handler, issue_id, "receive", captured_at=week_ago))
    run()
    row = session.execute(text("SELECT at, taken_at, offline FROM case_step WHERE step = 'receive'")).one()
    assert abs(row.at - week_ago) < dt.timedelta(seconds=5)
    assert row.taken_at - row.at > dt.timedelta(days=6)
    assert row.offline


def test_a_step_overtaken_by_another_is_kept_with_what_happened_instead(phone_of, run, handler_phone, app, session):
    issue_id, handler = reported(phone_of("west"), run), handler_phone("zhujian")
    at_noon = dt.datetime.now(dt.UTC) - dt.timedelta(days=7)
    chief = Desk.of(app, session, "supervisor", "360725")
    void = {"id": str(uuid.uuid4()), "step": "void", "reason": "重复登记"}
    assert chief.post(f"/v1/cases/{issue_id}/steps", void).status_code == 200
    late = a_step(handler, issue_id, "receive", captured_at=at_noon)
    assert handler.push(late)[0]["status"] == "applied"
    run()
    seen = told(handler, late["id"])
    assert (seen["outcome"], seen["case_state"]) == ("overtaken", "void")
    assert seen["instead"]["type"] == "/problems/case-step-illegal"
    assert seen["instead"]["happened"][-1]["step"] == "void"
    status = handler.client.get("/v1/sync/status", headers=handler.headers).json
    assert [(each["id"], each["outcome"]) for each in status["steps"]] == [(late["id"], "overtaken")]
    answered = a_step(handler, issue_id, "done", answer="灯已修好", photos=PHOTO, captured_at=at_noon)
    handler.push(answered)
    run()
    kept = {each["id"]: each["given"] for each in chief.get(f"/v1/cases/{issue_id}").json["untaken"]}
    assert kept == {late["id"]: {}, answered["id"]: {"answer": "灯已修好", "photos": PHOTO}}


def test_a_report_settled_on_the_spot_is_settled_before_any_rule_sends_it_on(phone_of, run, session):
    phone = phone_of("west")
    issue = phone.issue(category="0101")
    step = a_step(phone, issue["id"], "settle", answer="已当场清理", photos=PHOTO)
    phone.push(issue, step)
    ground_moment = dt.datetime.now(dt.UTC)
    assert route_awaiting(session, ground_moment, Grounds().at(session, 1, ground_moment)).issues == ()
    session.commit()
    run()
    assert state(session, issue["id"]) == "settled"
    assert told(phone, step["id"])["outcome"] == "taken"


def test_a_step_waits_for_the_report_that_it_is_of(phone_of, run, session):
    phone = phone_of("west")
    issue = phone.issue(category="0101")
    step = a_step(phone, issue["id"], "settle", answer="已当场清理", photos=PHOTO)
    phone.push(step)
    assert run().steps == ()
    phone.push(issue)
    run()
    assert state(session, issue["id"]) == "settled"


def test_a_step_sent_twice_or_sent_anew_is_taken_once_and_never_changed(phone_of, run, handler_phone, session):
    issue_id, handler = reported(phone_of("west"), run), handler_phone("zhujian")
    step = a_step(handler, issue_id, "receive")
    handler.push(step)
    run()
    assert handler.push(step)[0]["replayed"] is True
    again = a_step(handler, issue_id, "done", id=step["id"], answer="x")
    [answer] = handler.push(again)
    assert answer["status"] == "quarantined"
    assert answer["error"]["type"] == "/problems/step-sent"
    run()
    assert state(session, issue_id) == "received"


@pytest.mark.parametrize(
    ("category", "step", "given"),
    [("0101", "settle", {"answer": "已清理"}), ("0302", "done", {"answer": "灯已修好"}),
     ("0302", "return", {"reason": "not_found", "note": "现场灯亮"}),
     ("0205", "return", {"reason": "not_found", "note": "现场无噪音"})],
)  # fmt: skip
def test_what_the_category_wants_to_see_is_asked_for_and_a_photo_on_its_way_will_do(
    phone_of, run, handler_phone, session, category, step, given
):
    reporter = phone_of("west")
    if step == "settle":
        issue, phone = reporter.issue(category=category), reporter
        first, issue_id = [issue], issue["id"]
    else:
        issue_id = reported(reporter, run, category)
        phone = handler_phone(
            session.scalar(text("SELECT default_body FROM category WHERE code = :c"), {"c": category})
        )
        first = [a_step(phone, issue_id, "receive")]
    bare = a_step(phone, issue_id, step, **given)
    phone.push(*first, bare)
    run(route=step != "settle")
    seen = told(phone, bare["id"])
    assert (seen["outcome"], seen["instead"]["type"]) == ("refused", "/problems/case-step-invalid")
    assert (seen["instead"]["field"], seen["instead"]["reason"]) == ("photos", "photo-rule")
    shown = a_step(phone, issue_id, step, photos=PHOTO, **given)
    phone.push(shown)
    run(route=False)
    assert told(phone, shown["id"])["outcome"] == "taken"


def test_where_a_category_wants_nothing_seen_words_will_do(phone_of, run, handler_phone, session):
    issue_id = reported(phone_of("west"), run, "0406")
    handler = handler_phone(session.scalar(text("SELECT default_body FROM category WHERE code = '0406'")))
    receive, done = a_step(handler, issue_id, "receive"), a_step(handler, issue_id, "done", answer="已与物业谈妥")
    handler.push(receive, done)
    run()
    assert told(handler, done["id"])["outcome"] == "taken"


def test_a_check_that_nothing_overtook_is_refused_with_what_speaks_against_it(phone_of, run, handler_phone, session):
    session.execute(text("UPDATE category SET is_night = true WHERE code = '0302'"))
    session.commit()
    reporter, near = phone_of("west"), phone_of("east")
    issue_id, handler = reported(reporter, run), handler_phone("zhujian")
    noon = dt.datetime.now(dt.UTC).replace(hour=4, minute=0, second=0) - dt.timedelta(days=1)
    handler.push(a_step(handler, issue_id, "receive"), a_step(handler, issue_id, "done", answer="灯亮", photos=PHOTO))
    run()
    session.execute(text("ALTER TABLE case_step DISABLE TRIGGER case_step_stands"))
    session.execute(text("UPDATE case_step SET at = at - interval '3 days', taken_at = taken_at - interval '3 days'"))
    session.execute(text("ALTER TABLE case_step ENABLE TRIGGER case_step_stands"))
    session.commit()
    by_day = a_step(near, issue_id, "check", result="fixed", photos=PHOTO, captured_at=noon,
                    location={"lon": 114.305, "lat": 25.685})  # fmt: skip
    near.push(by_day)
    run()
    seen = told(near, by_day["id"])
    assert (seen["outcome"], seen["instead"]["guard"]) == ("refused", "at-night-if-needed")
    assert seen["instead"]["guard_words"] == {
        "zh": "夜间问题须夜间查看",
        "en": "a fault of the night is looked at by night",
    }
    assert state(session, issue_id) == "done"


def test_a_stranger_and_a_handler_of_another_body_take_nothing(phone_of, run, handler_phone, session):
    issue_id = reported(phone_of("west"), run)
    for phone in (handler_phone("minzheng"), phone_of("east"), phone_of()):
        step = a_step(phone, issue_id, "receive")
        phone.push(step)
        run()
        seen = told(phone, step["id"])
        assert (seen["outcome"], seen["instead"]["type"]) == ("refused", "/problems/unknown-case")
    assert state(session, issue_id) == "dispatched"


def test_a_worker_drawn_for_a_check_gets_what_is_needed_and_answers_from_the_phone(
    phone_of, run, handler_phone, session
):
    reporter, near = phone_of("west"), phone_of("east")
    issue_id, handler = reported(reporter, run, "0301"), handler_phone("zhujian")
    handler.push(
        a_step(handler, issue_id, "receive"), a_step(handler, issue_id, "done", answer="灯已修好", photos=PHOTO)
    )
    run()
    near.pull()
    [task] = near.records("tasks").values()
    assert (task["data"]["kind"], task["data"]["issue_id"]) == ("check", issue_id)
    assert task["data"]["case"]["location"]["lon"] == 114.305
    mine = a_step(reporter, issue_id, "check", result="fixed", photos=[str(uuid.uuid4())],
                  location={"lon": 114.305, "lat": 25.685})  # fmt: skip
    reporter.push(mine)
    run()
    assert told(reporter, mine["id"])["outcome"] == "refused"
    near.push(a_step(near, issue_id, "check", result="fixed", photos=[str(uuid.uuid4())],
                     location={"lon": 114.305, "lat": 25.685}))  # fmt: skip
    run()
    assert state(session, issue_id) == "checked"
    near.pull()
    assert near.records("tasks") == {}


@pytest.mark.parametrize("data", [{"step": "receive"}, {"issue_id": str(uuid.uuid4()), "step": "dispatch"},
                                  {"issue_id": str(uuid.uuid4()), "step": "close", "bodies": {}}])  # fmt: skip
def test_a_step_that_no_phone_can_take_is_quarantined_by_its_field(phone_of, data):
    phone = phone_of("west")
    [answer] = phone.push(phone.op("steps", data))
    assert answer["status"] == "quarantined"


def test_nobody_else_hears_of_a_step(phone_of, run, handler_phone):
    reporter, colleague = phone_of("west"), phone_of("west")
    issue_id, handler = reported(reporter, run), handler_phone("zhujian")
    colleague.pull()
    step = a_step(handler, issue_id, "receive", location={"lon": 114.305, "lat": 25.685})
    handler.push(step)
    run()
    seen = colleague.page(cursor=colleague.cursor)
    assert step["id"] not in [each["id"] for each in seen["changes"]]


def test_what_changes_of_a_case_reaches_who_is_to_check_it_and_holds_no_copy(phone_of, run, handler_phone, session):
    reporter, near = phone_of("west"), phone_of("east")
    issue_id, handler = reported(reporter, run, "0301"), handler_phone("zhujian")
    handler.push(a_step(handler, issue_id, "receive"), a_step(handler, issue_id, "done", answer="已更换", photos=PHOTO))
    run()
    near.pull()
    [before] = near.records("tasks").values()
    for change in (
        'doc = doc || \'{"description": "井盖又松了"}\', rev = rev + 1, doc_rev = doc_rev + 1',
        'doc = doc || \'{"address_text": "阳岭大道 20 号"}\', rev = rev + 1, doc_rev = doc_rev + 1',
    ):
        session.execute(text(f"UPDATE issue SET {change} WHERE id = :id"), {"id": issue_id})
        session.commit()
        near.pull()
        [after] = near.records("tasks").values()
        assert after["rev"] > before["rev"]
        before = after
    case = before["data"]["case"]
    assert (case["description"], case["address_text"]) == ("井盖又松了", "阳岭大道 20 号")
