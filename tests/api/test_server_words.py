"""What the server says to people keeps to one way of writing, and to the words of the field."""

import re

import pytest

from geo.coverage.gate_words import TEXTS
from server.cases.catalogues import fault_words as catalogue_words
from server.grids.imports import fault_words as import_words
from server.http.problems import TABLE
from server.texts.problems.http import HTTP
from server.texts.reasons import REASON_WORDS
from sync.wording.reasons import REASONS
from sync.wording.staff import REASONS_TO_STAFF

HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,;:!?()]|[,;:!?()] ?[\u4e00-\u9fff]|[「」\"]|……|\.\.\.")
NOT_SAID = {"版图": "网格划分", "集合": "记录类型", "代码": "编码", "版次": "版本", "处置单位": "承办单位"}
# `count` is of parts and of uses of one code: two at least.
PLURAL_OF_ANY_COUNT = re.compile(r"\{(n|households)\} \w+s\b")

PROBLEMS = [*TABLE.values(), *(problem for _, problem in HTTP.values())]
SAID = {
    "problems": [(each.zh + "。" + each.do_zh, each.en) for each in PROBLEMS],
    "reasons of problems": list(REASON_WORDS.values()),
    "reasons to phones": list(REASONS.values()),
    "reasons to staff": list(REASONS_TO_STAFF.values()),
    "findings of the gate": list(TEXTS.values()),
    "faults of files": [*import_words.WORDS.values(), *import_words.REASONS.values()],
    "faults of catalogues": list(catalogue_words.WORDS.values()),
}


@pytest.mark.parametrize("where", SAID)
def test_chinese_is_punctuated_in_full_width_and_in_the_words_of_the_field(where):
    for zh, _ in SAID[where]:
        assert HALF_WIDTH.search(re.sub(r"\{\w+\}", "一", zh)) is None, zh
        for own, field in NOT_SAID.items():
            assert own not in zh, f"{zh}: {own} is called {field}"


@pytest.mark.parametrize("where", SAID)
def test_english_is_english_and_counts_one_as_one(where):
    for _, en in SAID[where]:
        assert re.search(r"[\u3000-\u9fff\uff00-\uffef]", en) is None, en
        assert PLURAL_OF_ANY_COUNT.search(en) is None, en
