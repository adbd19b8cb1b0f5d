"""The operations of drafts: what each needs, which areas it speaks of, and doing it.

Owns the way from the parameters that are kept (JSON) to the redraws of ``geo.redraw``. Must not know drafts.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from shapely import Polygon
from shapely.geometry import shape

from geo.editions.names import require_name
from geo.errors import InvalidShape
from geo.geometry.shapes import is_flat, line_of, polygon_of
from geo.redraw import (
    AreaShape,
    Layer,
    Piece,
    Redrawn,
    add,
    divide,
    lay_all,
    lay_alone,
    merge,
    reassign,
    rename,
    reshape,
    retire,
    split,
)
from geo.redraw.layer import Ground
from server.grids.below import with_areas_below
from server.grids.draft_ground import DraftGround
from server.grids.errors import OperationRefused

Parameters = Mapping[str, Any]
_FLAT: Final = frozenset({"self-crossing", "too-few-points", "invalid"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its kind, its parameters as they are kept, and what tells its row, if any, from all others."""

    kind: str
    parameters: Parameters
    row: tuple[int, dt.datetime] | None = None

    @property
    def areas(self) -> tuple[str, ...]:
        """The codes of the areas that it works on, which must be there."""
        return _WORKS_ON[self.kind](self.parameters)

    @property
    def leaves_ground(self) -> bool:
        """Whether ground that an area gives up by it waits for neighbours to be drawn there, and is not given up."""
        return self.kind == "replace" and bool(self.parameters.get("alone"))

    @property
    def under(self) -> tuple[str | None, ...]:
        """The parents under which it puts areas; None for one that is put under none."""
        if self.kind == "replace":
            return tuple(each["parent"] for each in self.parameters.get("areas") or () if "parent" in each)
        parent: str | None = self.parameters.get("parent")
        return () if parent is None and self.kind != "add" else (parent,)


@dataclass(frozen=True, eq=False)
class DraftStep:
    """What an operation came to."""

    operation: Operation
    city: DraftGround
    kind: str
    redrawn: Redrawn


def perform(city: DraftGround, operation: Operation) -> DraftStep:
    """Do one operation. Raises OperationRefused, and the errors of ``geo.redraw`` and ``geo.geometry.shapes``."""
    given = operation.parameters
    for name in NEEDS[operation.kind]:
        if given.get(name) in (None, "", []):
            raise OperationRefused(name, "required")
    if operation.kind == "replace" and not operation.areas:
        raise OperationRefused("areas", "required")
    kind = _kind(city, operation)
    redrawn = _DOES[operation.kind](city, kind, given)
    after = with_areas_below(city, city.with_sheet(kind, redrawn.sheet), kind, redrawn)
    return DraftStep(operation, after, kind, redrawn)


def require_names(operation: Operation) -> None:
    """Raise InvalidName for a name given by an operation that no area may have.

    Asked of what is new alone: what was drawn long ago is folded all the same, and refused when it is published.
    """
    given = operation.parameters
    several = (*(given.get("areas") or ()), *(given.get("parts") or ()))
    for each in (given, *(given.get(side) or {} for side in ("left", "right")), *several):
        if isinstance(each.get("name"), str):
            require_name(each["name"], each.get("code", given.get("into")))


def fold(city: DraftGround, operations: Sequence[Operation]) -> list[DraftStep]:
    """Do operations one after another; errors as ``perform``."""
    steps: list[DraftStep] = []
    for operation in operations:
        steps.append(perform(steps[-1].city if steps else city, operation))
    return steps


def _sheet(city: DraftGround, kind: str) -> Layer:
    return city.sheets[kind]


