"""What a profile says: levels, counts, names, posts, bodies and visits of one city. Read from JSON, which is all of it.

Owns the shape of the files in ``server/demo/profiles`` and scaling a city down for tests. Must not know how anything is
laid out. A field that is not one is an error, not a silence.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from geo.editions.publish import NewKind

FOLDER: Final = Path(__file__).parent.parent / "profiles"
DATA: Final = Path(__file__).parent.parent / "data"
STREET: Final = "street"
STREET_DIGITS: Final = 3


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kind of area; ``rank`` as in `geo.editions.tables.AreaKind`."""

    code: str
    zh: str
    en: str
    rank: int
    locating: bool = False


class Root(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole city, where it is more than one county."""

    kind: str
    code: str
    name: str


class County(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One outline of the file: how many live there beside the others, where its town is, its streets (may be none)."""

    code: str
    name: str
    weight: float
    seat: tuple[float, float]
    radius_km: float
    streets: tuple[str, ...]


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A level that tiles the one above. ``digits`` of its code, ``total`` in the city, ``most`` in one parent.

    ``name``: of {parent}, {community}; {n} counts within the community, {k} and {k_zh} within the parent. None: chance
    names them.
    """

    kind: str
    digits: int
    total: int
    most: int = 999
    name: str | None = None


class Buildings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Houses as areas, below the lowest level; they do not tile it. ``most``: in one area."""

    kind: str
    digits: int
    most: int


class Households(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many live in each area of a kind; one in ``drawn_of`` is drawn, ``doors`` to a building."""

    of: str
    least: int = msgspec.field(name="from")
    most: int = msgspec.field(name="to")
    drawn_of: int
    doors: int


class Visit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The norm for a tier: every so many days; ``due``: what part of it is due when the city is laid out."""

    days: int
    due: float


class Post(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part that people have in the areas of a kind. ``total`` people spread over them; None: one in each."""

    role: str
    place: str
    total: int | None = None
    note: str = ""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Organisations. ``place``: the kind of area that they sit in (None: the whole city); ``serves``: below it."""

    code: str
    kind: str
    name: str
    en: str
    place: str | None = None
    total: int | None = None
    serves: str | None = None
    pool: str | None = None
    note: str = ""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One city. ``cells``: the least number of small cells that its ground is made of."""

    name: str
    title: str
    title_en: str
    judged_by: str
    seed: int
    outline: str
    root: Root | None
    kinds: tuple[Kind, ...]
    counties: tuple[County, ...]
    levels: tuple[Level, ...]
    buildings: Buildings | None
    households: Households
    visits: dict[str, Visit]
    posts: tuple[Post, ...]
    bodies: tuple[Body, ...]
    handlers: tuple[str, ...]
    staff: tuple[str, ...]
    cells: int = 60_000

    @property
    def outline_file(self) -> Path:
        """Return where the outlines of the counties are."""
        return DATA / self.outline

    @property
    def root_code(self) -> str:
        """Return the code of the area that is the whole city."""
        return self.counties[0].code if self.root is None else self.root.code

    def new_kinds(self) -> list[NewKind]:
        """Return the kinds as publishing takes them."""
        return [NewKind(kind.code, kind.zh, kind.en, kind.rank, is_locating=kind.locating) for kind in self.kinds]

    def scaled(self, factor: float) -> "Profile":
        """Return the same city with fewer of everything, but at least one, and no fewer than of the level above."""
        if factor == 1.0:
            return self
        counties = [msgspec.structs.replace(each, streets=_some(each.streets, factor)) for each in self.counties]
        levels, least = [], sum(max(1, len(each.streets)) for each in counties)
        for level in self.levels:
            least = max(least, round(level.total * factor))
            levels.append(msgspec.structs.replace(level, total=least))
        return msgspec.structs.replace(
            self,
            counties=tuple(counties),
            levels=tuple(levels),
            cells=round(self.cells * factor),
            posts=tuple(msgspec.structs.replace(each, total=_scaled(each.total, factor)) for each in self.posts),
            bodies=tuple(msgspec.structs.replace(each, total=_scaled(each.total, factor)) for each in self.bodies),
        )


def _some(names: Sequence[str], factor: float) -> tuple[str, ...]:
    return tuple(names[: round(len(names) * factor) or min(1, len(names))])


def _scaled(total: int | None, factor: float) -> int | None:
    return None if total is None else max(1, round(total * factor))


def names() -> list[str]:
    """Return the names of all profiles there are."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read(name: str) -> Profile:
    """Return the profile of this name. Raises FileNotFoundError, and msgspec.ValidationError naming the field."""
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Profile)
