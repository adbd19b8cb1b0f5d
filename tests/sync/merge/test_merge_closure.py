"""What is merged of valid operations is a valid record, whatever they are, and weighs no more than one."""

import datetime as dt
import uuid

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from marshmallow import fields, validate
from sqlalchemy import text

from sync.collections import COLLECTIONS
from sync.collections.fields import Extra, Flag, Id, Number, Time
from sync.merge.lineage import LoggedOp, writes_of
from sync.merge.merge import MergeRule, Policy, Write, merge
from sync.protocol.decoders import judge, normal_form
from sync.resolution import conflicts

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
WRITTEN = sorted(name for name, collection in COLLECTIONS.items() if collection.actions)
OUTCOMES = {"visits": {"outcome": "met"}, "households": {"building": "1"}, "issues": {"category": "0301"}}
OUTCOMES["steps"] = {"issue_id": str(uuid.UUID(int=1)), "step": "receive"}


def values_of(field):
    """Valid values of a field, those at its limits too."""
    choices = [check.choices for check in field.validators if isinstance(check, validate.OneOf)]
    longest = next((check.max for check in field.validators if isinstance(check, validate.Length)), 20)
    if choices:
        found = st.sampled_from(choices[0])
    elif isinstance(field, fields.Nested):
        required = {name: each for name, each in field.schema.fields.items() if each.required}
        found = st.fixed_dictionaries({name: values_of(each) for name, each in required.items()})
    elif isinstance(field, fields.List):
        found = st.lists(values_of(field.inner), max_size=longest, unique=True) | st.lists(
            values_of(field.inner), min_size=longest, max_size=longest, unique=True
        )
    elif isinstance(field, Id):
        found = st.integers(0, 60).map(lambda number: str(uuid.UUID(int=number)))
    elif isinstance(field, Time):
        found = st.sampled_from(["2026-11-21T10:00:00Z", "2026-11-21t10:00:00z", "2026-11-21T18:30:00+08:00"])
    elif isinstance(field, Flag):
        found = st.booleans()
    elif isinstance(field, Extra):
        found = st.just({"a": 1})
    elif isinstance(field, Number):
        found = st.just(1.0)
    elif any(isinstance(check, validate.Regexp) for check in field.validators):
        found = st.sampled_from(["0301", "0302"])
    else:
        marks = st.integers(0, 60).map(str)
        found = marks | marks.map(lambda mark: (mark + "长" * longest)[:longest])
    return st.none() | found if field.allow_none else found


@st.composite
def valid_writes(draw, most=8):
    name = draw(st.sampled_from(WRITTEN))
    schema = COLLECTIONS[name].schema()
    strategy = st.fixed_dictionaries({}, optional={key: values_of(field) for key, field in schema.fields.items()})
    place = {"address_text": "x"} if COLLECTIONS[name].one_of else {}
    writes = []
    for number in range(draw(st.integers(2, most))):
        seen = set()
        for each in draw(st.sets(st.sampled_from(range(number)))) if number else ():
            seen |= {writes[each].op_id} | writes[each].seen
        changes = draw(strategy)
        if not number:
            changes = OUTCOMES.get(name, {}) | changes | place
        changes, faults = normal_form(name, changes)
        assert not faults
        assert not judge(name, "patch", changes)
        moment = START + dt.timedelta(minutes=draw(st.integers(0, 9)))
        writes.append(Write(uuid.UUID(int=number + 1), moment, "网格员甲" * 5, frozenset(seen), changes))
    return name, writes


