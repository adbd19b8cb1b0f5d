"""The next codes and names of areas: within their parent's as long as there are any, in the figures of their people."""

from itertools import islice

import pytest

from geo.editions.numbering import _number as number_of
from geo.editions.numbering import chinese, next_codes, next_names


def codes(like, known=(), parent=None, count=3):
    return list(islice(next_codes(like, known, parent), count))


def names(like, known=(), count=3):
    return list(islice(next_names(like, known), count))


def test_codes_go_on_after_the_highest_that_are_alike():
    known = ["360725100001001", "360725100001007", "360725100002009", "360725100001"]
    assert codes("360725100001002", known) == ["360725100001008", "360725100001009", "360725100001010"]


def test_codes_begin_as_their_parents_does_until_no_number_is_left():
    known = ["340103005001011", "340103005001017", "340103005001024"]
    found = codes("340103005001011", known, "34010300500101", 4)
    assert found == ["340103005001018", "340103005001019", "340103005001025", "340103005001026"]


def test_a_parent_whose_code_theirs_does_not_begin_with_decides_nothing():
    assert codes("340103005001011", [], "999", 1) == ["340103005001012"]


def test_a_code_without_digits_at_its_end_is_given_three():
    assert codes("WEST", ["WEST-001"], None, 2) == ["WEST-002", "WEST-003"]


def test_codes_end_where_no_number_is_left():
    assert list(next_codes("360725100001998", ["360725100001998"], None)) == ["360725100001999"]


@pytest.mark.parametrize(
    ("like", "known", "expected"),
    [
        ("桂台社区第3网格", ["桂台社区第10网格", "梅岗社区第40网格"], ["桂台社区第11网格", "桂台社区第12网格"]),
        ("中山社区第三网格", ["中山社区第十九网格"], ["中山社区第二十网格", "中山社区第二十一网格"]),
        ("中山社区第三网格", ["中山社区第9网格"], ["中山社区第十网格", "中山社区第十一网格"]),
        ("第5网格", [], ["第6网格", "第7网格"]),
        ("水南", ["水南-2"], ["水南-3", "水南-4"]),
        ("桂台社区第0网格", [], ["桂台社区第1网格", "桂台社区第2网格"]),
    ],
)
def test_names_go_on_in_the_figures_of_those_beside(like, known, expected):
    assert names(like, known, 2) == expected


def test_chinese_figures_are_read_as_they_are_written():
    assert [number_of(chinese(each)) for each in range(1, 130)] == list(range(1, 130))
