"""What cannot be meant, by every way in: each has a clear answer with its place, and what is in force stays."""

import datetime as dt

import pytest
from sqlalchemy import text

from tests.api.drawing import COMMUNITY, COUNTY, FOURTH, THIRD, Drawing, line, split
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.emptying import empty
from tests.sync.redrawing import clock, redraw, redrawn, strip

__all__ = ["redrawn"]

LINES = (
    ([(114.29, 25.67), (114.29, 25.70)], "line-does-not-cross"),
    ([(114.30, 25.70), (114.31, 25.69), (114.32, 25.70)], "line-does-not-cross"),
    ([(114.305, 25.67), (114.305, 25.685)], "line-ends-inside"),
    ([(114.303, 25.67), (114.303, 25.70), (114.306, 25.70), (114.306, 25.67)], "line-crosses-twice"),
    ([(114.31, 25.67), (114.31, 25.70)], "line-along-border"),
    ([(114.305, 25.67), (114.305, 25.68), (114.308, 25.68), (114.308, 25.70)], "line-along-border"),
    ([(114.303, 25.67), (114.306, 25.688), (114.303, 25.688), (114.306, 25.67)], "line-crosses-itself"),
    ([(114.305, 25.67), (114.305, 25.685), (114.305, 25.685), (114.305, 25.70)], "invalid-shape"),
    ([(-179.0, 25.685), (179.0, 25.685)], "invalid-shape"),
)
RINGS = (
    # A bow-tie, a ring that touches itself at a vertex, one that runs back on itself, a point twice, no area at all,
    # less than a unit of it, and one round the world.
    ([(114.32, 25.68), (114.33, 25.69), (114.33, 25.68), (114.32, 25.69)], "self-crossing"),
    ([(114.32, 25.68), (114.33, 25.68), (114.325, 25.685), (114.33, 25.69), (114.32, 25.69), (114.325, 25.685)],
     "self-crossing"),
    ([(114.32, 25.68), (114.33, 25.68), (114.33, 25.69), (114.33, 25.685), (114.33, 25.69), (114.32, 25.69)],
     "self-crossing"),
    ([(114.32, 25.68), (114.33, 25.68), (114.33, 25.68), (114.33, 25.69)], "repeated-points"),
    ([(114.32, 25.68), (114.33, 25.68), (114.325, 25.68)], "zero-area"),
    ([(114.32, 25.68), (114.33, 25.68), (114.325, 25.680000001)], "zero-area"),
    ([(-179.0, 25.0), (179.0, 25.0), (179.0, 26.0), (-179.0, 26.0)], "round-the-world"),
)  # fmt: skip


@pytest.fixture
def in_force(redrawn):
    """Reads all that is in force, or is planned to be."""

    def read():
        redrawn.rollback()
        statements = (
            "SELECT number, in_force::text, name FROM edition ORDER BY number",
            "SELECT area_id, parent_id, name, editions::text, ST_AsBinary(polygon) FROM area_version ORDER BY id",
            "SELECT code, kind FROM area ORDER BY id",
            "SELECT count(*) FROM planned_edition",
            "SELECT ground_serial FROM city_state",
            "SELECT count(*) FROM feed",
        )
        return [redrawn.execute(text(statement)).all() for statement in statements]

    return read


@pytest.fixture
def desk(app, redrawn, in_force):
    """Somebody of the GIS staff, and the promise that nothing in force changes."""
    somebody = Desk.of(app, redrawn, "gis", COUNTY)
    before = in_force()
    yield somebody
    assert in_force() == before
    empty(redrawn, "draft_operation, draft")
    redrawn.commit()


def ring(points):
    return {"type": "Polygon", "coordinates": [[*map(list, points), list(points[0])]]}


def kind_of(answer):
    return answer.json["type"].rpartition("/")[2]


def require_clear(answer):
    """A title and what to do in the language asked for, and a place on the ground."""
    assert answer.json["title"]
    assert answer.json["detail"]
    assert -180 <= answer.json["lon"] <= 180
    assert -90 <= answer.json["lat"] <= 90


@pytest.mark.parametrize(("points", "problem"), LINES)
def test_a_split_by_a_line_that_cannot_be_meant_is_refused(desk, points, problem):
    drawing = Drawing(desk)
    answer = drawing.do({**split(), "line": line(*points)})
    assert (answer.status_code, kind_of(answer)) == (422, problem), answer.text
    require_clear(answer)
    assert drawing.get()["operations"] == 0
    assert kind_of(drawing.send("/publish")) == "nothing-to-publish"


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ([(114.33, 25.67), (114.33, 25.70)], "line-does-not-cross"),
        ([(114.31, 25.682), (114.315, 25.685)], "line-ends-inside"),
        ([(114.31, 25.682), (114.31, 25.688)], "line-along-border"),
        ([(114.302, 25.67), (114.302, 25.683), (114.29, 25.683)], "area-falls-apart"),
    ],
)
def test_a_border_moved_to_a_line_that_cannot_be_meant_is_refused(desk, points, problem):
    drawing = Drawing(desk)
    answer = drawing.do({"kind": "reshape", "codes": [WEST, EAST], "line": line(*points)})
    assert (answer.status_code, kind_of(answer)) == (422, problem), answer.text
    require_clear(answer)


