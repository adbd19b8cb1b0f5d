"""Calls of bodies' own systems: signed by the secret of their endpoint, of now, and done once."""

import base64
import dataclasses
import datetime as dt
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from unittest import mock

import pytest
import redis
from rq import Queue
from sqlalchemy import event, text
from standardwebhooks import Webhook

from geo.editions.ground import Grounds
from server.accounts.charge import Charge, Held
from server.app import create_app
from server.attachments.slots import slot
from server.cases.delivery import callbacks, endpoints
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take_one
from server.cases.routing.service import route_awaiting
from server.database.extensions import db
from sync.sql.statements import Statement
from tests.cases.city import rows, sent_photo
from tests.emptying import empty
from tests.files.pictures import picture


@pytest.fixture
def secret(app, session):
    """The secret of a body's endpoint: ``secret("zhujian")``."""

    def made(body, **more):
        saved = endpoints.save(
            session, body, "https://body.example/", seal_with=endpoints.seal(app.config["PATROL"].secret_key),
            now=dt.datetime.now(dt.UTC), rotate=True, **more,
        )  # fmt: skip
        session.commit()
        return saved.secret

    yield made
    session.rollback()
    empty(session, "endpoint, endpoint_change, callback")
    session.commit()


@pytest.fixture
def case(phone_of, session):
    phone = phone_of("west")
    issue = phone.issue(category="0302")
    phone.push(issue)
    moment = dt.datetime.now(dt.UTC)
    route_awaiting(session, moment, Grounds().at(session, 1, moment))
    session.commit()
    return issue["id"]


def call(app, body, secret, *steps, at=None, tamper=None):
    sent = json.dumps({"steps": list(steps)})
    moment = at or dt.datetime.now(dt.UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, sent),
    }
    return app.test_client().post(f"/v1/callbacks/{body}", data=tamper or sent, headers=headers)


def receive(issue_id, **more):
    return {"id": str(uuid.uuid4()), "issue_id": issue_id, "step": "receive"} | more


def test_a_body_signs_for_its_case_and_a_call_sent_again_changes_nothing(app, secret, case, session):
    key, step = secret("zhujian"), receive(case)
    for _ in range(2):
        answer = call(app, "zhujian", key, step)
        assert answer.status_code == 200, answer.text
        assert answer.json["results"][0]["status"] == "taken"
    taken = rows(session, "SELECT source, person_id FROM case_step WHERE step = 'receive'")
    assert taken == [{"source": "callback", "person_id": None}]


def test_the_secret_before_holds_for_a_while(app, secret, case):
    former = secret("zhujian")
    secret("zhujian")
    assert call(app, "zhujian", former, receive(case)).status_code == 200


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_call_of_another_time_is_refused(app, secret, case, minutes):
    at = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)
    answer = call(app, "zhujian", secret("zhujian"), receive(case), at=at)
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/callback-refused")


def test_who_does_not_sign_as_the_body_is_refused_alike(app, secret, case):
    key, other = secret("zhujian"), secret("minzheng")
    step = receive(case)
    wrong = [
        call(app, "zhujian", other, step),
        call(app, "nobody", key, step),
        call(app, "chengguan", key, step),
        call(app, "zhujian", key, step, tamper=json.dumps({"steps": [receive(case)]})),
        app.test_client().post("/v1/callbacks/zhujian", json={"steps": [step]}),
    ]
    assert {(each.status_code, each.json["type"]) for each in wrong} == {(401, "/problems/callback-refused")}


def test_a_body_takes_no_step_of_anothers_case(app, secret, case):
    answer = call(app, "minzheng", secret("minzheng"), receive(case))
    assert answer.json["results"][0]["status"] == "refused"


def test_a_body_whose_line_was_cut_by_hand_calls_nobody(app, secret, case):
    key = secret("zhujian")
    secret("zhujian", active=False)
    assert call(app, "zhujian", key, receive(case)).status_code == 401


def test_a_retired_body_calls_nobody(app, secret, session):
    key = secret("minzheng")
    assert call(app, "minzheng", key, receive(str(uuid.uuid4()))).status_code == 200
    session.execute(text("UPDATE organisation SET retired_at = now() WHERE code = 'minzheng'"))
    session.commit()
    try:
        assert call(app, "minzheng", key, receive(str(uuid.uuid4()))).status_code == 401
    finally:
        session.execute(text("UPDATE organisation SET retired_at = NULL WHERE code = 'minzheng'"))
        session.commit()


