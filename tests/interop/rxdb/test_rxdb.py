"""RxDB, a store that others wrote, replicates through an adapter of a page and converges by the server's merge."""

import uuid
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.cases.city import EAST, WEST

AT = {"lon": 114.305, "lat": 25.685}


@pytest.fixture
def converge(settle, session):
    """Brings all devices online until nothing waits; returns what the server has of each record."""

    def run(*devices):
        for _ in range(2):
            for device in devices:
                device.sync()
            settle()
        assert [device.sync()["errors"] for device in devices] == [[]] * len(devices)
        return on_server(session, devices[0].collection)

    return run


def on_server(session, collection):
    session.rollback()
    table = {"issues": "issue", "visits": "visit"}[collection]
    rows = session.execute(text(f"SELECT id, rev, doc FROM {table} WHERE deleted_at IS NULL"))
    return {str(row.id): row.doc | {"rev": row.rev} for row in rows}


def of_device(device, names):
    """Return the records of a device by the fields that a device writes; the others are the server's."""
    return {key: {name: each[name] for name in names[key] if name in each} for key, each in device.documents.items()}


def assert_alike(server, *devices):
    for device in devices:
        assert of_device(device, server) == server


def operations(session, record_id):
    session.rollback()
    told = {"id": str(record_id)}
    return session.execute(text("SELECT op_id, status FROM operation WHERE record_id = :id ORDER BY id"), told).all()


@pytest.fixture
def shared(device_of, converge):
    """Two devices of one grid, and an issue that both have."""
    one, two = device_of(), device_of()
    issue = str(uuid.uuid4())
    one.put(issue, category="0301", location=AT, description="井盖", severity="low", tags=["a", "b"])
    converge(one, two)
    return one, two, issue


def test_fields_that_two_changed_offline_are_both_kept(shared, converge):
    one, two, issue = shared
    one.edit(issue, severity="urgent")
    two.edit(issue, address_text="阳岭大道 1 号")
    server = converge(one, two)
    assert (server[issue]["severity"], server[issue]["address_text"]) == ("urgent", "阳岭大道 1 号")
    assert_alike(server, one, two)


@pytest.mark.parametrize("first", [0, 1], ids=["the earlier reconnects first", "the later reconnects first"])
def test_the_later_edit_of_a_field_wins_whoever_reconnects_first(shared, converge, first):
    one, two, issue = shared
    one.edit(issue, address_text="earlier")
    two.edit(issue, address_text="later")
    server = converge(*((one, two) if first == 0 else (two, one)))
    assert server[issue]["address_text"] == "later"
    assert_alike(server, one, two)


def test_sets_are_united_and_both_texts_are_kept(shared, converge):
    one, two, issue = shared
    one.edit(issue, tags=["b", "c"], description="井盖破了")
    two.edit(issue, tags=["a", "b", "d"], description="井盖缺失")
    server = converge(one, two)
    assert set(server[issue]["tags"]) == {"b", "c", "d"}
    assert all(words in server[issue]["description"] for words in ("破了", "缺失"))
    assert_alike(server, one, two)


def test_edits_of_one_device_build_on_one_another_before_any_pull(shared, converge):
    one, two, issue = shared
    for words in ("井盖破了", "井盖破了, 已围挡"):
        one.edit(issue, description=words)
        one.sync(down=["/pull"])
    server = converge(one, two)
    assert server[issue]["description"] == "井盖破了, 已围挡"
    assert_alike(server, one, two)


def test_a_deletion_reaches_the_other_device_and_gives_way_to_an_edit(shared, converge):
    one, two, issue = shared
    gone = str(uuid.uuid4())
    one.put(gone, category="0302", location=AT)
    converge(one, two)
    assert gone in two.documents
    one.remove(gone)
    one.remove(issue)
    two.edit(issue, severity="urgent")
    server = converge(one, two)
    assert set(server) == {issue}
    assert set(one.documents) == set(two.documents) == {issue}
    assert_alike(server, one, two)


def test_a_field_taken_away_is_taken_away_everywhere(shared, converge):
    one, two, issue = shared
    one.edit(issue, description=None)
    server = converge(one, two)
    assert "description" not in server[issue]
    assert_alike(server, one, two)
    assert two.documents[issue].get("description") is None


def test_visits_of_both_devices_reach_both(device_of, converge):
    devices = [device_of("visits"), device_of("visits")]
    for device in devices:
        device.put(uuid.uuid4(), outcome="met", location=AT)
    server = converge(*devices)
    assert len(server) == len(devices)
    assert_alike(server, *devices)


def test_pages_without_documents_move_the_cursor_for_good(device_of, phone_of):
    device, other = device_of("issues", batch_size=5), phone_of("west")
    device.sync()
    other.push(*(other.visit() for _ in range(30)))
    passing = pulls(device.sync())
    assert len(passing) > 2
    again = pulls(device.sync())
    assert len(again) == 1
    assert again[0] != passing[0]
    assert device.documents == {}


def test_short_pages_do_not_end_a_pull(device_of, phone_of):
    device, other = device_of("issues", batch_size=5), phone_of("west")
    device.sync()
    ops = [other.issue() if at % 4 == 0 else other.visit() for at in range(60)]
    other.push(*ops)
    device.sync()
    assert len(device.documents) == 15


def test_a_first_filling_begins_with_pages_that_have_no_documents(device_of, phone_of):
    device, other = device_of("issues", batch_size=5), phone_of("west")
    other.push(*(other.issue() for _ in range(12)))
    device.sync()
    assert len(device.documents) == 12


