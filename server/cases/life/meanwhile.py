"""Whether what happened to a case has made a step of it illegal, or whether it never was legal. Pure.

Owns this distinction: the first is overtaken, and is told what happened; the second is told what speaks against it.
Must not know the database, nor who may take a step.
"""

from collections.abc import Sequence
from dataclasses import replace

from server.cases.case_event import CaseEvent
from server.cases.history.replay import EMPTY, follow, replay
from server.cases.life.guards import Asked
from server.cases.life.judging import allowed
from server.cases.life.persons import CaseNow


def was_legal(
    step: str, case: CaseNow, events: Sequence[CaseEvent], asked: Asked, report_of_other: CaseEvent | None
) -> bool:
    """Return whether a step, illegal now, was allowed by the case as it stood after some of its events.

    ``asked.at`` stays when the step was done: a guard of the hour fails at every point, and nothing overtook it. The
    case that the step names is taken as it was reported (``report_of_other``: its first event), since its end is a
    thing that happened, too.
    """
    other = asked.other
    if other is not None and report_of_other is not None:
        other = replace(other, story=replay([report_of_other]))
    then = replace(asked, other=other)
    story = EMPTY
    for event in events:
        story = follow(story, event)
        if allowed(step, replace(case, story=story), then):
            return True
    return False
