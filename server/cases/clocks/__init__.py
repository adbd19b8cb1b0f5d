"""The clocks of a case, as a pure function of its events, the terms and an edition of the calendar."""

from server.cases.clocks.counting import run as run
