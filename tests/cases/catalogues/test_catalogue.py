"""The catalogue: all of it, with the limits of the domain, and harmless to load twice."""

import json

import pytest
from sqlalchemy import text

from server.cases.catalogue import CATALOGUE, load_catalogue, read_terms
from server.cases.errors import InvalidCatalogue
from tests.cases import city

LIMITS = """
    0101 1wd 0102 4wd 0103 5wh 0104 1wd 0105 1wd 0106 15wd
    0201 2wh 0202 2wh 0203 4wh 0204 3wd 0205 4wh 0206 2wh
    0301 2h 0302 2wd 0303 5wd 0304 4h 0305 24h 0306 5wd
    0401 5wd 0402 2h 0403 24h 0404 2wd 0405 15wd 0406 5wd
    0501 2h 0502 4h 0503 2h 0504 2h 0505 2h 0506 3wd
    0601 7wd 0602 7wd 0603 7wd 0604 7wd 0605 7wd 0606 7wd
    0701 2h 0702 7wd 0703 1wd 0704 3wd 0705 2h 0706 2h
    0801 2h 0802 15wd 0803 7wd 0804 3wd 0805 7wd 0806 2wd
    0901 3wd 0902 1wd 0903 4wh 0904 2h 0905 3wd 0906 2h
    1001 15wd 1002 15wd 1003 1wd 1004 15wd 1005 30d 1006 7wd
"""


def test_there_are_ten_first_levels_of_six_categories_each(session):
    terms = read_terms(session)
    assert sorted(code for code in terms if len(code) == 2) == [f"{n:02}" for n in range(1, 11)]
    assert sorted(code for code in terms if len(code) == 4) == [
        f"{n:02}{m:02}" for n in range(1, 11) for m in range(1, 7)
    ]


def test_every_limit_is_that_of_the_domain(session):
    terms = read_terms(session)
    words = LIMITS.split()
    expected = dict(zip(words[::2], words[1::2], strict=True))
    assert {code: f"{each.limit.value}{each.limit.unit}" for code, each in terms.items() if len(code) == 4} == expected


def test_disputes_and_public_order_are_private_and_nothing_else_is(session):
    assert {code[:2] for code, each in read_terms(session).items() if each.is_private} == {"06", "07"}


def test_a_dispute_is_to_be_answered_within_a_day(session):
    assert city.rows(session, "SELECT DISTINCT response_h FROM category WHERE parent_code = '06'") == [
        {"response_h": 24}
    ]


def test_every_category_has_both_names_and_says_when_to_file_and_close_in_both_languages(session):
    empty = city.rows(
        session,
        """SELECT code FROM category WHERE length(code) = 4
           AND '' IN (name_zh, name_en, file_when, file_when_en, close_when, close_when_en)""",
    )
    assert empty == []


def test_every_body_named_exists(session):
    named = {each.default_body for each in read_terms(session).values()}
    named |= {code for each in read_terms(session).values() for code in each.assisting}
    known = {row["code"] for row in city.rows(session, "SELECT code FROM organisation")}
    assert named <= known


def test_loading_it_again_changes_nothing(session):
    loaded = load_catalogue(session)
    assert (loaded.bodies, loaded.categories) == (0, 0)


@pytest.mark.long
def test_what_a_city_has_set_for_itself_stands_unless_overwritten(session):
    limit = "SELECT limit_value FROM category WHERE code = '0301'"
    session.execute(text("UPDATE category SET limit_value = 9 WHERE code = '0301'"))
    load_catalogue(session)
    assert session.scalar(text(limit)) == 9
    assert load_catalogue(session, overwrite=True).categories == 70
    assert session.scalar(text(limit)) == 2


def spoil(catalogue, reason):
    if reason == "twice":
        catalogue["categories"].append(catalogue["categories"][0])
    elif reason == "bodies unknown":
        catalogue["categories"][1]["default_body"] = "nobody"
    else:
        catalogue["categories"] = catalogue["categories"][1:]


@pytest.mark.parametrize("reason", ["twice", "bodies unknown", "no first level"])
def test_a_catalogue_that_is_wrong_is_refused_whole_and_names_the_row(session, tmp_path, reason):
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    spoil(catalogue, reason)
    path = tmp_path / "categories.json"
    path.write_text(json.dumps(catalogue), encoding="utf-8")
    with pytest.raises(InvalidCatalogue, match=reason) as caught:
        load_catalogue(session, path)
    assert caught.value.category in ("01", "0101")
