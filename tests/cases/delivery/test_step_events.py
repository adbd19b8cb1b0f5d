"""What the systems of bodies hear of the steps that others take on their cases: by the table's own words, masked."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import text

from server.accounts.charge import Charge, Held
from server.cases.delivery.webhook_payload import OF_STEPS
from server.cases.life.persons import Actor
from server.cases.life.taking import Wanted, take_one
from server.cases.life.transitions import STEPS
from tests.cases.city import id_of, shown
from tests.cases.posting import deliver, dispatch, hook, now
from tests.cases.receiver import receiving

COMMUNITY = "360725100001"
PHOTO = ["0193a000-0000-7000-8000-000000000001"]
SEEN = {"photos": PHOTO, "location": {"lon": 114.305, "lat": 25.685}}


@pytest.fixture
def step(begin, ground):
    """Takes a step as somebody of a role, or as a body's own system."""

    def taken(role, place, issue_id, name, source="page", **given):
        with begin() as session:
            body = id_of(session, "organisation", place)
            if source == "callback":
                actor = Actor("callback", body_ids=frozenset({body}))
            else:
                login = f"{role}-{place}"
                session.execute(
                    text("INSERT INTO person (login, name) VALUES (:l, :l) ON CONFLICT DO NOTHING"), {"l": login}
                )
                held = Held(role, None if body else id_of(session, "area", place), body)
                actor = Actor(source, Charge(id_of(session, "person", login), frozenset({held})))
            take_one(
                session, Wanted(uuid.uuid4(), issue_id, name, actor, shown(session, issue_id, given)), ground, now()
            )

    return taken


def types(body):
    return [each["type"] for each in body.messages]


@pytest.mark.long
def test_a_body_hears_what_others_do_with_its_case_from_the_dispatch_to_the_answer(begin, ground, step):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        [issue_id] = dispatch(begin, ground, "0301")
        lead, duty, chief = ("handler", "zhujian"), ("dispatcher", COMMUNITY), ("supervisor", COMMUNITY)
        review = (now() + timedelta(days=20)).date().isoformat()
        limit = {"value": 2, "unit": "wd"}
        for who, name, given in (
            (lead, "receive", {}), (lead, "ask_extension", {"reason": "缺件", "limit": limit}),
            (duty, "refuse_extension", {"reason": "库存有货"}),
            (duty, "suspend", {"reason": "停水", "review_on": review}),
            (duty, "resume", {}), (lead, "done", {"answer": "已更换", "photos": PHOTO}),
            (duty, "rework", {"reason": "仍有响动"}), (lead, "done", {"answer": "已加垫", "photos": PHOTO}),
            (chief, "check", {"result": "fixed", **SEEN}), (duty, "close", {"reason": "fixed"}),
            (duty, "reopen", {"reason": "又响了"}), (duty, "escalate", {"reason": "反复"}),
            (chief, "void", {"reason": "重复"}),
        ):  # fmt: skip
            step(*who, issue_id, name, **given)
            deliver(begin)
    assert types(body) == [
        "issue.dispatched", "issue.extension_refused", "issue.suspended", "issue.resumed", "issue.reworked",
        "issue.checked", "issue.closed", "issue.reopened", "issue.escalated", "issue.voided",
    ]  # fmt: skip
    told = body.messages[4]["data"]
    assert (told["issue_id"], told["step"], told["state"], told["part"]) == (
        str(issue_id),
        "rework",
        "reworked",
        "lead",
    )
    assert told["given"] == {"reason": "仍有响动"}
    assert told["deadline"] is not None
    assert told["number"].startswith("26")
    assert len({each["data"]["step_id"] for each in body.messages[1:]}) == 9


def test_a_body_is_not_told_of_its_own_calls_and_the_others_are(begin, ground, step):
    with receiving() as lead, receiving() as helper:
        hook(begin, "sifa", lead.url)
        hook(begin, "renshe", helper.url)
        [issue_id] = dispatch(begin, ground, "0604", description="欠薪三个月")
        step("handler", "sifa", issue_id, "receive", source="callback")
        step("handler", "sifa", issue_id, "escalate", source="callback", reason="金额大")
        deliver(begin)
    assert types(lead) == ["issue.dispatched"]
    assert types(helper) == ["issue.dispatched", "issue.received", "issue.escalated"]


