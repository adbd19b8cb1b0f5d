"""A request of the walk over all routes, and the words for who is let through."""

from dataclasses import dataclass, field

from tests.api.walk_city import RULING


@dataclass
class Ask:
    """One request. ``who``: whether a caller is let through. ``programs``: an application password will do.

    ``shows``: names of planted words that whoever may read them finds in the answer.
    """

    path: str
    who: object
    sent: object = None
    query: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    programs: bool = False
    shows: tuple = ()

    def lets(self, caller):
        return self.who is anybody or ((self.programs or caller.kind != "program") and bool(self.who(caller)))


def anybody(_caller):
    return True


def nobody(_caller):
    return False


def staff(caller):
    return caller.is_staff


def phone(caller):
    return caller.is_phone


def any_phone(caller):
    return caller.kind == "phone"


def role(*roles):
    return lambda caller: caller.somewhere(*roles)


def over(area, *roles):
    return lambda caller: caller.over(area, *roles)


ruling = role(*RULING)


NONE = "00000000-0000-4000-8000-000000000000"


def seen(kind, area):
    """Who sees that there is an issue, masked or whole: any role over its area, and the bodies that handle it."""
    bodies = ("chengguan",) if kind == "issue" else ("sifa", "chengguan")
    return lambda caller: caller.over(area) or caller.body in bodies
