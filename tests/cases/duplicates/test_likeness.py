"""Likeness of short Chinese texts: held against a small set that people have labelled, beside the usual measure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.duplicates.likeness import SAME_MATTER, likeness, normalised

SAME = [
    ("井盖缺失，行人容易掉下去", "马路中间的井盖不见了，很危险"),
    ("阳岭大道18号门前井盖缺失", "阳岭大道18号井盖没有了"),
    ("路灯不亮", "小区门口路灯不亮了，晚上很黑"),
    ("垃圾桶旁边堆了一大堆垃圾没人清", "垃圾桶满了，旁边堆着垃圾，发臭"),
    ("楼道里堆放杂物", "3栋2单元楼道堆满杂物，影响通行"),
    ("水管爆裂，路面积水", "自来水管爆了，路上积水很深"),
    ("消防通道被车辆占用", "私家车占用消防通道"),
    ("电梯困人", "电梯坏了困住人"),
    ("路面坑洼不平", "道路坑洼，有大坑"),
    ("烧烤摊油烟扰民", "烧烤店油烟太大，扰民"),
    ("占道经营卖水果", "水果摊占道经营"),
    ("ＡＢＣ小区飞线充电", "abc小区有人飞线充电！"),
    ("电动车飞线充电", "从三楼拉飞线给电动车充电"),
    ("绿化带有垃圾", "绿化带里垃圾很多没人清理"),
    ("Manhole cover missing", "The manhole cover is missing"),
]
OTHER = [
    ("井盖缺失", "井盖松动有异响"),
    ("井盖缺失，行人容易掉下去", "路灯不亮，晚上看不见"),
    ("路灯不亮", "路灯杆倾斜，快倒了"),
    ("垃圾桶旁边堆了一大堆垃圾没人清", "施工噪音夜里扰民"),
    ("楼道里堆放杂物", "楼道灯坏了"),
    ("水管爆裂，路面积水", "下水道堵塞，污水外溢"),
    ("消防通道被车辆占用", "消防栓没有水"),
    ("电梯困人", "电梯里有异味"),
    ("路面坑洼不平", "路面有油污很滑"),
    ("烧烤摊油烟扰民", "广场舞音响扰民"),
    ("占道经营卖水果", "共享单车乱停放占道"),
    ("电动车飞线充电", "电动车停在楼道里"),
    ("请尽快处理路灯不亮", "请尽快处理狗叫扰民"),
    ("绿化带有垃圾", "绿化带树木枯死"),
    ("3栋电梯坏了", "3栋漏水"),
    ("Manhole cover missing", "Street lamp is dark"),
]


def trigrams(one, other):
    """The measure of pg_trgm: words padded by two blanks before and one behind, shared by all."""

    def parts(words):
        padded = f"  {words} "
        return {padded[at : at + 3] for at in range(len(padded) - 2)}

    first, second = parts(one), parts(other)
    return len(first & second) / len(first | second)


def told_apart(measure):
    """The part of all pairs (one of the same matter, one of another) of which the former is the more alike."""
    same, other = [measure(*each) for each in SAME], [measure(*each) for each in OTHER]
    return sum((s > o) + 0.5 * (s == o) for s in same for o in other) / (len(same) * len(other))


def test_what_is_the_same_matter_is_told_from_what_is_not_better_than_by_trigrams():
    assert told_apart(likeness) > 0.87
    assert told_apart(likeness) > told_apart(trigrams) + 0.03


def test_the_threshold_is_right_for_five_pairs_in_six():
    right = sum(likeness(*each) >= SAME_MATTER for each in SAME) + sum(likeness(*each) < SAME_MATTER for each in OTHER)
    assert right / (len(SAME) + len(OTHER)) >= 5 / 6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ１２３路灯", "abc123路灯"),
        ("路灯不亮！！", "路灯，不亮"),
        ("你好，请尽快处理：路灯不亮", "路灯不亮"),
        ("e\u0301cole", "école"),
    ],
    ids=["width", "punctuation", "politeness", "form"],
)
def test_how_a_text_is_written_makes_no_difference(one, other):
    assert likeness(one, other) == 1.0


@pytest.mark.parametrize("nothing", ["", "  ", "！？。", "\u200b"])
def test_a_text_that_says_nothing_is_like_none(nothing):
    assert likeness(nothing, "路灯不亮") is None


def test_a_text_of_politeness_alone_still_says_something():
    assert normalised("谢谢") == "谢谢"


@given(st.text(max_size=40), st.text(max_size=40))
def test_it_is_a_part_of_one_and_the_same_both_ways(one, other):
    like = likeness(one, other)
    assert like == likeness(other, one)
    assert like is None or 0 <= like <= 1


def test_of_very_long_texts_the_beginning_is_compared():
    one, other = ("".join(chr(0x4E00 + (at * step) % 20_000) for at in range(4_000)) for step in (7, 11))
    assert len(normalised(one)) <= 300
    for _ in range(50):
        assert likeness(one, other) < SAME_MATTER
    assert likeness(one, one[:3_000] + other) == 1.0
