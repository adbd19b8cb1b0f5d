"""Areas are found by words, code, kind and what they lie in, so that any can be chosen from a list or by keyboard."""

import pytest
from sqlalchemy import text

from geo.editions.ground import load_ground
from geo.editions.publish import NewArea, NewKind, put_kinds
from server.accounts.charge import area_in_charge
from server.api.map import GroundSchema
from server.database.extensions import db
from server.grids.area_search import AreaQuery, find_areas
from tests.api.staff import Desk
from tests.cases import city
from tests.sync.redrawing import redraw, redrawn, strip

__all__ = ["redrawn"]

COUNTY, COMMUNITY = "360725", "360725100001"


@pytest.fixture
def desk(app, session):
    return lambda role="gis", place=COUNTY: Desk.of(app, session, role, place)


def codes(answer):
    assert GroundSchema().validate(answer.json) == {}
    return [each["code"] for each in answer.json["areas"]]


def test_areas_of_any_kind_are_found_by_words_of_their_names(desk):
    gis = desk()
    assert codes(gis.get("/v1/areas", words="阳岭")) == [COMMUNITY, city.WEST, city.EAST]
    assert codes(gis.get("/v1/areas", words="崇义县")) == [COUNTY]
    assert codes(gis.get("/v1/areas", words="月亮")) == []


def test_the_best_is_told_first_and_how_many_there_are(desk):
    answer = desk().get("/v1/areas", words="阳岭", limit=1)
    assert (codes(answer), answer.json["total"]) == ([COMMUNITY], 3)
    assert codes(desk().get("/v1/areas", words=city.EAST))[0] == city.EAST
    assert codes(desk().get("/v1/areas", words=COMMUNITY)) == [COMMUNITY, city.WEST, city.EAST]


def test_each_word_must_be_there_and_may_be_of_an_area_above(desk):
    gis = desk()
    assert codes(gis.get("/v1/areas", words="崇义 第二")) == [city.EAST]
    assert codes(gis.get("/v1/areas", words="社区 第二")) == [city.EAST]
    assert codes(gis.get("/v1/areas", words="第二 月亮")) == []


def test_full_width_and_capital_letters_make_no_difference(desk, redrawn):
    redraw(redrawn, NewArea("x1", "grid", "Ａ座b", COMMUNITY, strip("x1", 114.30, 114.31).polygon), retired=[city.WEST])
    for words in ("a座", "Ａ座Ｂ", "X1"):
        assert codes(desk().get("/v1/areas", words=words)) == ["x1"]


def test_kinds_and_the_area_above_narrow_what_is_found(desk):
    gis = desk()
    assert codes(gis.get("/v1/areas", kind="county,community")) == [COUNTY, COMMUNITY]
    assert codes(gis.get("/v1/areas", within=COUNTY)) == [COMMUNITY, city.WEST, city.EAST]
    assert codes(gis.get("/v1/areas", within=COMMUNITY, kind="grid", words="第一")) == [city.WEST]
    assert codes(gis.get("/v1/areas", within="moon")) == []
    assert codes(gis.get("/v1/areas", code=city.EAST)) == [city.EAST]


def test_a_found_area_tells_its_box_its_path_and_whether_it_is_in_charge(desk):
    (west,) = desk("supervisor", city.WEST).get("/v1/areas", code=city.WEST).json["areas"]
    assert west["bounds"] == pytest.approx([114.30, 25.68, 114.31, 25.69])
    assert (west["path"], west["parent"], west["in_charge"]) == (["崇义县", "阳岭社区"], COMMUNITY, True)
    (east,) = desk("supervisor", city.WEST).get("/v1/areas", code=city.EAST).json["areas"]
    assert east["in_charge"] is False


def test_what_is_in_charge_can_be_asked_for_alone(desk):
    assert codes(desk("supervisor", city.WEST).get("/v1/areas", in_charge="true")) == [city.WEST]
    everything = [COUNTY, COMMUNITY, city.WEST, city.EAST]
    assert codes(desk("supervisor", COUNTY).get("/v1/areas", in_charge="true")) == everything


@pytest.fixture
def buildings(redrawn):
    put_kinds(redrawn, [NewKind("building", "楼栋", "Building", 7)])
    yield redrawn
    redrawn.rollback()
    redrawn.execute(text("SET LOCAL session_replication_role = replica"))
    redrawn.execute(text("DELETE FROM area_kind WHERE code = 'building'"))
    redrawn.commit()


def test_areas_below_the_grids_are_found_too_though_the_map_does_not_list_them(desk, buildings):
    redraw(buildings, NewArea(f"{city.WEST}01", "building", "县医院", city.WEST, strip("b", 114.302, 114.303).polygon))
    assert codes(desk().get("/v1/areas", words="医院")) == [f"{city.WEST}01"]
    assert f"{city.WEST}01" not in codes(desk().get("/v1/areas"))


def test_a_redraw_is_found_at_once_and_what_is_retired_is_not(desk, redrawn):
    gis = desk()
    assert codes(gis.get("/v1/areas", code=city.WEST)) == [city.WEST]
    redraw(redrawn, strip("x1", 114.30, 114.31), retired=[city.WEST])
    assert codes(gis.get("/v1/areas", code=city.WEST)) == []
    assert codes(gis.get("/v1/areas", code="x1")) == ["x1"]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"limit": "0"}, "limit"), ({"limit": "many"}, "limit"), ({"words": "长" * 101}, "words"),
     ({"words": "\0"}, "words"), ({"kind": "a b"}, "kind"), ({"in_charge": "perhaps"}, "in_charge")],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused_by_the_name_of_its_field(desk, query, field):
    answer = desk().get("/v1/areas", **query)
    assert answer.status_code == 422
    assert field in answer.text


@pytest.mark.parametrize("words", ["%", "_", "\\", "'", " ", "𠮷"])
def test_odd_words_find_what_holds_them_and_nothing_else(desk, words):
    found = codes(desk().get("/v1/areas", words=words, limit=200))
    assert len(found) == (4 if not words.strip() else 0)


def test_a_search_finds_just_what_looking_at_every_area_finds(app, session):
    ground = load_ground(session, 1)
    tops = frozenset(each for each, facts in ground.areas.items() if facts.code == COMMUNITY)
    for words in ("", "阳", "第", "36", "网格"):
        found = find_areas(session, ground, AreaQuery(words, limit=200), tops)
        expected = {facts.code for facts in ground.areas.values() if words in facts.name or words in facts.code}
        assert {each.facts.code for each in found.areas} == expected
        assert all(each.in_charge == area_in_charge(ground, each.facts.id, tops) for each in found.areas)


def test_however_many_are_found_the_database_is_asked_the_same_number_of_times(app, desk):
    gis = desk()
    with app.app_context():
        engine = db.engine
    gis.get("/v1/areas", words="阳岭")
    asked = []
    for limit in (1, 3):
        with city.counting(engine) as statements:
            gis.get("/v1/areas", words="阳岭", limit=limit)
        asked.append(len(statements))
    assert asked[0] == asked[1]
