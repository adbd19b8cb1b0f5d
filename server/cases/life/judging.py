"""Whether a step may be taken now, by whom, and what is possible instead. Pure.

Owns the reading of the table; must not know the database. A step is judged in this order: is there such a step, does
the state allow it, may this person, are its fields there, and do its guards hold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.cases.life.declared import BEFORE, Transition, Who, Words
from server.cases.life.guards import GUARDS, OF_WHAT_IS_GIVEN, Asked
from server.cases.life.persons import Actor, CaseNow, may
from server.cases.life.transitions import STEPS, TRANSITIONS, of_step


@dataclass(frozen=True, slots=True)
class Possible:
    """A step that the state of a case allows, and who may take it."""

    step: str
    rows: tuple[Transition, ...]

    @property
    def who(self) -> tuple[Who, ...]:
        """Everybody who may take it, in the order of the table."""
        return tuple(dict.fromkeys(who for row in self.rows for who in row.who))


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that may be taken, and the state after it."""

    row: Transition
    state: str


@dataclass(frozen=True, slots=True)
class Untaken:
    """A step that may not be taken.

    ``why``: unknown-step, state, stale, guard, who; or of a field: missing, photo-rule (the category wants
    photos of it), not-taken, choice. ``guard``: the one that
    does not hold; ``field``: the one at fault; ``who``: those who may.
    """

    why: str
    guard: str | None = None
    field: str | None = None
    who: tuple[Who, ...] = ()

    @property
    def words(self) -> Words | None:
        """What the guard says."""
        return None if self.guard is None else GUARDS[self.guard][1]


def judge(step: str, case: CaseNow, asked: Asked, seen: str | None) -> Taken | Untaken:
    """Return the step as it may be taken, or why it may not. ``seen``: the state that its taker saw, None: not said."""
    rows = of_step(step)
    if not rows:
        return Untaken("unknown-step", field="step")
    if seen is not None and seen != case.story.state:
        return Untaken("stale")
    here = [row for row in rows if case.story.state in row.froms and (seen is not None or not row.seen)]
    if not here:
        return Untaken("state")
    wrong = _wrong_choice(step, asked.given)
    fitting = [row for row in here if not wrong and _holds_for(row, asked.given)]
    if not fitting and not wrong and all(asked.given.get(name) for row in here for name in row.when):
        return Untaken("state")
    fitting = fitting or here
    row = next((each for each in fitting if _may_take(each, asked.actor, case)), None)
    if row is None:
        return Untaken("who", who=tuple(dict.fromkeys(who for each in fitting for who in each.who)))
    return _judge_row(row, case, asked, wrong)


def _judge_row(row: Transition, case: CaseNow, asked: Asked, wrong: str | None) -> Taken | Untaken:
    fault = _field_fault(row, case, asked, wrong)
    if fault is not None:
        return fault
    failing = next((name for name in row.guards if not GUARDS[name][0](case, asked)), None)
    if failing is not None:
        return Untaken("guard", guard=failing)
    return Taken(row, _after(row, case))


def _field_fault(row: Transition, case: CaseNow, asked: Asked, wrong: str | None) -> Untaken | None:
    """Return what is wrong with the fields of a step; ``wrong``: the one whose value is none of its choices."""
    given = asked.given
    empty = [name for name in row.needed(case.photo_rule_at(asked.at)) if given.get(name) in (None, "", [], {})]
    foreign = sorted(set(given) - row.fields)
    if missing := [name for name in empty if name in row.needs]:
        return Untaken("missing", field=missing[0])
    if wrong is not None:
        return Untaken("choice", field=wrong)
    if not _holds_for(row, given):
        return Untaken("state")
    if foreign:
        return Untaken("not-taken", field=foreign[0])
    return Untaken("photo-rule", field=empty[0]) if empty else None


def allowed(step: str, case: CaseNow, asked: Asked) -> bool:
    """Return whether a case, by its state and the guards, allows a step, whoever takes it."""
    return any(
        case.story.state in row.froms
        and _holds_for(row, asked.given)
        and all(GUARDS[name][0](case, asked) for name in row.guards)
        for row in of_step(step)
    )


def possible(case: CaseNow) -> tuple[Possible, ...]:
    """Return the steps that the state of a case allows to anybody but a rule."""
    return tuple(_possible(case, None))


def possible_for(case: CaseNow, actor: Actor, at: Any) -> tuple[Possible, ...]:
    """Return the steps that somebody may take on a case now, as far as that can be told before they are filled in."""
    return tuple(_possible(case, Asked(actor, at, {})))


def _possible(case: CaseNow, asked: Asked | None) -> Iterator[Possible]:
    for step in STEPS:
        rows = tuple(
            row
            for row in TRANSITIONS
            if row.step == step
            and case.story.state in row.froms
            and (set(row.who) - {Who.SYSTEM} if asked is None else _open_to(row, case, asked))
        )
        if rows:
            yield Possible(step, rows)


def _open_to(row: Transition, case: CaseNow, asked: Asked) -> bool:
    guards = (name for name in row.guards if name not in OF_WHAT_IS_GIVEN)
    return _may_take(row, asked.actor, case) and all(GUARDS[name][0](case, asked) for name in guards)


def _may_take(row: Transition, actor: Actor, case: CaseNow) -> bool:
    return any(may(who, actor, case) for who in row.who)


def _holds_for(row: Transition, given: Any) -> bool:
    return all(given.get(name) in values for name, values in row.when.items())


def _wrong_choice(step: str, given: Any) -> str | None:
    """Return the field whose value is none of its choices."""
    choices = STEPS[step].choices
    return next((name for name, values in choices.items() if name in given and given[name] not in values), None)


def _after(row: Transition, case: CaseNow) -> str:
    if row.to is None:
        return case.story.state
    return case.story.before if row.to == BEFORE else row.to