def _split(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    pieces = [Piece(given[side]["code"], given[side].get("name")) for side in ("left", "right")]
    city.require_free(*(piece.code for piece in pieces if piece.code != given["code"]))
    return split(_sheet(city, kind), given["code"], line_of(given["line"]), *pieces)


def _merge(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    if given["into"] not in given["codes"]:
        city.require_free(given["into"])
    city.require_parent(kind, given.get("parent"))
    return merge(_sheet(city, kind), given["codes"], given["into"], given.get("name"), given.get("parent"))


def _reshape(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    if len(given["codes"]) != 2:  # noqa: PLR2004 - a border has two sides
        raise OperationRefused("codes", "two-areas")
    one, other = given["codes"]
    return reshape(_sheet(city, kind), one, other, line_of(given["line"]))


def _rename(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    return rename(_sheet(city, kind), given["code"], given["name"])


def _reassign(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    city.require_parent(kind, given["parent"])
    return reassign(_sheet(city, kind), given["code"], given["parent"])


def _add(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    city.require_free(given["code"])
    city.require_parent(kind, given.get("parent"))
    lay = lay_alone if given.get("alone") else add
    return lay(
        _sheet(city, kind), given["code"], AreaShape(_polygon(given["polygon"]), given["name"], given.get("parent"))
    )


def _retire(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    return retire(_sheet(city, kind), given["code"])


def _replace(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    areas, gone = given.get("areas") or (), given.get("retired") or ()
    tracts = {each["code"]: _replacing(city, kind, each, number) for number, each in enumerate(areas)}
    if len({*tracts, *gone}) < len(areas) + len(gone):
        raise OperationRefused("areas", "repeated-code")
    if given.get("alone"):
        if len(tracts) != 1 or gone:
            raise OperationRefused("areas", "one-area")
        return lay_alone(_sheet(city, kind), *next(iter(tracts.items())))
    return lay_all(_sheet(city, kind), tracts, gone)


def _replacing(city: DraftGround, kind: str, each: Parameters, number: int) -> AreaShape:
    """An area as it is laid: what is not said of one that is there stays as it is; of a new one all must be said."""
    sheet = _sheet(city, kind)
    known = sheet.tracts.get(each["code"], AreaShape(Polygon()))
    if each["code"] not in sheet.tracts:
        city.require_free(each["code"])
        for name in ("name", "parent"):
            if name not in each:
                raise OperationRefused(name, "required")
    parent = each.get("parent", known.parent_code)
    city.require_parent(kind, parent)
    return AreaShape(_polygon(each["polygon"], number), each.get("name", known.name), parent)


def _polygon(value: Any, feature: int | None = None) -> Ground:
    """Read a polygon. A ring without any area is called that, and not one that runs over itself."""
    try:
        return polygon_of(value, feature=feature)
    except InvalidShape as error:
        if error.reason not in _FLAT or error.lon is None or not is_flat(shape(value)):
            raise
        raise InvalidShape("zero-area", error.lon, error.lat, feature=feature) from None


def _divide(city: DraftGround, kind: str, given: Parameters) -> Redrawn:
    parts = {
        each["code"]: AreaShape(_polygon(each["polygon"], number), each["name"], each["parent"])
        for number, each in enumerate(given["parts"])
    }
    city.require_free(*(code for code in parts if code not in given["codes"]))
    for tract in parts.values():
        city.require_parent(kind, tract.parent_code)
    return divide(_sheet(city, kind), given["codes"], parts)


def _kind(city: DraftGround, operation: Operation) -> str:
    """The kind of area that an operation works on."""
    if operation.kind in ("propose", "heal"):
        return city.locating
    return _kind_added(city, operation.parameters) if _may_add(operation) else city.kind_of(*operation.areas)


def _may_add(operation: Operation) -> bool:
    return operation.kind == "add" or (operation.kind == "replace" and bool(operation.parameters.get("area_kind")))


def _kind_added(city: DraftGround, given: Parameters) -> str:
    kind: str = given.get("area_kind") or city.locating
    if kind not in city.sheets:
        raise OperationRefused("area_kind", "unknown-kind")
    return kind


NEEDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "split": ("code", "line", "left", "right"),
        "merge": ("codes", "into"),
        "reshape": ("codes", "line"),
        "rename": ("code", "name"),
        "reassign": ("code", "parent"),
        "add": ("code", "name", "polygon"),
        "retire": ("code",),
        "replace": (),
        "propose": ("code", "parts"),
        "heal": ("parts",),
    }
)
_DOES: Final[Mapping[str, Callable[[DraftGround, str, Parameters], Redrawn]]] = MappingProxyType(
    {
        "split": _split,
        "merge": _merge,
        "reshape": _reshape,
        "rename": _rename,
        "reassign": _reassign,
        "add": _add,
        "retire": _retire,
        "replace": _replace,
        "propose": _divide,
        "heal": _divide,
    }
)


def _one(given: Parameters) -> tuple[str, ...]:
    return (given["code"],)


def _several(given: Parameters) -> tuple[str, ...]:
    return tuple(given["codes"])


_WORKS_ON: Final[Mapping[str, Callable[[Parameters], tuple[str, ...]]]] = MappingProxyType(
    {
        "split": _one,
        "merge": _several,
        "reshape": _several,
        "rename": _one,
        "reassign": _one,
        "add": lambda _: (),
        "retire": _one,
        "replace": lambda given: (*(each["code"] for each in given.get("areas") or ()), *(given.get("retired") or ())),
        "propose": lambda given: tuple(dict.fromkeys((given["code"], *given["codes"]))),
        "heal": _several,
    }
)