def test_a_step_that_cannot_be_read_is_told_by_its_field(app, secret, case):
    answer = call(app, "zhujian", secret("zhujian"), receive(case, step="dance"))
    assert answer.status_code == 422
    assert "step" in answer.json["errors"][0]["field"]


def post(app, body, secret, sent, call_id="msg_1", **headers):
    """Send what a body signed, whatever it is."""
    moment = dt.datetime.now(dt.UTC)
    headers = {
        "Content-Type": "application/json", "webhook-id": call_id, "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(call_id, moment, sent), **headers,
    }  # fmt: skip
    return app.test_client().post(f"/v1/callbacks/{body}", data=sent, headers=headers)


def called(*steps):
    return json.dumps({"steps": list(steps)})


def results(answer):
    assert answer.status_code == 200, answer.text
    return [(each["status"], each["state"], each.get("error", {}).get("type")) for each in answer.json["results"]]


def test_a_call_has_one_answer_whatever_happens_meanwhile(app, secret, case):
    key, start = secret("zhujian"), called(receive(case, step="start"))
    first = post(app, "zhujian", key, start, "start")
    assert results(first)[0][0] == "illegal"
    assert results(post(app, "zhujian", key, called(receive(case)), "receive"))[0][0] == "taken"
    assert post(app, "zhujian", key, start, "start").data == first.data, "what was refused is not done later"
    assert results(post(app, "zhujian", key, called(receive(case, step="start")), "again"))[0][0] == "taken"


def test_another_call_under_an_id_that_was_answered_is_refused(app, secret, case, session):
    key = secret("zhujian")
    post(app, "zhujian", key, called(receive(case, step="start")))
    other = post(app, "zhujian", key, called(receive(case)))
    assert (other.status_code, other.json["type"]) == (409, "/problems/callback-id-reused")
    assert rows(session, "SELECT id FROM case_step WHERE source = 'callback'") == []
    # Of another body it is another call; and one that could not be read was not answered.
    assert post(app, "minzheng", secret("minzheng"), called(receive(case))).status_code == 200
    assert post(app, "zhujian", key, "{}", "unread").status_code == 422
    assert post(app, "zhujian", key, called(receive(case)), "unread").status_code == 200


def test_calls_are_forgotten_after_some_days(app, secret, case, session):
    key = secret("zhujian")
    post(app, "zhujian", key, called(receive(case, step="start")), "old")
    session.execute(text("UPDATE callback SET called_at = now() - interval '5 days'"))
    session.commit()
    post(app, "zhujian", key, called(receive(case)), "new")
    assert rows(session, "SELECT count(*) AS calls FROM callback") == [{"calls": 1}]


def test_an_id_of_any_length_is_an_id(app, secret, case):
    key, step = secret("zhujian"), called(receive(case))
    for call_id in ("x" * 7000, "\u00e9"):
        signed = post(app, "zhujian", key, step, call_id)
        assert results(signed)[0][0] == "taken"


def test_what_a_rule_did_is_nobodys_step_to_repeat(app, secret, case, session):
    key = secret("zhujian")
    done = rows(session, "SELECT id, step FROM case_step WHERE step IN ('accept', 'file') ORDER BY place")
    claimed = called(*(receive(case, id=str(each["id"]), step=each["step"]) for each in done))
    told = results(post(app, "zhujian", key, claimed, "rules"))
    assert {each[2] for each in told} == {"/problems/case-step-id-reused"}


def test_a_step_sent_again_says_the_same_or_is_another(app, secret, case):
    key, mine = secret("zhujian"), receive(case, note="first")
    post(app, "zhujian", key, called(mine), "1")
    less, more = receive(case, id=mine["id"]), mine | {"photos": [str(uuid.uuid4())]}
    for number, changed in enumerate((less, more, mine | {"note": "second"}, mine | {"step": "start"})):
        (told,) = results(post(app, "zhujian", key, called(changed), f"changed {number}"))
        assert told[2] == "/problems/case-step-id-reused", changed
    assert results(post(app, "zhujian", key, called(mine), "2")) == [("taken", "received", None)]


