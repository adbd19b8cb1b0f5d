"""A boundary file whose names nobody can read is not taken, and the area is named."""

import pytest
from shapely import box

from tests.cases.city import WEST
from tests.files import importing
from tests.files.importing import Sender, geojson, standing
from tests.sync.redrawing import redrawn

pytestmark = pytest.mark.long

__all__ = ["redrawn"]
COMMUNITY, THIRD = "360725100001", "360725100001003"
PARTS = {WEST: box(114.30, 25.68, 114.304, 25.69), THIRD: box(114.304, 25.68, 114.31, 25.69)}


@pytest.fixture
def sender(app, redrawn, files_url):
    yield Sender.of(app, redrawn, files_url)
    importing.clear(redrawn)


def marked(told):
    """What the report of a refused file says, with the areas that it says it of."""
    assert told["problem"]["type"] == "/problems/file-has-faults"
    return [(each["properties"]["code"], " ".join(each["properties"]["areas"])) for each in told["report"]["features"]]


@pytest.mark.parametrize(
    ("name", "fault"), [("格\u202e网", "name-direction-mark"), ("格\u2028网", "name-control-character")]
)
@pytest.mark.parametrize("into", [{}, {"draft": "new"}])
def test_a_name_that_turns_or_breaks_text_is_refused(sender, redrawn, name, fault, into):
    before = standing(redrawn)
    file = geojson(*((code, name if code == THIRD else "西", shape) for code, shape in PARTS.items()))
    told = sender.bring(file, parent=COMMUNITY, **into)
    assert [code for code, areas in marked(told) if THIRD in areas] == [fault]
    assert standing(redrawn) == before


def test_grids_without_a_parent_are_refused_and_nobody_loses_a_right(sender, redrawn):
    before = standing(redrawn)
    told = sender.bring(geojson((THIRD, "新", box(114.32, 25.68, 114.33, 25.69))))
    assert [code for code, areas in marked(told) if THIRD in areas] == ["no-parent"]
    assert standing(redrawn) == before
    assert sender.desk.get("/v1/session").json["charge"]["everywhere"]


def test_a_file_that_takes_ground_from_a_grid_and_encloses_it_is_refused(sender, redrawn):
    ring = box(114.30, 25.68, 114.31, 25.69).difference(box(114.303, 25.683, 114.306, 25.686))
    for how in (sender.look, sender.bring):
        told = how(geojson((WEST, "西", ring)), parent=COMMUNITY)
        assert told["problem"]["type"] == "/problems/gate-closed"
