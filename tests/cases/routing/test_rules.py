"""Rules: the most specific wins, ties are found, and the reasons say why; a brute-force oracle beside the choice."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.cases.calendars.calendar import Layer, Limit, WorkCalendar, Year
from server.cases.calendars.seeding import announced_years
from server.cases.case import AreaName, Body, Case, Place, Policy, Rule, Standing, Terms
from server.cases.errors import NoDefaultDesk, RuleTie
from server.cases.routing.rules import RuleBook, choose, find_ties

CALENDAR = WorkCalendar([Layer({year: Year(1, announced=True, days=days) for year, days in announced_years().items()})])
WORKING = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)  # 10:00 on a Wednesday in Shanghai
OFF = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)  # a Saturday

BODIES = tuple(
    Body(number, code, zh, en)
    for number, (code, zh, en) in enumerate(
        [
            ("zhihui", "指挥中心", "Command centre"),
            ("chengguan", "城管局", "City management"),
            ("zhujian", "住建局", "Housing and construction"),
            ("xiaofang", "消防救援大队", "Fire brigade"),
            ("shequ", "社区", "Community"),
        ],
        start=1,
    )
)
DESK, CHENGGUAN, ZHUJIAN, XIAOFANG, SHEQU = BODIES
CATEGORIES = {
    "03": Terms("03", None, "公用设施", "Public works", default_body="zhujian"),
    "0301": Terms("0301", "03", "井盖", "Manhole", Limit(2, "h"), "zhujian", ("chengguan",)),
    "0302": Terms("0302", "03", "路灯", "Lamp", Limit(2, "wd")),
    "10": Terms("10", None, "议事建议", "Proposals"),
    "1006": Terms("1006", "10", "其他", "Other", Limit(7, "wd")),
}
COUNTY = AreaName(1, "360725", "崇义县")
COMMUNITY = AreaName(2, "360725100001", "阳岭社区")
GRID = AreaName(3, "360725100001001", "阳岭社区第一网格")
NEXT = AreaName(4, "360725100001002", "阳岭社区第二网格")
LINE = (GRID, COMMUNITY, COUNTY)
PLACE = Place(GRID, LINE, how="inside", distance_m=0.0, edition=3, margin_m=120.0)


def book(*rules):
    return RuleBook(rules, CATEGORIES, BODIES)


def case(category="0301", severity="normal", source="worker", place=PLACE, standing=None):
    return Case(category, severity, source, place, captured_at=WORKING - timedelta(hours=6), standing=standing)


def rule(number, lead=CHENGGUAN, **scope):
    return Rule(number, f"规则{number}", lead.id, **scope)


def decide(rules, one=None, now=WORKING, **more):
    return choose(one or case(), book(*rules), CALENDAR, now, **more)


def codes(decision):
    return [each.code for each in decision.reasons]


def test_without_a_rule_the_category_names_the_body_the_assistants_and_the_limit():
    decision = decide([])
    assert (decision.body, decision.assisting) == (ZHUJIAN, (CHENGGUAN,))
    assert decision.due_at == WORKING + timedelta(hours=2)
    assert codes(decision) == ["category-default", "deadline", "grid"]


def test_a_category_without_a_body_takes_that_of_its_first_level():
    assert decide([], case("0302")).body == ZHUJIAN


def test_what_nobody_is_named_for_goes_to_the_default_desk_and_says_so():
    decision = decide([], case("1006"))
    assert decision.body == DESK
    assert decision.reasons[0].code == "default-desk"
    assert "1006" in decision.reasons[0].zh
    assert "指挥中心" in decision.reasons[0].zh


def test_a_category_that_the_catalogue_does_not_hold_still_goes_to_somebody():
    decision = decide([], case("9901"))
    assert (decision.body, decision.due_at) == (DESK, None)
    assert "no-limit" in codes(decision)


def test_without_even_a_default_desk_it_is_an_error_that_names_it():
    with pytest.raises(NoDefaultDesk) as caught:
        choose(case("1006"), RuleBook([], CATEGORIES, [CHENGGUAN]), CALENDAR, WORKING)
    assert caught.value.desk == "zhihui"


def test_four_digits_beat_two_and_two_beat_any_whatever_else_the_rules_name():
    any_category = rule(1, area_id=GRID.id, severity="normal", hours="working", source="worker")
    two = rule(2, category="03")
    four = rule(3, category="0301")
    assert decide([any_category]).rule == any_category
    assert decide([any_category, two]).rule == two
    assert decide([any_category, two, four]).rule == four


def test_a_deeper_area_beats_a_higher_one():
    rules = [rule(1, area_id=COUNTY.id), rule(2, area_id=COMMUNITY.id), rule(3, area_id=GRID.id)]
    assert decide(rules).rule == rules[2]
    assert decide(rules[:2]).rule == rules[1]


def test_a_rule_for_another_area_does_not_apply():
    assert decide([rule(1, area_id=NEXT.id)]).rule is None


def test_a_rule_for_urgent_issues_takes_only_those():
    urgent = rule(1, XIAOFANG, severity="urgent", limit=Limit(1, "h"))
    assert decide([urgent]).rule is None
    decision = decide([urgent], case(severity="urgent"))
    assert (decision.body, decision.due_at) == (XIAOFANG, WORKING + timedelta(hours=1))
    assert "severity" in codes(decision)


def test_a_rule_for_nights_and_weekends_holds_only_then():
    night = rule(1, XIAOFANG, hours="off")
    assert decide([night], now=WORKING).rule is None
    assert decide([night], now=OFF).rule == night


def test_a_rule_for_residents_takes_no_report_of_a_worker():
    residents = rule(1, source="resident")
    assert decide([residents]).rule is None
    assert decide([residents], case(source="resident")).rule == residents


def test_an_issue_outside_every_grid_goes_by_city_wide_rules():
    outside = Place(None, (COUNTY,), how="outside", edition=3)
    rules = [rule(1, area_id=GRID.id), rule(2, area_id=COMMUNITY.id), rule(3, SHEQU)]
    decision = decide(rules, case(place=outside))
    assert decision.rule == rules[2]
    assert "outside" in codes(decision)


def test_a_rule_without_assistants_leaves_those_of_the_category_and_the_lead_never_assists_itself():
    assert decide([rule(1, SHEQU)]).assisting == (CHENGGUAN,)
    assert decide([rule(1, CHENGGUAN)]).assisting == ()
    assert decide([rule(1, SHEQU, assisting_ids=(XIAOFANG.id, SHEQU.id))]).assisting == (XIAOFANG,)


def test_the_clock_starts_when_the_body_receives_it_or_at_the_capture_where_the_city_wants_that():
    assert decide([]).since == WORKING
    captured = decide([], policy=Policy(count_from="capture"))
    assert captured.since == WORKING - timedelta(hours=6)
    assert captured.due_at == WORKING - timedelta(hours=4)


def test_the_same_body_under_the_same_limit_keeps_its_deadline():
    due_at = WORKING - timedelta(hours=1)
    standing = Standing(ZHUJIAN.id, Limit(2, "h"), WORKING - timedelta(hours=3), due_at)
    decision = decide([], case(standing=standing))
    assert (decision.since, decision.due_at) == (standing.since, due_at)
    assert "deadline-kept" in codes(decision)


@pytest.mark.parametrize(("body", "limit"), [(CHENGGUAN, Limit(2, "h")), (ZHUJIAN, Limit(3, "h"))])
def test_another_body_or_another_limit_starts_the_clock_anew(body, limit):
    standing = Standing(body.id, limit, WORKING - timedelta(hours=3), WORKING - timedelta(hours=1))
    assert decide([], case(standing=standing)).due_at == WORKING + timedelta(hours=2)


def test_reasons_near_a_border_tell_the_margin_and_the_neighbour():
    place = Place(GRID, LINE, how="inside", edition=3, margin_m=4.16, neighbour=NEXT)
    border = decide([], case(place=place)).reasons[-1]
    assert border.code == "border"
    for words in (border.zh, border.en):
        assert "4.2" in words
        assert NEXT.code in words


def test_far_from_a_border_the_reasons_are_silent_about_it():
    assert "border" not in codes(decide([]))


def test_a_case_near_a_grid_tells_the_distance():
    near = Place(GRID, LINE, how="near", distance_m=12.4, edition=3)
    told = decide([], case(place=near)).reasons[-1]
    assert (told.code, "12" in told.zh, "edition 3" in told.en) == ("near", True, True)


def test_a_case_without_a_position_says_so():
    assert codes(decide([], case(place=Place(None, (COUNTY,)))))[-1] == "no-position"


def test_a_deadline_into_an_unannounced_year_says_that_it_is_a_guess():
    decision = decide([], case("1006"), now=datetime(2026, 12, 30, tzinfo=UTC))
    told = next(each for each in decision.reasons if each.code == "calendar-provisional")
    assert "2027" in told.zh
    assert "2027" in told.en


def test_every_reason_speaks_both_languages():
    everything = rule(
        1, category="0301", area_id=COMMUNITY.id, severity="urgent", hours="off", source="worker", limit=Limit(5, "wh")
    )
    decision = decide([everything], case(severity="urgent"), now=OFF)
    assert codes(decision) == ["rule", "category-rule", "area", "severity", "hours", "source", "deadline", "grid"]
    for each in decision.reasons:
        assert each.zh
        assert each.en.isascii() or any(name in each.en for name in (everything.label, GRID.name, COMMUNITY.name))


def test_two_rules_for_the_same_cases_are_a_tie_that_names_both():
    first, second = rule(1, category="0301"), rule(2, XIAOFANG, category="0301")
    assert find_ties([first, rule(3), second]) == [(first, second)]
    with pytest.raises(RuleTie) as caught:
        book(first, second)
    assert (caught.value.label, caught.value.other_id) == ("规则2", 1)


anything = st.fixed_dictionaries(
    {
        "category": st.sampled_from([None, "03", "0301", "0302", "10"]),
        "area_id": st.sampled_from([None, 1, 2, 3, 4]),
        "severity": st.sampled_from([None, "low", "normal", "urgent"]),
        "hours": st.sampled_from(["any", "working", "off"]),
        "source": st.sampled_from([None, "worker", "resident"]),
    }
)
# Rules that fit the default case, so that several of them compete for it.
fitting_scopes = st.fixed_dictionaries(
    {
        "category": st.sampled_from([None, "0301"]),
        "area_id": st.sampled_from([None, GRID.id]),
        "severity": st.sampled_from([None, "normal"]),
        "hours": st.sampled_from(["any", "working"]),
        "source": st.sampled_from([None, "worker"]),
    }
)
scopes = st.one_of(fitting_scopes, anything)
rule_lists = st.lists(st.builds(lambda scope, lead: (scope, lead), scopes, st.sampled_from(BODIES)), max_size=12).map(
    lambda pairs: [rule(number, lead, **scope) for number, (scope, lead) in enumerate(pairs, start=1)]
)
cases = st.just(case()) | st.builds(
    case,
    category=st.sampled_from(["0301", "0302", "1006"]),
    severity=st.sampled_from(["low", "normal", "urgent"]),
    source=st.sampled_from(["worker", "resident"]),
    place=st.sampled_from([PLACE, Place(None, (COUNTY,), how="outside")]),
)


def applies(one, each, *, working):
    return (
        each.category in (None, one.category, one.category[:2])
        and (each.area_id is None or each.area_id in [area.id for area in one.place.areas])
        and each.severity in (None, one.severity)
        and each.hours in ("any", "working" if working else "off")
        and each.source in (None, one.source)
    )


def specificity(each):
    depth = {None: 0, COUNTY.id: 1, COMMUNITY.id: 2, GRID.id: 3, NEXT.id: 3}
    return (
        len(each.category or ""),
        depth[each.area_id],
        each.severity is not None,
        each.hours != "any",
        each.source is not None,
    )


@settings(max_examples=400)
@given(rules=rule_lists, one=cases, now=st.sampled_from([WORKING, OFF]))
def test_the_choice_agrees_with_looking_at_every_rule(rules, one, now):
    assume(not find_ties(rules))
    fitting = [each for each in rules if applies(one, each, working=now == WORKING)]
    expected = max(fitting, key=specificity, default=None)
    decision = decide(rules, one, now)
    assert decision.rule == expected
    if expected is not None:
        assert decision.body.id == expected.lead_body_id


@given(rules=rule_lists, one=cases, now=st.sampled_from([WORKING, OFF]))
def test_rules_that_do_not_tie_are_never_equally_specific_for_one_case(rules, one, now):
    assume(not find_ties(rules))
    ranks = [specificity(each) for each in rules if applies(one, each, working=now == WORKING)]
    assert len(ranks) == len(set(ranks))


@given(rules=rule_lists, one=cases, seed=st.randoms(use_true_random=False))
def test_the_order_of_the_rules_does_not_matter(rules, one, seed):
    assume(not find_ties(rules))
    shuffled = list(rules)
    seed.shuffle(shuffled)
    assert decide(rules, one) == decide(shuffled, one)
