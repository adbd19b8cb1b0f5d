"""Boundary files that are not taken: what is told, who may, and files that end their reader."""

import base64
import dataclasses
import io

import pytest
import shapely
from shapely import Polygon, box
from sqlalchemy import text

from server.files.receiving import BLOCK_BYTES
from server.grids.imports import boundary_reader
from server.grids.imports import job as importer
from server.grids.imports import store as import_store
from server.grids.imports.fault_words import REASONS
from tests.api.staff import Desk
from tests.cases.city import EAST, WEST
from tests.files import importing
from tests.files.import_shapes import BORDER, COMMUNITY, COUNTY, THIRD, THREE, cell, kept, packed, sender
from tests.files.importing import PATH, Sender, edition, geojson, standing
from tests.sync.redrawing import redrawn

__all__ = ["redrawn", "sender"]


ROUND_THE_WORLD = box(-179.9, -80, 179.9, 80)


WRONG_FILES = (
    (b"{]", "unsupported-file", "damaged"),
    (packed(("../../etc/grid.geojson", THREE)), "unsupported-file", "unsafe-path"),
    (packed(("/grid.geojson", THREE)), "unsupported-file", "unsafe-path"),
    (packed(("grid.geojson", b"{" + b" " * (20 << 20))), "unsupported-file", "bomb"),
    (packed(("readme.txt", b"grids")), "unsupported-file", "unknown-format"),
    (packed(("grid.shp", b"\x00\x00\x27\x0a")), "unsupported-file", "missing-part"),
    (geojson(), "unsupported-file", None),
    (geojson((None, "东", cell(114.32, 114.33))), "file-has-faults", None),
    (geojson((THIRD, "甲", cell(114.32, 114.33)), (THIRD, "乙", cell(114.33, 114.34))), "file-has-faults", None),
    (geojson((THIRD, "线", {"type": "LineString", "coordinates": [[114.3, 25.6], [114.4, 25.6]]}),
             (EAST, "东", cell(BORDER, 114.32))), "file-has-faults", None),
    (geojson((THIRD, "平", Polygon([(114.32, 25.68), (114.33, 25.68), (114.325, 25.68)])),
             (EAST, "东", cell(BORDER, 114.32))), "file-has-faults", None),
    (geojson((THIRD, "球", ROUND_THE_WORLD)), "unsupported-file", "no-polygons"),
    (geojson((THIRD, "球", ROUND_THE_WORLD), (EAST, "东", cell(BORDER, 114.32))), "file-has-faults", None),
    (geojson((THIRD, "叠", cell(114.315, 114.33))), "broken-coverage", None),
    (geojson((COMMUNITY, "社区", cell(114.32, 114.33))), "publication-refused", "other-kind"),
)  # fmt: skip


