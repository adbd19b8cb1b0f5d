"""The table of steps as a page of documentation (``docs/case.md``), generated. Pure; a test holds the two equal.

``python -m server.cases.life.document`` writes it.
"""

from pathlib import Path
from typing import Final

from server.cases.life.declared import BEFORE, Clocks, Transition, Words
from server.cases.life.guards import GUARDS
from server.cases.life.transitions import STATE_WORDS, STEPS, TRANSITIONS

PAGE: Final = Path(__file__).parents[3] / "docs" / "case.md"
_HEAD = """# 案件的一生 · The life of a case

Generated from `server/cases/life/transitions.py` (`python -m server.cases.life.document`); do not edit.
Also as JSON: `GET /v1/cases/transitions`. A step may be taken where the case stands in one of the states *from*, by one
of those named, with the fields it *needs*; its conditions must hold. Each step is an event that is never changed.

## 状态 · States
| state | 名称 | name |
|---|---|---|
"""
_STEPS_HEAD = """
## 步骤 · Steps
| 步骤 step | 自 from | 至 to | 由 who | 须填 needs | 可填 may | 条件 conditions | 时钟 clocks |
|---|---|---|---|---|---|---|---|
"""
_CHOICES_HEAD = """
## 选项 · Choices
| step | field | value | 名称 | name |
|---|---|---|---|---|
"""
_EVENTS_HEAD = """
## 推送事件 · Webhook events
Sent to the systems of bodies that have the case; a body is not told what it did itself. `issue.dispatched` says that a
body has a case now (or that its part, deadline or words are others), `issue.withdrawn` that it has it no longer. Each
of the others tells of one step: `step`, `step_id`, `state` after it, `at`, `deadline`, and `given`, of which a body
that assists with a private case gets no words. They may arrive out of order: go by `timestamp`.

| event | 步骤 | step |
|---|---|---|
"""
_GUARDS_HEAD = """
## 条件 · Conditions
| condition | 含义：不成立时 | what is said where it does not hold |
|---|---|---|
"""


def page() -> str:
    """Return the page."""
    states = "".join(f"| `{state}` | {words.zh} | {words.en} |\n" for state, words in STATE_WORDS.items())
    rows = "".join(_row(each) for each in TRANSITIONS)
    choices = "".join(
        f"| {step.words.zh} `{step.name}` | `{name}` | `{value}` | {words.zh} | {words.en} |\n"
        for step in STEPS.values()
        for name, values in step.choices.items()
        for value, words in values.items()
    )
    events = "".join(
        f"| `issue.{step.event}` | {step.words.zh} | {step.words.en} `{step.name}` |\n"
        for step in STEPS.values()
        if step.event
    )
    guards = "".join(f"| `{name}` | {words.zh} | {words.en} |\n" for name, (_, words) in GUARDS.items())
    return _HEAD + states + _STEPS_HEAD + rows + _CHOICES_HEAD + choices + _GUARDS_HEAD + guards + _EVENTS_HEAD + events


def _row(each: Transition) -> str:
    words = STEPS[each.step].words
    when = "".join(f"，`{name}` = {_listed(values)}" for name, values in each.when.items())
    seen = ["须带所见状态 the state seen"] if each.seen else []
    cells = (
        f"{words.zh} {words.en} `{each.step}`{when}",
        _listed(each.froms) or "—",
        {None: "不变 stays", BEFORE: "原状态 as before"}.get(each.to, f"`{each.to}`"),
        "；".join(_both(who.value) for who in each.who),
        _listed(each.needs),
        "，".join(part for part in (_listed(each.may), _photos(each)) if part),
        ", ".join([*(f"`{name}`" for name in each.guards), *seen]),
        _clocks(each.clocks),
    )
    return f"| {' | '.join(cells)} |\n"


def _photos(each: Transition) -> str:
    rules = _listed(each.photos_for)
    return (
        f"类别照片要求为 {rules} 时须附 `photos` needed where the category's photo rule is one of these"
        if rules
        else ""
    )


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _both(words: Words) -> str:
    return f"{words.zh} {words.en}"


def _clocks(clocks: Clocks) -> str:
    told = (("止 stops", clocks.stops), ("停 pauses", clocks.pauses), ("续 resumes", clocks.resumes),
            ("起 starts", clocks.starts))  # fmt: skip
    return "；".join(f"{deed} {', '.join(stage.value.zh for stage in stages)}" for deed, stages in told if stages)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
