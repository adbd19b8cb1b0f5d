"""A name is what people can read and what reads the same wherever it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.editions.names import name_fault, require_name
from geo.errors import InvalidName


@pytest.mark.parametrize(
    "name", ["阳岭第一网格", "第5网格-25", "A座", "3", "ཨོཾ", "مربع", "👷 工地", "新\u00a0村", "क्षेत्र", "★"]
)
def test_what_people_write_is_a_name(name):
    assert name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "name-blank"), (" ", "name-blank"), ("\u3000\u00a0", "name-blank"), ("\u200b", "name-blank"),
        ("\ufeff", "name-blank"), ("\u3164", "name-blank"), ("\u2800", "name-blank"), ("\u0301", "name-blank"),
        ("格\n格", "name-control-character"), ("\t格", "name-control-character"), ("格\x00", "name-control-character"),
        ("格\x7f", "name-control-character"), ("格\x9b", "name-control-character"),
        ("格\u2028", "name-control-character"), ("格\ud83d", "name-control-character"),
        ("\u202e格网一第", "name-direction-mark"), ("格\u2066", "name-direction-mark"),
        ("\u200f", "name-direction-mark"),
        ("长" * 201, "name-too-long"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_or_what_turns_text_is_no_name(name, fault):
    assert name_fault(name) == fault
    with pytest.raises(InvalidName) as refused:
        require_name(name, "360725")
    assert refused.value.data == {"field": "name", "reason": fault, "area": "360725"}


@given(
    st.text(
        st.characters(categories=["L", "N"], exclude_characters="\u3164\u115f\u1160\uffa0"), min_size=1, max_size=200
    )
)
def test_letters_and_numbers_of_any_script_are_names(name):
    assert name_fault(name) is None