class TestBadInput:
    """Each is answered clearly, and the edition in force is as it was."""

    @pytest.mark.long
    @pytest.mark.parametrize(("file", "problem", "reason"), WRONG_FILES)
    def test_a_file_that_cannot_be_taken_is_refused_in_words(self, sender, redrawn, file, problem, reason):
        before = standing(redrawn)
        told = sender.bring(file, parent=COUNTY if problem == "publication-refused" else COMMUNITY)
        assert told["state"] == "refused", told["outcome"]
        assert told["problem"]["type"] == f"/problems/{problem}"
        assert told["problem"].get("reason") == (reason or told["problem"].get("reason"))
        assert told["problem"]["detail"] or told["problem"]["title"]
        assert (standing(redrawn), edition(redrawn)) == (before, 1)

    @pytest.mark.long
    def test_more_areas_than_a_draft_can_hold_are_refused(self, sender, redrawn, monkeypatch):
        monkeypatch.setattr(importer, "_MOST_IN_DRAFT", 2)
        told = sender.bring(THREE, parent=COMMUNITY, draft="new")
        assert told["problem"]["reason"] == "too-many-in-a-draft"
        assert "草案放不下" in told["problem"]["detail"]
        assert redrawn.scalar(text("SELECT count(*) FROM draft")) == 0

    @pytest.mark.long
    def test_a_broken_coverage_is_told_with_its_places(self, sender):
        told = sender.bring(geojson((THIRD, "叠", cell(114.315, 114.33))), parent=COMMUNITY)
        places = [each["geometry"]["coordinates"] for each in told["report"]["features"]]
        assert [114.3175, 25.685] in places

    def test_what_is_no_boundary_file_is_refused_at_once(self, sender):
        for file, reason in ((b"", "empty"), (b"%PDF-1.7", "unknown-format")):
            answer = sender.send(file)
            assert (answer.status_code, answer.json["reason"]) == (422, reason)
        assert sender.importer.import_next() is None

    def test_a_file_that_is_too_large_is_refused_with_the_limit(self, sender, app, redrawn):
        limit = app.config["PATROL"].import_limit_bytes
        assert limit == 200 << 20
        for length in (limit + 1, 10**12):
            answer = sender.desk.client.post(
                PATH, query_string={"kind": "grid"}, headers={"X-CSRF-Token": sender.desk.csrf},
                environ_overrides={"CONTENT_LENGTH": str(length)},
            )  # fmt: skip
            assert (answer.status_code, answer.json["limit_bytes"]) == (413, limit)
        assert redrawn.scalar(text("SELECT count(*) FROM boundary_import")) == 0

    def test_a_stream_that_does_not_say_its_length_is_cut_off_at_the_limit(self, sender, app, redrawn, monkeypatch):
        limit = 3 * BLOCK_BYTES
        monkeypatch.setitem(app.config, "PATROL", dataclasses.replace(app.config["PATROL"], import_limit_bytes=limit))
        monkeypatch.setattr(import_store, "PART_BYTES", BLOCK_BYTES)
        before = kept(sender)
        answer = sender.desk.client.post(
            PATH, query_string={"kind": "grid"}, headers={"X-CSRF-Token": sender.desk.csrf},
            input_stream=io.BytesIO(b"{" * 2 * limit),
            environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        )  # fmt: skip
        assert (answer.status_code, answer.json["limit_bytes"]) == (413, limit)
        assert redrawn.scalar(text("SELECT count(*) FROM boundary_import")) == 0
        assert kept(sender) == before

    @pytest.mark.long
    def test_a_file_in_many_parts_is_put_together_again(self, sender, monkeypatch):
        monkeypatch.setattr(import_store, "PART_BYTES", 10)
        assert sender.look(THREE + b" " * BLOCK_BYTES, parent=COMMUNITY)["outcome"]["areas"] == 3

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"kind": "palace"}, 422), ({"parent": "nowhere"}, 422), ({"draft": "77"}, 404), ({"draft": "moon"}, 422),
            ({"dry_run": "perhaps"}, 422), ({"kind": ""}, 422), ({"name": "\0"}, 422), ({"parent": "\0"}, 422),
        ],
    )  # fmt: skip
    def test_a_wish_that_cannot_be_met_is_refused_before_any_byte_is_kept(self, sender, redrawn, query, status):
        answer = sender.send(THREE, **query)
        assert answer.status_code == status, answer.text
        assert redrawn.scalar(text("SELECT count(*) FROM boundary_import")) == 0

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("query", "problem"),
        [
            ({"code_field": "wgbm"}, "unknown-field"), ({"crs": "EPSG:99999"}, "unknown-crs"),
            ({"crs": "moon"}, "unknown-crs"), ({"crs": "EPSG:4547"}, "crs-contradicted"),
        ],
    )  # fmt: skip
    def test_a_wish_that_the_file_does_not_meet_is_told(self, sender, query, problem):
        assert sender.look(THREE, **query)["problem"]["type"] == f"/problems/{problem}"

    def test_a_form_is_no_file(self, sender):
        assert sender.send(b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"}).status_code == 415


class TestRights:
    """GIS staff and administrators, in their areas, over their own imports."""

    def test_strangers_and_others_of_the_staff_may_not(self, app, redrawn):
        assert app.test_client().post(PATH, query_string={"kind": "grid"}, data=THREE).status_code == 401
        desk = Desk.of(app, redrawn, "dispatcher", COUNTY)
        answer = desk.client.post(PATH, query_string={"kind": "grid"}, data=THREE, headers={"X-CSRF-Token": desk.csrf})
        assert answer.status_code == 403

    def test_a_page_without_its_token_may_not(self, sender):
        assert sender.send(THREE, headers={"X-CSRF-Token": "guess"}).status_code == 403

    @pytest.mark.long
    def test_an_application_password_will_do(self, sender, app):
        made = sender.desk.post("/v1/session/passwords", {"name": "QGIS"}).json
        shown = base64.b64encode(f"{sender.desk.login}:{made['secret']}".encode()).decode()
        client = app.test_client()
        answer = client.post(
            PATH, query_string={"kind": "grid"}, data=THREE, headers={"Authorization": f"Basic {shown}"}
        )
        assert answer.status_code == 202, answer.text
        sender.ended(answer.json["id"])

    @pytest.mark.long
    @pytest.mark.parametrize("draft", [None, "new"])
    def test_areas_of_others_are_not_taken(self, app, redrawn, files_url, draft):
        sender = Sender.of(app, redrawn, files_url, place=WEST)
        told = sender.bring(THREE, parent=COMMUNITY, **({"draft": draft} if draft else {}))
        assert told["problem"]["type"] == "/problems/outside-charge"
        assert edition(redrawn) == 1
        importing.clear(redrawn)

    @pytest.mark.long
    def test_an_administrator_may(self, app, redrawn, files_url):
        sender = Sender.of(app, redrawn, files_url, role="admin")
        assert sender.bring(THREE, parent=COMMUNITY)["outcome"]["edition"] == 2
        importing.clear(redrawn)

    @pytest.mark.long
    def test_the_imports_of_others_are_not_there(self, sender, app, redrawn):
        told = sender.look(THREE)
        other = Desk.of(app, redrawn, "gis", COUNTY)
        assert other.get(f"{PATH}/{told['id']}").status_code == 404
        assert other.post(f"{PATH}/{told['id']}/taking").status_code == 404
        assert other.get(PATH).json["imports"] == []
        assert [each["id"] for each in sender.desk.get(PATH).json["imports"]] == [told["id"]]
        assert sender.desk.get(importing.no_such()).status_code == 404

    @pytest.mark.long
    def test_no_more_than_a_few_are_under_way_for_one_person(self, sender):
        for _ in range(5):
            assert sender.send(THREE).status_code == 202
        answer = sender.send(THREE)
        assert (answer.status_code, answer.json["limit"]) == (429, 5)


class TestFilesThatEndTheirReader:
    """One bad file is refused with its reason at once, and the next is taken by the same worker."""

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("limits", "reason"),
        [({"wall_s": 0.05}, "out-of-time"), ({"memory_bytes": 1 << 20}, "out-of-memory"), ({"open_files": 0}, None)],
    )
    def test_it_is_refused_at_the_first_attempt_and_the_next_one_is_taken(
        self, sender, redrawn, monkeypatch, limits, reason
    ):
        whole = boundary_reader.LIMITS
        monkeypatch.setattr(boundary_reader, "LIMITS", dataclasses.replace(whole, **limits))
        told = sender.bring(THREE, parent=COMMUNITY)
        assert (told["state"], told["problem"]["type"]) == ("refused", "/problems/unsupported-file")
        assert told["problem"]["reason"] == (reason or told["problem"]["reason"])
        assert told["problem"]["detail"] == REASONS[told["problem"]["reason"]][0]
        assert edition(redrawn) == 1
        monkeypatch.setattr(boundary_reader, "LIMITS", whole)
        assert sender.bring(THREE, parent=COMMUNITY)["state"] == "done"

    @pytest.mark.long
    def test_a_geometry_that_breaks_what_follows_is_refused_too(self, sender, monkeypatch):
        def broken(*_args, **_more):
            raise shapely.errors.GEOSException("mixed-dimension")

        monkeypatch.setattr(importer, "look", broken)
        told = sender.look(THREE, parent=COMMUNITY)
        assert (told["state"], told["problem"]["reason"]) == ("refused", "unreadable")
