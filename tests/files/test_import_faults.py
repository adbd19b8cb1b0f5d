"""What an import must not do to a city, and how the faults of a file are told."""

import pytest
from shapely import affinity, box
from sqlalchemy import text

from geo.geometry.shapes import Fault
from server.grids.imports.fault_report import MARKS, as_features, level_of, told_of, worst_first
from tests.cases.city import WEST
from tests.files import importing
from tests.files.importing import Sender, edition, geojson, standing
from tests.sync.redrawing import redrawn

__all__ = ["redrawn"]
COUNTY, COMMUNITY = "360725", "360725100001"
THIRD = "360725100001003"
BESIDE = box(114.32, 25.68, 114.33, 25.69)


@pytest.fixture
def sender(app, redrawn, files_url):
    yield Sender.of(app, redrawn, files_url)
    importing.clear(redrawn)


def roots(session):
    session.rollback()
    return set(
        session.scalars(
            text("""
                SELECT code FROM area JOIN area_version ON area_id = area.id
                WHERE upper_inf(editions) AND parent_id IS NULL
            """)
        )
    )


def is_everywhere(session, login):
    """Whether a person holds a role in every root."""
    session.rollback()
    held = text("""
        SELECT code FROM assignment JOIN area ON area.id = area_id JOIN person ON person.id = person_id
        WHERE login = :login AND during @> now()
    """)
    return roots(session) <= set(session.scalars(held, {"login": login}))


class TestRoots:
    """No import can take away the rights of all."""

    @pytest.mark.long
    @pytest.mark.parametrize(("kind", "code"), [("grid", THIRD), ("county", "360726")])
    @pytest.mark.parametrize("draft", [None, "new"])
    def test_an_area_without_a_parent_is_a_fault_with_its_place(self, sender, redrawn, kind, code, draft):
        before = roots(redrawn)
        more = {"draft": draft} if draft else {}
        told = sender.bring(geojson((code, "孤", BESIDE)), kind=kind, **more)
        assert (told["state"], told["problem"]["type"]) == ("refused", "/problems/file-has-faults")
        (fault,) = [each for each in told["report"]["features"] if each["properties"]["code"] == "no-parent"]
        assert fault["geometry"]["coordinates"] == [114.325, 25.685]
        assert (edition(redrawn), roots(redrawn)) == (1, before)
        assert is_everywhere(redrawn, sender.desk.login)

    @pytest.mark.long
    def test_one_that_has_a_parent_keeps_it_and_a_root_stays_one(self, sender, redrawn):
        assert sender.bring(geojson((WEST, "西", box(114.30, 25.68, 114.31, 25.69))))["state"] == "done"
        outline = box(114.29, 25.67, 114.34, 25.70)
        assert sender.bring(geojson((COUNTY, "崇义", outline)), kind="county")["state"] == "done"
        assert roots(redrawn) == {COUNTY}

    @pytest.mark.long
    def test_a_new_root_that_is_confirmed_takes_nobodys_rights(self, sender, redrawn):
        told = sender.bring(geojson(("360726", "邻县", BESIDE)), kind="county", root="true")
        assert told["state"] == "done", told["problem"]
        assert roots(redrawn) == {COUNTY, "360726"}
        assert is_everywhere(redrawn, sender.desk.login)

    @pytest.mark.long
    def test_nobody_else_gets_rights_by_it(self, sender, redrawn):
        held = text("""
            SELECT count(*) FROM assignment JOIN area ON area.id = area_id
            WHERE code = '360726' AND person_id NOT IN
                (SELECT person_id FROM assignment JOIN area ON area.id = area_id WHERE code = '360725')
        """)
        sender.bring(geojson(("360726", "邻县", BESIDE)), kind="county", root="true")
        redrawn.rollback()
        assert redrawn.scalar(held) == 0


class TestNames:
    """A name that nobody can read is told of beside its area; ``tests/geo/editions/test_names`` has those there are."""

    @pytest.mark.long
    @pytest.mark.parametrize(
        ("name", "code"),
        [("\u202e格网", "name-direction-mark"), ("网\x07格", "name-control-character"), ("\u200b", "name-blank")],
    )
    def test_a_file_with_such_a_name_is_refused(self, sender, redrawn, name, code):
        told = sender.bring(geojson((THIRD, name, BESIDE)), parent=COMMUNITY)
        assert told["problem"]["type"] == "/problems/file-has-faults"
        assert told["report"]["by_code"][code] == 1
        assert THIRD not in standing(redrawn)


class TestAllAtOnce:
    """Everything that is wrong with a file is told at the first look."""

    @pytest.mark.long
    def test_every_clash_is_told(self, sender):
        areas = [(f"36072510000{n}", "社区", affinity.translate(BESIDE, n / 50)) for n in range(1, 6)]
        problem = sender.bring(geojson(*areas, parent="nowhere"))["problem"]
        assert (problem["type"], problem["count"]) == ("/problems/publication-refused", 5)
        assert {tuple(clash) for clash in problem["clashes"]} >= {("unknown-parent", areas[1][0], "nowhere")}
        assert ("other-kind", COMMUNITY, "community") in {tuple(clash) for clash in problem["clashes"]}

    def test_an_unknown_kind_names_those_there_are(self, sender):
        answer = sender.send(geojson((THIRD, "格", BESIDE)), kind="palace")
        assert (answer.json["reason"], "grid" in answer.json["known"]) == ("unknown-kind", True)

    @pytest.mark.long
    def test_options_that_are_advised_exist(self, sender, redrawn):
        content = geojson(("x", "y", BESIDE), wgbm=THIRD, label="阳岭", up=COMMUNITY)
        told = sender.bring(
            content, code_field="wgbm", name_field="label", parent_field="up", crs="4326", encoding="UTF-8"
        )
        assert told["state"] == "done", told["problem"]
        assert standing(redrawn)[THIRD][:2] == ("阳岭", COMMUNITY)


class TestReport:
    """The few faults that matter stand before the many that were mended."""

    FAULTS = (
        *(("甲", Fault("self-crossing", "error", 114.0, 25.0)) for _ in range(5000)),
        *(("乙", Fault("repeated-code", "error", 114.0, 25.0)) for _ in range(16)),
        ("丙", Fault("crs-assumed", "warning")),
        *(("丁", Fault("repeated-points", "note", 1.0, 2.0)) for _ in range(30)),
    )

    def test_what_refuses_comes_first_and_all_of_it(self):
        lines = list(told_of(self.FAULTS))
        assert "✗ 16" in lines[0]
        assert "~ 5,030" in lines[0]
        assert all(line.startswith("  ✗ 乙") for line in lines[1:17])
        assert len(lines) < 80

    def test_how_many_more_there_are_is_told(self):
        assert any("4,980 more" in line for line in told_of(self.FAULTS))

    def test_each_level_has_a_sign_of_its_own(self):
        assert len(set(MARKS.values())) == len(MARKS)
        assert {level_of(fault) for _, fault in self.FAULTS} == {"refused", "mended", "warning"}

    def test_none_is_crowded_out_of_what_a_map_shows(self):
        features = as_features(self.FAULTS, 300)
        assert [each["properties"]["level"] for each in features[:17]] == ["refused"] * 16 + ["warning"]
        assert len(features) == 16 + 1 + 300 + 30
        assert len(worst_first(self.FAULTS)) == len(self.FAULTS)
