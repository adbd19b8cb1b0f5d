"""Who hears of steps: for each step that a body's system is told of, the bodies that have the case. No writing.

Owns that a body is told of whatever others do with its case; what it did itself, it knows. Of who gets a case and who
loses it decisions tell (``server.cases.routing.notices``).
"""

from collections.abc import Iterable, Iterator

from server.cases.case_event import CaseEvent
from server.cases.history.replay import Story, follow
from server.cases.life.persons import CaseNow
from server.cases.life.transitions import event_of, of_bodies
from server.cases.routing.notices import ToldStep


def of_steps(before: CaseNow, fresh: Iterable[CaseEvent]) -> Iterator[ToldStep]:
    """Yield what bodies are told of steps; ``before``: the case as it was before them."""
    story = before.story
    for event in fresh:
        story = follow(story, event)
        if event_of(event.step):
            bodies = sorted(_concerned(story) - _knowing(event))
            yield from (ToldStep(before.id, event.id, body) for body in bodies)


def _concerned(story: Story) -> frozenset[int]:
    """Return the bodies that have a case after a step; those that lose it by one hear that they do."""
    return frozenset() if story.body_id is None else frozenset({story.body_id, *story.assisting})


def _knowing(event: CaseEvent) -> frozenset[int]:
    by_itself = event.source == "callback" or of_bodies(event.step)
    return frozenset({event.body_id} if by_itself and event.body_id is not None else ())
