"""The words that the table of steps is written in: who, fields, choices, stages, transitions. Pure.

Owns their shape and what people call them in Chinese and English. Must not know any particular step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Words:
    """A text for people in both languages."""

    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        """Return the text as it is sent."""
        return {"zh": self.zh, "en": self.en}


class Who(Enum):
    """Who may take a step, by role and area, by body, by a task, or by what they did before."""

    COMMUNITY = Words("社区（该区域的督办员、派遣员）", "the community: supervisor or dispatcher of the area")
    DISPATCHER = Words("派遣员、值班长（该区域）", "dispatcher or duty chief of the area")
    CHIEF = Words("值班长（该区域的督办员）", "the duty chief: supervisor of the area")
    STREET = Words("街道（社区以上区域的督办员、派遣员）", "the street: supervisor or dispatcher above the community")
    LEAD = Words("主办单位的处置员", "a handler of the body that leads")
    ASSISTANT = Words("协办单位的处置员", "a handler of a body that assists")
    FIELD = Words("上报人或该网格的工作人员", "who reported it, or a worker of its grid")
    VERIFIER = Words("受派核实的人员", "who was given the verification")
    CHECKER = Words("受派核查的人员", "who was given the check")
    REPORTER = Words("上报人", "who reported it")
    SYSTEM = Words("规则", "a rule")


class Stage(Enum):
    """A stretch of a case that has a clock of its own."""

    REPORTING = Words("上报", "reporting")
    ACCEPTANCE = Words("受理", "acceptance")
    VERIFICATION = Words("核实", "verification")
    FILING = Words("立案", "filing")
    DISPATCH = Words("派遣", "dispatch")
    RECEIPT = Words("签收", "receipt")
    HANDLING = Words("处置", "handling")
    CHECK = Words("核查", "check")
    CLOSING = Words("结案", "closing")


@dataclass(frozen=True, slots=True)
class Clocks:
    """What a step does to the clocks of a case, by stage."""

    starts: tuple[Stage, ...] = ()
    stops: tuple[Stage, ...] = ()
    pauses: tuple[Stage, ...] = ()
    resumes: tuple[Stage, ...] = ()


PHOTOS = "photos"
BEFORE = "*"
"""Stands for the state that the case was in before it was merged or suspended."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step from some states to another.

    ``to``: None where the state stays, ``BEFORE`` where it goes back. ``needs``: fields that must be given; ``may``:
    others that can be. ``photos_for``: the photo rules of categories under which photos must be given too. ``when``:
    holds only where a field has one of these values. ``guards``: names of what must be so besides
    (``server.cases.life.guards``). ``seen``: the state that its taker saw must be named, and still be so.
    """

    step: str
    froms: tuple[str, ...]
    to: str | None
    who: tuple[Who, ...]
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ("note",)
    photos_for: tuple[str, ...] = ()
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    guards: tuple[str, ...] = ()
    clocks: Clocks = Clocks()
    seen: bool = False

    @property
    def fields(self) -> frozenset[str]:
        """All fields that may be given."""
        return frozenset({*self.needs, *self.may})

    def needed(self, photo_rule: str) -> tuple[str, ...]:
        """Return the fields that must be given for a case whose category has this photo rule."""
        asks = photo_rule in self.photos_for and PHOTOS not in self.needs
        return (*self.needs, PHOTOS) if asks else self.needs


@dataclass(frozen=True, slots=True)
class Step:
    """A step by its names, with the choices of its fields (value -> words).

    ``event``: what the systems of bodies hear it called; empty where a body has nothing to do with it.
    """

    name: str
    words: Words
    choices: Mapping[str, Mapping[str, Words]] = field(default_factory=dict)
    event: str = ""

    def choices_json(self) -> dict[str, list[dict[str, Any]]]:
        """Return the choices as they are sent."""
        return {
            name: [{"value": value, **words.as_json()} for value, words in values.items()]
            for name, values in self.choices.items()
        }