def test_a_photo_comes_with_the_call_that_names_it(app, secret, case, session):
    key, photo, shot = secret("zhujian"), str(uuid.uuid4()), picture()
    post(app, "zhujian", key, called(receive(case)), "1")
    back = receive(case, step="return", reason="not_ours", note="请改派", photos=[photo])
    assert results(post(app, "zhujian", key, called(back), "2"))[0][2] == "/problems/case-step-invalid"

    def sent(content, of=case, name=None):
        return {"id": name or str(uuid.uuid4()), "issue_id": of, "content": base64.b64encode(content).decode()}

    photos = [sent(shot[:200]), sent(shot, of=str(uuid.uuid4())), sent(shot, name=photo)]
    gone = ("refused", "/problems/unknown-file")
    # Once it is returned, the case is that body's no longer: of its photos it is told nothing, of its step it is.
    for number, told in (("3", [("refused", "/problems/file-refused"), gone, ("taken", None)]), ("4", [gone] * 3)):
        answer = post(app, "zhujian", key, json.dumps({"steps": [back], "photos": photos}), number)
        assert results(answer) == [("taken", "returned", None)]
        assert [(each["status"], each.get("error", {}).get("type")) for each in answer.json["photos"]] == told
    kept = rows(session, "SELECT id::text, author_id, bond FROM attachment")
    assert kept == [{"id": photo, "author_id": None, "bond": "bound"}]
    wrong = post(app, "zhujian", key, json.dumps({"steps": [back], "photos": [photos[0] | {"content": "%%%"}]}), "5")
    assert (wrong.status_code, "content" in wrong.text) == (422, True)


def a_photo(case):
    return {"id": str(uuid.uuid4()), "issue_id": case, "content": base64.b64encode(picture()).decode()}


def test_a_call_whose_id_was_answered_brings_nothing(app, secret, case, session):
    key, first = secret("zhujian"), called(receive(case))
    before = post(app, "zhujian", key, first, "1")
    other = json.dumps({"steps": [receive(case, step="start")], "photos": [a_photo(case)]})
    assert post(app, "zhujian", key, other, "1").status_code == 409
    assert post(app, "zhujian", key, first, "1").data == before.data
    assert rows(session, "SELECT id FROM attachment") == []


def test_photos_of_calls_take_the_places_of_uploads_and_steps_alone_take_none(app, secret, case):
    key, places = secret("zhujian"), app.config["PATROL"].upload_slots
    shown = json.dumps({"steps": [receive(case, step="start")], "photos": [a_photo(case)]})
    with ExitStack() as held:
        for _ in range(places):
            held.enter_context(slot(places))
        busy = post(app, "zhujian", key, shown, "1")
        assert (busy.status_code, busy.json["type"]) == (503, "/problems/uploads-busy")
        assert results(post(app, "zhujian", key, called(receive(case)), "2"))[0][0] == "taken"
    assert results(post(app, "zhujian", key, shown, "1"))[0][0] == "taken"


def test_the_clocks_of_a_case_are_counted_as_soon_as_a_step_is_taken(app, secret, case, redis_url):
    waiting = Queue("clocks", connection=redis.from_url(redis_url))
    waiting.empty()
    post(app, "zhujian", secret("zhujian"), called(receive(case)), "1")
    assert len(waiting.job_ids) == 1


def test_a_body_is_told_of_its_step_when_the_case_is_no_longer_its_own(app, secret, case, session):
    key = secret("zhujian")
    post(app, "zhujian", key, called(receive(case)), "1")
    photo = sent_photo(session, case)
    session.commit()
    back = called(receive(case, step="return", reason="not_ours", note="请改派", photos=[photo]))
    assert results(post(app, "zhujian", key, back, "2")) == [("taken", "returned", None)]
    session.execute(text("TRUNCATE callback"))
    session.execute(text("DELETE FROM rule"))
    session.commit()
    # The answer was lost, and another body has the case by now.
    with app.app_context():
        handed_to(session, case, "minzheng")
    assert results(post(app, "zhujian", key, back, "3")) == [("taken", "returned", None)]
    assert results(post(app, "zhujian", key, called(receive(case)), "4"))[0][2] == "/problems/unknown-case"
    theirs = post(app, "minzheng", secret("minzheng"), back, "5")
    assert results(theirs) == [("refused", "dispatched", "/problems/case-step-id-reused")]


