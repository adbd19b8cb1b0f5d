"""What is told of a private issue to those without duty in it: that there is one in a grid, by no way any more."""

import datetime as dt
import json
import uuid

import pytest
from sqlalchemy import text

from geo.editions.ground import load_ground
from server.cases.routing import retries
from server.cases.routing.service import route_awaiting
from tests.api.staff import Desk
from tests.cases import city
from tests.cases.city import AT_BORDER, EAST, IN_WEST, WEST
from tests.emptying import empty

COUNTY, QUARREL = "360725", "0601"
WITHOUT_DUTY = ("auditor", "gis", "grid_worker", "grid_head")
NEAR_A_BORDER = ("margin_m", "neighbour", "reasons", "rule", "edition")


@pytest.fixture
def desk(app, session):
    return lambda role="supervisor", place=COUNTY: Desk.of(app, session, role, place)


@pytest.fixture
def doubtful(session):
    """A private issue ten metres from the border of its grid, routed, its grid in doubt."""
    issue_id = str(city.report(session, QUARREL, AT_BORDER, description="邻里争执"))
    grids = [city.id_of(session, "area", code) for code in (WEST, EAST)]
    session.execute(text("UPDATE issue SET candidates = :grids, distance_m = 7.5"), {"grids": grids})
    session.commit()
    route_awaiting(session, dt.datetime.now(dt.UTC), load_ground(session, 1))
    session.commit()
    return issue_id


def test_whoever_has_the_duty_is_told_how_near_the_border_is(desk, doubtful):
    told = desk().get(f"/v1/issues/{doubtful}").json
    assert told["ambiguous"]
    assert told["routing"]["margin_m"] > 0
    assert told["routing"]["neighbour"]["code"] == EAST
    assert len(desk().get("/v1/issues", place="doubtful").json["issues"]) == 1


@pytest.mark.parametrize("role", WITHOUT_DUTY)
def test_of_a_masked_issue_nothing_tells_how_near_it_lies_to_a_border(desk, doubtful, role):
    other = desk(role)
    told = other.get(f"/v1/issues/{doubtful}").json
    assert told["masked"]
    assert (told["how"], told["ambiguous"], told["distance_m"], told["candidates"]) == (None, False, None, [])
    assert (told["grid_at_capture"], told["grid"]["code"]) == (None, WEST)
    assert not told["routing"].keys() & set(NEAR_A_BORDER)
    assert told["routing"]["body"]["name"] == told["body"]["name"]
    (brief,) = other.get("/v1/issues").json["issues"]
    (point,) = other.get("/v1/map/issues").json["features"]
    for each in (brief, point["properties"]):
        assert (each["how"], each["ambiguous"]) == (None, False)
    for path in ("/v1/issues", "/v1/map/issues"):
        found = other.get(path, place="doubtful").json
        assert (found.get("issues") or found.get("features") or []) == [], "it cannot be asked for either"
    counts = other.get("/v1/map/grids", place="doubtful").json
    assert sum(grid["open"] for grid in counts["grids"]) == 0


@pytest.mark.parametrize("role", WITHOUT_DUTY)
def test_of_a_masked_issue_only_todays_grid_is_told(desk, doubtful, role):
    told = desk(role).get(f"/v1/records/issues/{doubtful}/grids").json
    assert (told["at_capture"], told["now"]["code"], told["at"]) == (None, WEST, None)
    whole = desk().get(f"/v1/records/issues/{doubtful}/grids").json
    assert (whole["at_capture"]["code"], whole["at"]["code"]) == (WEST, WEST)


def test_the_fields_and_faults_of_a_masked_issues_history_are_not_told(desk, phone_of):
    phone = phone_of("west")
    put = phone.issue(IN_WEST, category=QUARREL, extra={"门牌": "3"})
    phone.push(put)
    phone.push(phone.patch("issues", put["id"], {"rev": 1}, category="9999"))
    told = desk("auditor").get(f"/v1/issues/{put['id']}").json["history"]
    assert [(each["fields"], each["by"], each["problem"]) for each in told] == [([], None, None)] * 2
    assert any(each["problem"] for each in desk().get(f"/v1/issues/{put['id']}").json["history"])


@pytest.mark.parametrize(("role", "told"), [("supervisor", "rule 7 of 阳岭"), ("auditor", None)])
def test_why_a_masked_issue_could_not_be_routed_is_not_told(desk, session, role, told):
    issue_id = city.report(session, QUARREL, AT_BORDER)
    retries.set_aside(session, issue_id, ValueError("rule 7 of 阳岭"), dt.datetime.now(dt.UTC))
    session.commit()
    failure = desk(role).get(f"/v1/issues/{issue_id}").json["routing_failure"]
    assert failure["attempts"] == 1
    assert failure["reason"] is None if told is None else told in failure["reason"]


def test_what_was_answered_in_public_to_a_masked_issue_is_masked_too(desk, doubtful, session):
    session.execute(text("UPDATE issue SET public_answer = '已上门调解'"))
    session.commit()
    assert desk().get(f"/v1/issues/{doubtful}").json["public_answer"] == "已上门调解"
    assert desk("auditor").get(f"/v1/issues/{doubtful}").json["public_answer"] is None


def test_a_file_of_a_private_issue_is_for_its_authors_phone_and_for_duty(app, session, phone_of, desk):
    author, other = phone_of("west"), phone_of("west")
    put = author.issue(IN_WEST, category=QUARREL)
    author.push(put)
    file_id = str(uuid.uuid4())
    session.execute(
        text("""
            INSERT INTO attachment (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, collection,
                                    record_id, bond, media_type, served_sha256, served_size, preview, grid_now)
            SELECT :id, 1, 1, '{}', author_id, now(), now(), now(), 'issues', id, 'bound', 'image/jpeg', '\\x00', 1,
                   'awaited', grid_now FROM issue
        """),
        {"id": file_id},
    )
    session.commit()
    preview = f"/v1/files/{file_id}/preview"

    def preview_of(phone):
        answer = phone.client.get(preview, headers=phone.headers)
        return answer.status_code, answer.json.get("preview")

    assert preview_of(author) == (404, "awaited"), "there, and still to come"
    assert preview_of(other) == (404, None)
    assert desk().get(preview).json["preview"] == "awaited"
    assert "preview" not in desk("auditor").get(preview).json


def test_a_private_issue_is_not_found_by_redrawing_around_it(desk, session):
    """From the counts of one draft after another its place could be narrowed down to a house."""
    city.report(session, QUARREL, (114.302, 25.685))
    city.report(session, "0302", (114.3021, 25.685), private=True)
    city.report(session, "0301", (114.303, 25.685))
    session.commit()
    drawer = desk("gis")
    made = drawer.post("/v1/drafts", {"name": "x"})
    split = {
        "kind": "split", "code": WEST,
        "line": {"type": "LineString", "coordinates": [[114.304, 25.67], [114.304, 25.7]]},
        "left": {"code": "360725100001003", "name": "新"}, "right": {"code": WEST},
    }  # fmt: skip
    headers = {"X-CSRF-Token": drawer.csrf, "If-Match": made.headers["ETag"]}
    done = drawer.client.post(f"{made.headers['Location']}/operations", json=split, headers=headers)
    assert done.status_code == 201, done.text
    impact = drawer.get(f"{made.headers['Location']}/impact").json
    empty(session, "draft_operation, draft")
    session.commit()
    assert [pair["open_issues"] for pair in impact["pairs"]] == [1], json.dumps(impact)