@pytest.mark.parametrize(("points", "reason"), RINGS)
@pytest.mark.parametrize("kind", ["add", "replace"])
def test_a_ring_that_is_none_is_refused_in_a_draft(desk, kind, points, reason):
    drawing = Drawing(desk)
    area = {"code": THIRD if kind == "add" else EAST, "polygon": ring(points)}
    sent = {"areas": [area]} if kind == "replace" else {**area, "name": "新", "parent": COMMUNITY}
    answer = drawing.do({"kind": kind, **sent})
    assert (answer.status_code, answer.json.get("reason")) == (422, reason), answer.text
    require_clear(answer)
    assert drawing.get()["operations"] == 0


# A point twice changes no ground: of a program it is taken.
@pytest.mark.parametrize(("points", "reason"), [each for each in RINGS if each[1] != "repeated-points"])
def test_a_ring_that_is_none_is_refused_in_an_edition_and_its_preview(desk, points, reason):
    properties = {"code": THIRD, "kind": "grid", "name": "新", "parent": COMMUNITY}
    areas = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": ring(points), "properties": properties}],
    }
    for path, sent in (
        ("/v1/editions", {"areas": areas, "base": 1, "name": "改"}),
        ("/v1/editions/preview", {"areas": areas}),
    ):
        answer = desk.post(path, sent)
        assert (answer.status_code, kind_of(answer)) == (422, "invalid-shape"), (path, reason, answer.text)
        require_clear(answer)


def test_a_set_time_in_the_past_or_the_far_future_is_refused(desk):
    drawing = Drawing(desk)
    drawing.do(split())
    for away in (dt.timedelta(seconds=-1), dt.timedelta(days=-3650), dt.timedelta(days=4000)):
        answer = drawing.send("/publish", {"at": (clock() + away).isoformat()})
        assert (answer.status_code, kind_of(answer)) == (422, "set-time-refused"), answer.text
        assert answer.json["detail"]
    for sent in ("gestern", "2027-02-30T00:00:00Z", "2027-01-01T00:00:00", 7, ""):
        answer = drawing.send("/publish", {"at": sent})
        assert (answer.status_code, kind_of(answer)) == (422, "fields-invalid"), answer.text
    assert drawing.get()["published_edition"] is None


class TestOvertaken:
    """Two drafts of one grid, the first of them in force already."""

    @pytest.fixture
    def overtaken(self, app, redrawn):
        """A draft that splits the west grid, after another publication split it elsewhere."""
        drawing = Drawing(Desk.of(app, redrawn, "gis", COUNTY))
        drawing.do(split(at=114.306, right=FOURTH))
        redraw(redrawn, strip(WEST, 114.30, 114.304), strip(THIRD, 114.304, 114.31))
        yield drawing
        redrawn.rollback()
        empty(redrawn, "draft_operation, draft")
        redrawn.commit()

    def test_it_is_neither_published_nor_planned_and_the_place_is_told(self, overtaken, in_force):
        before = in_force()
        for sent in ({}, {"at": (clock() + dt.timedelta(hours=1)).isoformat()}):
            answer = overtaken.send("/publish", sent)
            assert (answer.status_code, kind_of(answer)) == (409, "draft-base-superseded"), answer.text
            (conflict,) = answer.json["conflicts"]
            assert (conflict["areas"], conflict["lat"]) == ([WEST], pytest.approx(25.685, abs=0.01))
            assert 114.304 < conflict["lon"] < 114.31
            assert answer.json["detail"]
        assert in_force() == before

    def test_a_rebase_that_is_refused_leaves_the_draft_and_what_is_in_force(self, overtaken, in_force):
        before, draft = in_force(), overtaken.get()
        answer = overtaken.send("/rebase")
        assert (answer.status_code, kind_of(answer)) == (409, "draft-conflicts"), answer.text
        assert (in_force(), overtaken.get()) == (before, draft)

    def test_an_edition_over_the_one_that_was_superseded_is_refused(self, overtaken, in_force):
        before = in_force()
        answer = overtaken.desk.post("/v1/editions", {"areas": None, "retired": [EAST], "base": 1, "name": "改"})
        assert answer.status_code in (409, 422), answer.text
        assert in_force() == before