@settings(max_examples=150, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(valid_writes(), st.randoms())
def test_what_is_merged_is_valid_by_its_own_schema_in_any_order(case, chance):
    name, writes = case
    collection = COLLECTIONS[name]
    merged = merge(writes, collection.rules, collection.one_of)
    whole = {"state": "open"} | merged.doc if name == "tasks" else merged.doc
    action = "put" if name in OUTCOMES else "patch"
    assert not judge(name, action, whole)
    again = list(writes)
    chance.shuffle(again)
    assert merge(again, collection.rules, collection.one_of) == merged
    assert merge([*writes, *writes[:1]], collection.rules, collection.one_of).doc == merged.doc


@pytest.mark.parametrize("field", ["started_at", "ended_at"])
def test_two_who_take_the_same_value_away_are_merged(field):
    rules = COLLECTIONS["visits"].rules
    writes = [apart(0, outcome="met", **{field: None}), apart(1, **{field: None})]
    assert field not in merge(writes, rules).doc


def apart(number, **changes):
    moment = START + dt.timedelta(minutes=number)
    return Write(uuid.UUID(int=number + 1), moment, "甲", frozenset(), changes)


def test_a_text_that_grows_beyond_its_limit_is_cut_and_says_so():
    rules = {"note": MergeRule(Policy.APPEND, limit=100)}
    writes = [apart(n, note=f"{n}" + "长" * 60) for n in range(3)]
    told = merge(writes, rules).doc["note"]
    whole = merge(writes, {"note": MergeRule(Policy.APPEND)}).doc["note"]
    assert len(told) == 100
    kept, _, left_out = told.rpartition("\n[… +")
    assert whole.startswith(kept)
    assert len(kept) + int(left_out.removesuffix("]")) == len(whole)


def test_a_set_that_grows_beyond_its_limit_shows_what_came_first_and_room_that_is_made_is_filled():
    rules = {"photos": MergeRule(Policy.UNION, limit=3)}
    one, two = apart(0, photos=["a", "b"]), apart(1, photos=["c", "d"])
    assert merge([two, one], rules).doc["photos"] == ["a", "b", "c"]
    # Somebody who saw one of them alone takes an element away: what was not shown comes up.
    three = Write(uuid.UUID(int=9), START + dt.timedelta(minutes=5), "乙", frozenset({one.op_id}), {"photos": ["a"]})
    assert merge([one, two, three], rules).doc["photos"] == ["a", "c", "d"]
    # Who had seen both and sends what was shown has decided about the rest too, as in a fast-forward.
    four = Write(uuid.UUID(int=10), three.captured_at, "乙", frozenset({one.op_id, two.op_id}), {"photos": ["a", "b"]})
    assert merge([one, two, four], rules).doc["photos"] == ["a", "b"]


def test_who_did_not_see_a_removal_and_sends_the_set_on_does_not_add_the_element_again():
    rules = {"tags": MergeRule(Policy.UNION)}
    first = apart(0, tags=["a", "b"])
    seen = frozenset({first.op_id})
    removal = Write(uuid.UUID(int=5), START + dt.timedelta(minutes=5), "乙", seen, {"tags": ["b"]})
    more = Write(uuid.UUID(int=6), START + dt.timedelta(minutes=6), "丙", seen, {"tags": ["a", "b", "d"]})
    on = Write(uuid.UUID(int=7), START + dt.timedelta(minutes=7), "丙", seen | {more.op_id}, {"tags": list("abde")})
    assert merge([first, removal, more, on], rules).doc["tags"] == ["b", "d", "e"]


def test_a_record_keeps_a_place_when_two_people_take_one_each():
    first = apart(0, category="0301", location={"lon": 1.0, "lat": 1.0}, address_text="街")
    seen = frozenset({first.op_id})
    one = Write(uuid.UUID(int=5), START + dt.timedelta(minutes=5), "乙", seen, {"location": None})
    two = Write(uuid.UUID(int=6), START + dt.timedelta(minutes=6), "丙", seen, {"address_text": None})
    issues = COLLECTIONS["issues"]
    doc = merge([first, one, two], issues.rules, issues.one_of).doc
    assert not issues.check(doc)
    assert doc["location"] == {"lon": 1.0, "lat": 1.0}


def test_who_takes_the_only_place_away_leaves_the_record_where_it_is(phone_of, session):
    phone = phone_of("west")
    put = phone.issue()
    phone.push(put)
    (result,) = phone.push(phone.patch("issues", put["id"], {"rev": 1}, location=None, severity="low"))
    assert result["status"] == "applied"
    doc = session.scalar(text("SELECT doc FROM issue"))
    assert (doc["location"]["lon"], doc["severity"]) == (114.305, "low")


def logged(number, base=None, **more):
    at = START + dt.timedelta(seconds=number)
    kept = {"action": "patch", "rev": None, "status": "pending"} | more
    return LoggedOp(
        number, uuid.UUID(int=1), uuid.UUID(int=100 + number), 1, "甲", 1, kept["action"], None,
        None if base is None else uuid.UUID(int=100 + base), at, at, kept["changes"], kept["rev"], kept["status"],
    )  # fmt: skip


@pytest.mark.long
def test_a_line_of_a_thousand_edits_is_merged_whatever_its_length():
    """Python's own stack ended at some hundreds of them, and with it the merging of the record for ever."""
    ops = [logged(1, action="put", changes={"category": "0301", "tags": ["0"]})]
    ops += [logged(n, n - 1, changes={"tags": [str(n)], "description": f"第{n}次"}) for n in range(2, 1500)]
    ops.append(logged(1500, 1, changes={"tags": ["0", "x"]}))
    merged = merge(writes_of(ops), COLLECTIONS["issues"].rules)
    assert sorted(merged.doc["tags"]) == ["1499", "x"]
    assert merged.doc["description"] == "第1499次"


@pytest.mark.long
def test_fourteen_pushes_of_long_texts_make_no_heavier_record_than_one(phone_of, session, settle, monkeypatch):
    monkeypatch.setattr(conflicts, "MOST_OPS", 60)
    phone, record = phone_of("west"), uuid.uuid4()
    for push in range(4):
        texts = [f"{push}-{n}" + "长" * 3990 for n in range(20)]
        tags = [[f"{push}-{n}-{k}" for k in range(20)] for n in range(20)]
        phone.push(
            *[phone.issue(id=record, description=each, tags=some) for each, some in zip(texts, tags, strict=True)]
        )
    settle()
    doc = session.scalar(text("SELECT doc FROM issue"))
    assert not judge("issues", "put", doc)
    (crowded,) = session.scalars(text("SELECT count(*) FROM operation WHERE problem ->> 'type' LIKE '%record-crowded'"))
    assert crowded == 20
    rev = session.scalar(text("SELECT rev FROM issue"))
    phone.pull()
    (result,) = phone.push(phone.patch("issues", str(record), {"rev": rev}, description="短", tags=["新"]))
    assert result["status"] == "applied"


@pytest.mark.parametrize("name", WRITTEN)
def test_every_field_that_can_grow_by_merging_has_a_limit(name):
    for field, rule in COLLECTIONS[name].rules.items():
        if rule.policy in (Policy.APPEND, Policy.UNION):
            assert rule.limit, field
