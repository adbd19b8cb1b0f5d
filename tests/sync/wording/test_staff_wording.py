"""Who decides over an operation reads what happened and what can be done, in words and not in codes."""

import re

import pytest

from sync.wording.reasons import _RULES, REASONS, Reason
from sync.wording.staff import REASONS_TO_STAFF, retold_to_staff

OF_PROGRAMS = re.compile(
    r"UUID|RFC|\bextra\b|op_id|captured_at|\btrue\b|\bfalse\b|\bnull\b|\bmet\b|no_answer|[a-z]+_[a-z]+"
)


def test_every_reason_has_words_for_staff():
    assert REASONS_TO_STAFF.keys() == REASONS.keys()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("code", sorted(REASONS))
def test_a_reason_speaks_to_staff_in_no_words_of_programs(code, lang):
    told = retold_to_staff(Reason(code).as_json("zh"), lang)
    assert told["type"] == f"/problems/{code}"
    assert not OF_PROGRAMS.search(told["title"])
    assert ("您" in told["title"]) <= (code == "beyond-ruling"), "it is not the worker who reads this"


@pytest.mark.parametrize("told_in", ["zh", "en"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_is_wrong_with_a_field_is_said_in_words_too_whichever_language_it_was_told_in(lang, told_in):
    for _, zh, en in _RULES:
        values = {"a": "met, no_answer" if "其一" in zh else "8", "b": "9"}
        message = (zh if told_in == "zh" else en).format(**values)
        problem = {"type": "/problems/fields-invalid", "errors": [{"field": "data.outcome", "message": message}]}
        (error,) = retold_to_staff(problem, lang)["errors"]
        said = error["message"].replace("KiB", "")
        assert not OF_PROGRAMS.search(said), message
        assert bool(re.search("[\u4e00-\u9fff]", said)) == (lang == "zh"), message


def test_nothing_wrong_is_told_as_nothing():
    assert retold_to_staff(None, "zh") is None
