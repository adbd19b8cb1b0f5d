"""One case while steps are taken on it: as it was, as it is by now, and what is still to be written. Pure."""

from dataclasses import dataclass, field, replace

from server.cases.case_event import CaseEvent
from server.cases.history.replay import follow
from server.cases.life.persons import CaseNow
from server.cases.life.reading import Opened


@dataclass(slots=True)
class Turn:
    """One case while the steps of this walk are taken on it."""

    opened: Opened
    case: CaseNow
    events: list[CaseEvent]
    fresh: list[CaseEvent] = field(default_factory=list)

    @classmethod
    def of(cls, opened: Opened) -> "Turn":
        """Begin with a case as it stands; a report that is not written down yet is the first thing to write."""
        fresh = [] if opened.report is None else [opened.report]
        return cls(opened, opened.case, list(opened.events), fresh)

    def add(self, event: CaseEvent) -> None:
        """Let the case follow an event."""
        self.events.append(event)
        self.fresh.append(event)
        self.case = replace(self.case, story=follow(self.case.story, event))