def test_of_a_private_case_what_was_said_is_told_the_lead_alone(begin, ground, step):
    with receiving() as lead, receiving() as helper:
        hook(begin, "sifa", lead.url)
        hook(begin, "renshe", helper.url)
        [issue_id] = dispatch(begin, ground, "0604", description="欠薪三个月")
        step("handler", "sifa", issue_id, "receive", source="callback")
        review = (now() + timedelta(days=20)).date().isoformat()
        step("dispatcher", COMMUNITY, issue_id, "suspend", reason="当事人住院", review_on=review)
        deliver(begin)
    [at_lead] = [each["data"] for each in lead.messages if each["type"] == "issue.suspended"]
    [at_helper] = [each["data"] for each in helper.messages if each["type"] == "issue.suspended"]
    assert at_lead["given"]["reason"] == "当事人住院"
    assert (at_helper["state"], at_helper["part"], at_helper["given"]) == ("suspended", "assisting", {})
    assert "当事人" not in str(helper.messages)


@pytest.mark.long
def test_bodies_are_named_by_their_codes_in_what_is_told(begin, ground, step):
    with receiving() as helper:
        hook(begin, "gongshui", helper.url)
        [issue_id] = dispatch(begin, ground, "0301")
        step("handler", "zhujian", issue_id, "receive")
        street = ("supervisor", "360725")
        step(*street, issue_id, "whistle", bodies={"lead": "zhujian", "assisting": ["gongshui"]})
        step("handler", "gongshui", issue_id, "assist_done", answer="已关阀")
        step(*street, issue_id, "score", body="gongshui", score=5)
        deliver(begin)
    told = helper.messages[-1]
    assert (told["type"], told["data"]["given"]) == ("issue.scored", {"body": "gongshui", "score": 5})


def test_a_body_without_a_system_has_nothing_waiting_for_it(begin, ground, step):
    [issue_id] = dispatch(begin, ground, "0301")
    step("handler", "zhujian", issue_id, "receive")
    step("dispatcher", COMMUNITY, issue_id, "escalate", reason="久拖")
    with begin() as session:
        assert not session.scalar(text("SELECT count(*) FROM delivery WHERE kind = 'step'"))


@pytest.mark.long
def test_another_deadline_takes_no_step_back_and_losing_the_case_does(begin, ground, step):
    with receiving() as body:
        hook(begin, "zhujian", body.url)
        [issue_id] = dispatch(begin, ground, "0301")
        deliver(begin)
        step("handler", "zhujian", issue_id, "receive")
        step("dispatcher", COMMUNITY, issue_id, "escalate", reason="久拖")
        with begin() as session:
            session.execute(
                text("""
                WITH again AS (
                    INSERT INTO routing_decision (issue_id, decided_at, body_id, assisting_ids, tier, since, due_at,
                                                  reasons)
                    SELECT issue_id, now(), body_id, assisting_ids, tier, since, due_at, reasons
                    FROM routing_decision RETURNING *
                )
                INSERT INTO delivery (id, decision_id, issue_id, organisation_id, channel, kind, state, created_at,
                                      first_due_at, next_attempt_at)
                SELECT gen_random_uuid(), id, issue_id, body_id, 'webhook', 'dispatched', 'waiting', now(), now(), now()
                FROM again
            """)
            )
        deliver(begin)
        assert sorted(types(body)) == ["issue.dispatched", "issue.dispatched", "issue.escalated"]
        step("dispatcher", COMMUNITY, issue_id, "escalate", reason="再催")
        with begin() as session:
            session.execute(
                text("UPDATE delivery SET next_attempt_at = now() + interval '1 h' WHERE state = 'waiting'")
            )
        step("handler", "zhujian", issue_id, "return", reason="not_ours", note="x", photos=PHOTO)
        with begin() as session:
            session.execute(text("UPDATE delivery SET next_attempt_at = now() WHERE state = 'waiting'"))
        deliver(begin)
    assert types(body)[3:] == ["issue.withdrawn"]


def test_every_step_that_bodies_hear_of_has_one_name_of_its_own():
    assert len(set(OF_STEPS.values())) == len(OF_STEPS)
    told_by_decisions = {"dispatch", "whistle"}
    before_a_body = {"report", "accept", "refuse", "merge", "unmerge", "settle", "verify", "file"}
    assert STEPS.keys() - OF_STEPS.keys() == told_by_decisions | before_a_body
