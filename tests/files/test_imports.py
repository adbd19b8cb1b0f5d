"""Boundary files by the API on the real database: looked at, taken into editions and drafts, and what is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely
from pyproj import Transformer
from sqlalchemy import text

import server.demo
from tests.cases.city import EAST, WEST
from tests.files.import_shapes import BORDER, BOW, COMMUNITY, RAGGED, THIRD, THREE, cell, sender
from tests.files.importing import PATH, edition, geojson, standing
from tests.sync.redrawing import redrawn

pytestmark = pytest.mark.long

__all__ = ["redrawn", "sender"]


OUTLINES = sorted(Path(server.demo.__file__).parent.joinpath("data").glob("*.geojson"))


class TestLooking:
    """A dry run, which is the default, tells all and changes nothing."""

    def test_what_would_come_of_it_is_told_and_nothing_changes(self, sender, redrawn):
        before = standing(redrawn)
        told = sender.look(THREE, parent=COMMUNITY)
        assert (told["state"], told["dry_run"], told["problem"]) == ("done", True, None)
        outcome = {name: told["outcome"][name] for name in ("added", "changed", "unchanged", "retired", "edition")}
        assert outcome == {"added": 1, "changed": 2, "unchanged": 0, "retired": 0, "edition": None}
        assert told["counts"] == {"read": 3, "mended": 3, "checked": 3, "stored": 0}
        assert (standing(redrawn), edition(redrawn)) == (before, 1)

    def test_faults_and_repairs_have_their_places(self, sender):
        told = sender.look(geojson((THIRD, "结", BOW)), parent=COMMUNITY)
        (mended,) = [each for each in told["report"]["features"] if each["properties"]["code"] == "self-crossing"]
        assert mended["geometry"] == {"type": "Point", "coordinates": [114.325, 25.685]}
        assert mended["properties"]["areas"] == ["结"]
        assert mended["properties"]["text"]["en"] == "border crosses itself; mended"
        assert told["outcome"]["mended"] == 1
        assert told["report"]["by_code"]["self-crossing"] == 1

    def test_a_new_draft_is_tried_through_the_gate_and_none_is_left(self, sender, redrawn):
        told = sender.look(geojson((THIRD, "新", RAGGED)), parent=COMMUNITY, draft="new")
        assert told["outcome"]["draft"] is None
        assert told["outcome"]["open"] is True
        assert redrawn.scalar(text("SELECT count(*) FROM draft")) == 0

    def test_what_was_looked_at_is_taken_without_sending_it_again(self, sender, redrawn):
        looked = sender.look(THREE, parent=COMMUNITY)
        taken = sender.desk.post(f"{PATH}/{looked['id']}/taking", {"draft": "new"})
        assert (taken.status_code, taken.json["state"]) == (202, "waiting")
        told = sender.ended(looked["id"])
        draft = sender.desk.get(f"/v1/drafts/{told['outcome']['draft']}").json
        assert [each["kind"] for each in draft["done"]] == ["replace"]
        assert edition(redrawn) == 1
        again = sender.desk.post(f"{PATH}/{looked['id']}/taking", {"draft": "new"})
        assert (again.status_code, again.json["state"]) == (409, "taken")


class TestTaking:
    """What is not only looked at becomes the next edition, or an operation of a draft."""

    def test_a_file_becomes_the_next_edition_at_once(self, sender, redrawn):
        told = sender.bring(THREE, parent=COMMUNITY)
        assert told["outcome"]["edition"] == edition(redrawn) == 2
        assert told["counts"]["stored"] == 3
        now = standing(redrawn)
        assert {code: each[:2] for code, each in now.items()} == {
            WEST: ("西", COMMUNITY), THIRD: ("新", COMMUNITY), EAST: ("东", COMMUNITY),
        }  # fmt: skip
        assert shapely.from_wkb(now[THIRD][2]).bounds == (114.304, 25.68, BORDER, 25.69)
        assert sender.bring(THREE)["outcome"]["edition"] is None
        assert edition(redrawn) == 2

    def test_areas_that_the_file_does_not_have_are_left_or_given_up(self, sender, redrawn):
        half = geojson((WEST, "西", cell(114.30, BORDER)))
        sender.bring(half)
        assert set(standing(redrawn)) == {WEST, EAST}
        told = sender.bring(half, retire_missing="true")
        assert told["outcome"]["retired"] == 1
        assert set(standing(redrawn)) == {WEST}

    def test_a_draft_takes_what_lies_in_the_file(self, sender, redrawn):
        draft = sender.desk.post("/v1/drafts", {"name": "改划"}).json["id"]
        told = sender.bring(THREE, parent=COMMUNITY, draft=draft)
        assert told["outcome"]["draft"] == draft
        areas = sender.desk.get(f"/v1/drafts/{draft}/areas").json["features"]
        assert {each["id"]: each["properties"]["name"] for each in areas} == {WEST: "西", THIRD: "新", EAST: "东"}
        assert edition(redrawn) == 1
        assert sender.bring(THREE, parent=COMMUNITY, draft=draft)["outcome"]["unchanged"] == 3

    def test_a_draft_gives_up_what_the_file_does_not_have_where_that_is_asked(self, sender):
        draft = sender.desk.post("/v1/drafts", {"name": "改划"}).json["id"]
        only = geojson((WEST, "西", cell(114.30, 114.32)))
        refused = sender.bring(only, draft=draft)
        assert (refused["state"], refused["problem"]["type"]) == ("refused", "/problems/drawn-over-another")
        assert {refused["problem"]["lon"], refused["problem"]["lat"]} == {114.315, 25.685}
        sender.bring(only, draft=draft, retire_missing="true")
        areas = sender.desk.get(f"/v1/drafts/{draft}/areas").json["features"]
        assert [each["id"] for each in areas] == [WEST]

    def test_a_draft_that_changed_since_it_was_seen_is_not_written_over(self, sender):
        made = sender.desk.post("/v1/drafts", {"name": "改划"})
        draft, tag = made.json["id"], made.headers["ETag"]
        assert sender.bring(THREE, parent=COMMUNITY, draft=draft, headers={"If-Match": tag})["state"] == "done"
        told = sender.bring(THREE, draft=draft, headers={"If-Match": tag})
        assert told["problem"]["type"] == "/problems/draft-changed"


class TestRoundTrips:
    """Export, then import: nothing changes, not by a unit of 1e-8 degree."""

    FORMATS = (
        *(({"format": name, "crs": crs}) for name in ("gpkg", "zip", "geojson") for crs in ("EPSG:4326", "EPSG:4490")),
        *(({"format": name, "crs": f"EPSG:{crs}"}) for name in ("gpkg", "zip") for crs in (4526, 4547)),
        {"format": "zip", "encoding": "GBK"},
    )

    @pytest.fixture
    def ragged(self, sender):
        assert sender.bring(geojson((THIRD, "阳岭（三）", RAGGED)), parent=COMMUNITY)["outcome"]["edition"] == 2
        return sender

    @pytest.mark.parametrize("wish", FORMATS, ids=lambda wish: "-".join(wish.values()))
    def test_a_round_trip_changes_nothing(self, ragged, redrawn, wish):
        before = standing(redrawn)
        file = ragged.desk.client.get("/v1/boundaries/export", query_string=wish, buffered=True).data
        looked = ragged.look(file, draft="new")["outcome"]
        assert (looked["added"], looked["changed"], looked["unchanged"], looked["retired"]) == (0, 0, 3, 0)
        told = ragged.bring(file)
        outcome = {name: told["outcome"][name] for name in ("added", "changed", "unchanged", "retired")}
        assert outcome == {"added": 0, "changed": 0, "unchanged": 3, "retired": 0}
        assert told["outcome"]["encoding"] == ("GB18030" if wish.get("encoding") else "UTF-8")
        assert (standing(redrawn), edition(redrawn)) == (before, 2)
        assert redrawn.scalar(text("SELECT count(*) FROM draft")) == 0


# The first and the last zone of each series lie at the ends of the country: degrees from here.
THERE = {4513: (-39.0, 13.0), 4533: (21.0, 21.0), 4534: (-39.0, 13.0), 4554: (21.0, 21.0)}


class TestSystems:
    """CGCS2000 in degrees and in zones; what has no public way to WGS-84 is refused."""

    @pytest.mark.parametrize("crs", [4490, 4526, 4547, 4513, 4533, 4534, 4554])
    def test_files_of_offices_come_to_the_same_ground(self, sender, redrawn, tmp_path, crs):
        drawn = shapely.transform(RAGGED, lambda at: at + np.array(THERE.get(crs, (0.0, 0.0))))
        write(tmp_path / "grids.gpkg", drawn, crs)
        assert sender.bring((tmp_path / "grids.gpkg").read_bytes(), parent=COMMUNITY)["outcome"]["crs"] == f"EPSG:{crs}"
        got = shapely.from_wkb(standing(redrawn)[THIRD][2])
        assert shapely.hausdorff_distance(got, drawn) < 2e-8

    @pytest.mark.parametrize("crs", [2381, 2437, 2364])
    def test_xian_80_and_beijing_54_are_refused_by_name(self, sender, redrawn, crs):
        file = geojson((THIRD, "新", cell(114.32, 114.33)))
        told = sender.bring(file, crs=f"EPSG:{crs}", parent=COMMUNITY)
        assert told["problem"]["type"] == "/problems/crs-needs-parameters"
        assert told["problem"]["detail"]
        assert edition(redrawn) == 1

    def test_a_shapefile_in_gbk_is_read_as_what_it_is(self, sender, redrawn, tmp_path):
        write(tmp_path / "grid.shp", RAGGED, 4490, encoding="GBK")
        told = sender.bring(zipped(tmp_path, only=(".shp", ".shx", ".dbf", ".prj")), parent=COMMUNITY)
        assert told["outcome"]["encoding"] == "GB18030"
        assert standing(redrawn)[THIRD][0] == "阳岭"


def write(path, polygon, crs, encoding=None):
    way = Transformer.from_crs(4326, crs, always_xy=True)
    shape = shapely.transform(polygon, way.transform, interleaved=False)
    driver = {".gpkg": "GPKG", ".shp": "ESRI Shapefile"}[path.suffix]
    columns = [np.array([text], dtype=object) for text in (THIRD, "阳岭")]
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(shape)], dtype=object), columns, ["编码", "名称"], driver=driver,
        geometry_type="Polygon", crs=f"EPSG:{crs}", encoding=encoding,
    )  # fmt: skip


def zipped(folder, only):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for part in sorted(folder.iterdir()):
            if part.suffix in only:
                archive.write(part, part.name)
    return buffer.getvalue()


class TestOutlines:
    """The real outlines of the five places, as cities of their own: every fault is named at its place, and mended."""

    @pytest.mark.parametrize("path", OUTLINES, ids=lambda path: path.stem)
    def test_the_outlines_are_looked_at_with_their_faults(self, sender, path):
        told = sender.look(path.read_bytes(), kind="county", root="true")
        assert told["state"] == "done", told["problem"]
        found = told["report"]["features"]
        assert told["outcome"]["faults"] == told["report"]["total"] > 0
        assert all(each["geometry"] or each["properties"]["code"] == "crs-assumed" for each in found)
        assert all(each["properties"]["text"]["zh"] != each["properties"]["code"] for each in found)
