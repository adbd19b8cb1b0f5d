"""Doors taken for some days: two workers do not knock at one, the first has it, it ends by itself or is given back."""

import datetime as dt
import threading
import uuid

import pytest
from sqlalchemy import text

from tests.cases.city import IN_WEST, WEST
from tests.sync.access.ruling import put_household
from tests.sync.access.seeing import digest_agrees

SHANGHAI = dt.timezone(dt.timedelta(hours=8))


@pytest.fixture
def door(session):
    return str(put_household(session, IN_WEST, WEST))


def take(phone, *doors, days=3):
    sent = {"households": list(doors), "days": days}
    return phone.client.post("/v1/doors/claims", json=sent, headers=phone.headers)


def give_back(phone, *doors):
    return phone.client.post("/v1/doors/claims/return", json={"households": list(doors)}, headers=phone.headers)


def statuses(answer):
    return [each["status"] for each in answer.json["doors"]]


def claimed(phone, door):
    phone.pull()
    return phone.records("households")[door]["data"].get("claimed")


def test_a_colleague_sees_who_goes_there_until_when_and_no_record_is_missed(phone_of, door, session):
    mine, colleague = phone_of("west"), phone_of("west")
    assert claimed(colleague, door) is None
    answer = take(mine, door)
    assert statuses(answer) == ["yours"]
    before = colleague.records("households")[door]["rev"]
    today = dt.datetime.now(SHANGHAI).date()
    ends = dt.datetime.combine(today + dt.timedelta(days=3), dt.time(), SHANGHAI)
    name = session.scalar(text("SELECT name FROM person WHERE login = :login"), {"login": mine.login})
    for phone, is_mine in ((mine, True), (colleague, False)):
        told = claimed(phone, door)
        assert (told["by"], told["mine"]) == (name, is_mine)
        assert dt.datetime.fromisoformat(told["until"]) == ends
        assert digest_agrees(phone)
    assert colleague.records("households")[door]["rev"] > before, "the digest shows who has not heard of it"


def test_the_first_has_it_and_the_other_is_told_who(phone_of, door):
    first, second = phone_of("west"), phone_of("west")
    take(first, door)
    answer = take(second, door)
    [told] = answer.json["doors"]
    assert (told["status"], told["by"]) == ("taken", first.login)
    assert claimed(second, door)["mine"] is False


def test_of_two_at_once_one_has_it(phone_of, app, session):
    door = str(put_household(session, IN_WEST, WEST))
    phones = [phone_of("west") for _ in range(4)]
    begin, found = threading.Barrier(4), []

    def ask(phone):
        phone.client = app.test_client()
        begin.wait()
        found.append(statuses(take(phone, door))[0])

    threads = [threading.Thread(target=ask, args=[phone]) for phone in phones]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(found) == ["taken", "taken", "taken", "yours"]


def test_it_is_given_back_by_whoever_has_it_alone(phone_of, door):
    first, second = phone_of("west"), phone_of("west")
    take(first, door)
    assert statuses(give_back(second, door)) == ["taken"]
    assert statuses(give_back(first, door)) == ["free"]
    assert claimed(second, door) is None
    assert statuses(take(second, door)) == ["yours"]


def test_it_ends_by_itself(phone_of, door, session):
    first, second = phone_of("west"), phone_of("west")
    take(first, door)
    session.execute(text("UPDATE door_claim SET taken_at = now() - interval '2 days', until = now()"))
    session.commit()
    second.pull()
    assert claimed(second, door) is None
    assert statuses(take(second, door)) == ["yours"]
    assert claimed(first, door)["by"] == second.login


def test_what_is_long_over_is_kept_nowhere(phone_of, door, session):
    old = str(put_household(session, IN_WEST, WEST))
    phone = phone_of("west")
    take(phone, old)
    session.execute(
        text("UPDATE door_claim SET taken_at = now() - interval '9 days', until = now() - interval '2 days'")
    )
    session.commit()
    take(phone, door)
    assert session.scalars(text("SELECT household_id FROM door_claim")).all() == [uuid.UUID(door)]


def test_what_lies_elsewhere_is_not_taken_and_tells_nothing(phone_of, door):
    mine, elsewhere = phone_of("west"), phone_of("east")
    take(mine, door)
    [told] = take(elsewhere, door).json["doors"]
    assert told == {"household_id": door, "status": "unknown", "by": None, "until": None}
    assert statuses(take(elsewhere, str(uuid.uuid4()))) == ["unknown"]
    assert statuses(give_back(elsewhere, door)) == ["unknown"]
    assert claimed(mine, door)["mine"] is True


def test_a_correction_that_was_written_before_it_was_taken_makes_no_conflict(phone_of, door):
    phone, colleague = phone_of("west"), phone_of("west")
    phone.pull()
    take(colleague, door)
    [result] = phone.push(phone.patch("households", door, {"rev": 1}, contact_preference="evening"))
    assert result["status"] == "applied"
    assert claimed(phone, door)["by"] == colleague.login
    assert phone.records("households")[door]["data"]["contact_preference"] == "evening"


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        ("days", {"days": 0}),
        ("days", {"days": 8}),
        ("days", {"days": "3"}),
        ("households", {"households": []}),
        ("households", {"households": ["no id"]}),
        ("until", {"until": "2026-12-03T00:00:00Z"}),
    ],
)
def test_a_wrong_question_is_refused_by_its_field(phone_of, door, field, sent):
    phone = phone_of("west")
    whole = {"households": [door], "days": 3} | sent
    answer = phone.client.post("/v1/doors/claims", json=whole, headers=phone.headers)
    assert answer.status_code == 422
    assert field in answer.json["errors"][0]["field"]