def test_a_quarantined_operation_is_pushed_once_and_holds_up_no_neighbour(shared, converge):
    one, two, issue = shared
    neighbour = str(uuid.uuid4())
    one.put(neighbour, category="0302", location=AT)
    one.edit(issue, severity="grave")
    done = one.sync()
    assert done["errors"] == []
    assert sorted(one.statuses()[-2:]) == ["applied", "quarantined"]
    assert sum(len(request["ops"]) for request in done["requests"]) == 2
    server = converge(one, two)
    assert set(server) == {issue, neighbour}
    assert server[issue]["severity"] == "low"
    assert_alike(server, one, two)


def test_a_new_record_that_was_quarantined_stays_and_can_be_mended(device_of, converge):
    device, other = device_of(), device_of()
    issue = str(uuid.uuid4())
    device.put(issue, category="0301", location=AT, severity="grave")
    assert converge(device, other) == {}
    assert device.documents[issue]["severity"] == "grave"
    device.edit(issue, severity="urgent")
    server = converge(device, other)
    assert server[issue]["severity"] == "urgent"
    assert_alike(server, device, other)


@pytest.fixture
def passed_over(shared, settle):
    """An edit of the other device that RxDB passed over, for one made here that is not pushed yet."""
    one, two, issue = shared

    def make(**fields):
        two.edit(issue, address_text="阳岭大道 1 号")
        two.sync()
        settle()
        one.edit(issue, **fields)
        one.sync(down=["/push"])
        assert "address_text" not in one.documents[issue]
        return one, two, issue

    return make


def test_a_merge_passed_over_for_an_edit_comes_with_it(passed_over, converge):
    one, two, issue = passed_over(severity="urgent")
    server = converge(one, two)
    assert (server[issue]["severity"], server[issue]["address_text"]) == ("urgent", "阳岭大道 1 号")
    assert_alike(server, one, two)


def test_an_edit_that_awaits_its_merge_is_not_taken_back_meanwhile(passed_over):
    one, _, issue = passed_over(severity="urgent")
    one.sync(down=["/pull"])
    one.sync()
    assert one.documents[issue]["severity"] == "urgent"


def test_a_merge_passed_over_for_an_edit_that_is_undone_comes_again(passed_over, converge):
    one, two, issue = passed_over(severity="urgent")
    one.edit(issue, severity="low")
    assert_alike(converge(one, two), one, two)


def test_a_merge_passed_over_for_an_edit_that_is_quarantined_comes_again(passed_over, converge):
    one, two, _ = passed_over(severity="grave")
    assert_alike(converge(one, two), one, two)


def test_a_push_whose_answer_is_lost_makes_no_second_operation(shared, converge, wire, session):
    one, two, issue = shared
    new = str(uuid.uuid4())
    one.put(new, category="0302", location=AT)
    one.edit(issue, description="井盖破了")
    laid = wire([("down", 10)] * 6)
    done = one.sync(url=laid.url)
    sent = [op["op_id"] for request in done["requests"] for op in request["ops"]]
    assert laid.broken > 0
    assert all(request["durable"] for request in done["requests"])
    assert len(sent) > len(set(sent)) == 2
    assert len(operations(session, new)) == 1
    assert len(operations(session, issue)) == 2
    assert_alike(converge(one, two), one, two)


def test_an_edit_after_a_lost_answer_and_a_restart_builds_on_what_was_sent(shared, converge, session):
    one, two, issue = shared
    one.edit(issue, description="井盖破了")
    one.sync(lost=["/push"])
    one.edit(issue, description="井盖破了, 已围挡")
    server = converge(one, two)
    assert len(operations(session, issue)) == 3
    assert server[issue]["description"] == "井盖破了, 已围挡"
    assert_alike(server, one, two)


def pulls(done):
    return [request["address"] for request in done["requests"] if "/pull" in request["address"]]


def test_the_adapter_has_under_60_lines():
    lines = (Path(__file__).parent / "adapter.mjs").read_text().splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= 120


def move(session, phone, area):
    """Assign the worker of a phone to another area from now on."""
    told = {"login": phone.login, "area": area}
    session.execute(
        text("""
            UPDATE assignment SET during = tstzrange(lower(during), now())
            FROM person WHERE person.id = person_id AND login = :login AND upper_inf(during)
        """),
        told,
    )
    session.execute(
        text("""
            INSERT INTO assignment (person_id, role, area_id, during)
            SELECT person.id, 'grid_worker', area.id, tstzrange(now(), NULL)
            FROM person, area WHERE login = :login AND area.code = :area
        """),
        told,
    )
    session.commit()


def test_records_that_leave_the_scope_leave_the_device_and_are_not_deleted(shared, converge, session):
    one, two, issue = shared
    move(session, two.phone, EAST)
    two.sync()
    assert two.documents == {}
    assert set(converge(one, two)) == set(one.documents) == {issue}
    move(session, two.phone, WEST)
    assert_alike(converge(one, two), one, two)


def test_a_cursor_from_before_a_restore_makes_the_device_pull_anew_and_keep_its_edit(shared, converge, session):
    one, two, issue = shared
    one.edit(issue, severity="urgent")
    session.execute(text("UPDATE city_state SET epoch = gen_random_uuid()"))
    session.commit()
    server = converge(one, two)
    assert server[issue]["severity"] == "urgent"
    assert_alike(server, one, two)