def handed_to(session, issue_id, body):
    """Have the whole city's dispatcher give a case to a body."""
    moment = dt.datetime.now(dt.UTC)
    roots = frozenset(session.scalars(text("SELECT id FROM area WHERE code = '360725'")))
    charge = Charge(
        session.scalar(text("SELECT min(id) FROM person")), frozenset(Held("dispatcher", each, None) for each in roots)
    )
    given = {"bodies": {"lead": body, "assisting": []}}
    wanted = Wanted(uuid.uuid4(), uuid.UUID(issue_id), "dispatch", Actor("page", charge), given)
    take_one(session, wanted, Grounds().at(session, 1, moment), moment)
    session.commit()


def test_one_id_for_many_cases_at_once_is_taken_once(app, secret, phone_of, session):
    phone, moment = phone_of("west"), dt.datetime.now(dt.UTC)
    issues = [phone.issue(category="0302") for _ in range(6)]
    phone.push(*issues)
    route_awaiting(session, moment, Grounds().at(session, 1, moment))
    session.commit()
    key, step_id, together = secret("zhujian"), str(uuid.uuid4()), threading.Barrier(6)

    def send(number):
        together.wait()
        sent = called(receive(issues[number]["id"], id=step_id))
        return results(post(app, "zhujian", key, sent, f"call {number}"))[0][0]

    with ThreadPoolExecutor(6) as threads:
        assert sorted(threads.map(send, range(6))) == ["refused"] * 5 + ["taken"]


def test_the_same_call_many_times_at_once_is_taken_once(app, secret, case, session):
    key, sent, together = secret("zhujian"), called(receive(case)), threading.Barrier(8)

    def send(_):
        together.wait()
        return post(app, "zhujian", key, sent).data

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(send, range(8)))) == 1
    assert len(rows(session, "SELECT id FROM case_step WHERE source = 'callback'")) == 1


def test_what_no_body_needs_is_not_read(app, secret, case):
    sent = called(receive(case)) + " " * callbacks.MOST_BYTES
    assert post(app, "zhujian", secret("zhujian"), sent).status_code == 413
    assert app.test_client().post("/v1/callbacks/nobody", data=sent).status_code == 413


@pytest.mark.parametrize(
    "step", ["accept", "refuse", "merge", "verify", "file", "dispatch", "grant_extension", "suspend", "check", "rework",
             "close", "rate", "reopen", "void", "whistle", "score"],
)  # fmt: skip
def test_what_is_not_a_bodys_to_do_no_body_does(app, secret, case, session, step):
    given = {"reason": "fixed", "result": "fixed", "score": 5, "answer": "已办", "of": case, "body": "zhujian"}
    sent = called(receive(case, step=step), receive(case, step=step, **given))
    assert {each[0] for each in results(post(app, "zhujian", secret("zhujian"), sent))} <= {"refused", "illegal"}
    assert rows(session, "SELECT id FROM case_step WHERE source = 'callback'") == []


def test_a_body_calls_no_oftener_than_a_phone(app, secret, case):
    """Each for itself: one whose system runs wild, or whose secret was stolen, fills nothing and holds up nobody."""
    mine, theirs, step = secret("zhujian"), secret("minzheng"), called(receive(case))
    slow = create_app(dataclasses.replace(app.config["PATROL"], push_rate="3 per minute"))
    try:
        codes = [post(slow, "zhujian", mine, step, f"call {number}").status_code for number in range(4)]
        assert codes == [200, 200, 200, 429]
        assert post(slow, "minzheng", theirs, step).status_code == 200
    finally:
        with slow.app_context():
            db.engine.dispose()


def test_strangers_learn_nothing_of_who_there_is(app, secret, case):
    """The answer is the same to the byte, and the same statements are run and secrets tried."""
    secret("zhujian")
    told, work = set(), set()
    for body in ("zhujian", "chengguan", "nobody"):
        with (
            counted(app) as statements,
            mock.patch.object(Webhook, "verify", autospec=True, side_effect=ValueError) as tried,
        ):
            answer = post(app, body, "whsec_" + "A" * 44, called(receive(case)))
        told.add((answer.status_code, answer.data))
        work.add((tried.call_count, len(statements)))
    assert len(told) == len(work) == 1


@contextmanager
def counted(app):
    """Count what is asked of the database meanwhile."""
    asked = []
    with app.app_context():
        engine = db.engine
    run = Statement.send

    def note(self, *args, **named):
        asked.append(self)
        return run(self, *args, **named)

    def executed(*_):
        asked.append("core")

    event.listen(engine, "before_cursor_execute", executed)
    try:
        with mock.patch.object(Statement, "send", note):
            yield asked
    finally:
        event.remove(engine, "before_cursor_execute", executed)
