"""The errors of the places layer.

Owns what can be wrong with a place, as data: a stable `code` and plain attributes. Must not know HTTP statuses or
the words that people read; `server.http.problems` gives each class its status and its texts.

    GeoError
    ├── InvalidCoordinate      a number that is not a place on earth
    ├── UnknownDatum           a datum that is not spoken here
    ├── InvalidShape           GeoJSON or a geometry that is not the shape asked for
    ├── InvalidCoverage        polygons that cannot be taken as one coverage
    ├── UnknownCrs             a reference system that cannot be read
    ├── CrsNeedsParameters     Xian 80 and Beijing 54: their shift to WGS-84 is not public
    ├── CrsContradicted        the coordinates cannot be of the reference system that the file names
    ├── UnsupportedFile        a file that is not a boundary file, is damaged, or is too large
    │   └── UnknownField       a field that the file does not have
    ├── InvalidName            a text that cannot be an area's name
    ├── PublicationRefused     areas that cannot be part of an edition
    ├── BaseSuperseded         what was drawn over an edition that is in force no more
    ├── SetTimeRefused         a time at which nothing can be published
    ├── PlanBroken             a plan that cannot be read, or that publishing broke on
    ├── PlannerNotInCharge     a plan whose planner may not redraw that ground any more
    ├── UnknownEdition         a number that no edition has
    ├── NoSuchArea             a code that no area ever had
    ├── NoSuchPlan             a planned edition that is not there, or waits no more
    ├── InvalidQuestion        a parameter of a question about features that cannot be understood
    ├── BrokenCoverage         areas that would overlap or gape in an edition
    └── RedrawRefused          a redraw that cannot be done (``geo.redraw.errors``)
"""

from typing import ClassVar

_MOST_CLASHES = 200


class GeoError(Exception):
    """Base of the places layer's errors. Attributes are set once, by the constructor."""

    code: ClassVar[str] = "geo-error"

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("__") and name in self.__dict__:
            raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")
        super().__setattr__(name, value)

    @property
    def data(self) -> dict[str, object]:
        """What the error carries, by name, without what was left unsaid (None)."""
        hidden = "__"
        return {name: value for name, value in vars(self).items() if value is not None and not name.startswith(hidden)}


class InvalidCoordinate(GeoError):
    """A coordinate that is no place on earth.

    `reason`: "not-a-number", "not-finite", "out-of-range", "swapped" (lat, lon order). `index` counts from 0 where
    the coordinate stood in a sequence.
    """

    code = "invalid-coordinate"

    def __init__(self, field: str, value: object, reason: str, index: int | None = None) -> None:
        super().__init__(f"{field}: {value!r} {reason}" + ("" if index is None else f" at {index}"))
        self.field = field
        self.value = value
        self.reason = reason
        self.index = index


class UnknownDatum(GeoError):
    """A datum other than wgs84, cgcs2000, gcj02, bd09."""

    code = "unknown-datum"

    def __init__(self, datum: object, known: tuple[str, ...]) -> None:
        super().__init__(f"{datum!r} is none of {', '.join(known)}")
        self.datum = datum
        self.known = known


class InvalidShape(GeoError):
    """A geometry that is not the shape asked for; `lon`, `lat` say where on the ground, where that is known.

    `reason`: "not-an-object", "wrong-type", "no-coordinates", "not-a-position", "empty", "too-few-points",
    "unclosed-ring", "self-crossing", "hole-outside", "nested-holes", "disconnected", "nested-parts", "duplicate-rings",
    "zero-area", "too-many-points", "round-the-world", "tangled" (crossings without end), "invalid". `feature` counts
    from 0 in a collection; `path` says where in the GeoJSON, as in "coordinates[0][3]".
    """

    code = "invalid-shape"

    def __init__(
        self,
        reason: str,
        lon: float | None = None,
        lat: float | None = None,
        *,
        feature: int | None = None,
        path: str | None = None,
    ) -> None:
        place = "" if lon is None else f" at {lon}, {lat}"
        super().__init__(reason + place + (f" ({path})" if path else ""))
        self.reason = reason
        self.lon = lon
        self.lat = lat
        self.feature = feature
        self.path = path


class InvalidCoverage(GeoError):
    """Polygons that cannot be worked on as one coverage. `index` is the first polygon at fault."""

    code = "invalid-coverage"

    def __init__(self, reason: str, index: int | None = None) -> None:
        super().__init__(reason + ("" if index is None else f" at polygon {index}"))
        self.reason = reason
        self.index = index


class UnknownCrs(GeoError):
    """A reference system that cannot be read. `crs` is None where the file names none and none can be told."""

    code = "unknown-crs"

    def __init__(self, crs: str | None, reason: str = "unknown") -> None:
        super().__init__(f"{crs}: {reason}")
        self.crs = crs
        self.reason = reason


class CrsNeedsParameters(GeoError):
    """Xian 80 or Beijing 54 without transformation parameters.

    Their shift to WGS-84 differs from place to place by tens of metres and is not public, so a guess would put
    households into the wrong grid. A definition that carries its parameters (+towgs84) is taken.
    """

    code = "crs-needs-parameters"

    def __init__(self, crs: str, datum: str) -> None:
        super().__init__(f"{crs} ({datum}) needs its parameters")
        self.crs = crs
        self.datum = datum


class CrsContradicted(GeoError):
    """The coordinates cannot be of the reference system named. `suggestion` is one that they can be of."""

    code = "crs-contradicted"

    def __init__(self, crs: str, x: float, y: float, suggestion: str | None = None) -> None:
        super().__init__(f"{x}, {y} cannot be of {crs}" + (f"; of {suggestion} perhaps" if suggestion else ""))
        self.crs = crs
        self.x = x
        self.y = y
        self.suggestion = suggestion


class UnsupportedFile(GeoError):
    """A file that cannot be read as boundaries.

    `reason`: "missing", "unknown-format", "damaged", "too-large", "too-many-features", "too-many-points", "empty",
    "no-layer", "several-layers", "missing-part", "no-polygons", "encrypted", "unsafe-path", "too-many-members",
    "bomb", "layer-is-a-view", "too-many-overlaps", "nested-too-deep", "row-too-long", "too-many-columns"; of the
    process that read it: "out-of-time", "out-of-memory", "too-much-output", "unreadable". `detail` names the file, the
    member, the layer or the limit.
    """

    code = "unsupported-file"

    def __init__(self, reason: str, detail: str | None = None) -> None:
        super().__init__(reason + (f": {detail}" if detail else ""))
        self.reason = reason
        self.detail = detail


class UnknownField(UnsupportedFile):
    """A field asked for that the file does not have."""

    code = "unknown-field"

    def __init__(self, field: str, available: tuple[str, ...]) -> None:
        super().__init__("unknown-field", field)
        self.field = field
        self.available = available


class InvalidName(GeoError):
    """A text that cannot be an area's name. `reason`: as of `geo.editions.names`; `area`: the code of the area."""

    code = "area-name-invalid"

    def __init__(self, reason: str, area: str | None) -> None:
        super().__init__(f"{area or 'area'}: {reason}")
        self.field = "name"
        self.reason = reason
        self.area = area


class PublicationRefused(GeoError):
    """An area that cannot be part of the next edition.

    `reason`: "repeated-code", "unknown-kind", "other-kind" (an area keeps its kind), "unknown-parent",
    "parent-not-above", "before-the-last" (the last edition begins later), "not-in-force" (it cannot be retired),
    "has-children" (areas that stay would be left below one that is retired), "no-parent" (there are areas of higher
    kinds, and it is under none), "nothing-left" (no area would be in force). `area` is its code; `detail` names the
    kind, the parent or the time concerned. `clashes`: where there are several, the first of them (each reason, area and
    detail), and in `count` how many there are.
    """

    code = "publication-refused"

    def __init__(
        self,
        reason: str,
        area: str | None,
        detail: str | None = None,
        clashes: tuple[tuple[str, str, str | None], ...] = (),
    ) -> None:
        super().__init__(f"{area or 'edition'}: {reason}" + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.area = area
        self.detail = detail
        several = len(clashes) > 1
        self.count = len(clashes) if several else None
        self.clashes = [list(clash) for clash in clashes[:_MOST_CLASHES]] if several else None


class BaseSuperseded(GeoError):
    """What was drawn over edition `base` cannot be published: `in_force` came since (None: there is no edition)."""

    code = "base-superseded"

    def __init__(self, base: int, in_force: int | None) -> None:
        super().__init__(f"drawn over edition {base}, but {in_force} is in force")
        self.base = base
        self.in_force = in_force


class SetTimeRefused(GeoError):
    """A set time (RFC 3339) that cannot be kept. `reason`: "in-the-past", "too-far"."""

    code = "set-time-refused"

    def __init__(self, at: str, reason: str) -> None:
        super().__init__(f"{at}: {reason}")
        self.field = "at"
        self.at = at
        self.reason = reason


class PlanBroken(GeoError):
    """A planned edition that cannot be read, or on which publishing broke. `why`: what failed, for staff."""

    code = "plan-broken"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class PlannerNotInCharge(GeoError):
    """Who planned an edition (`by`, a login) may not redraw `area` today (a code; None: ground of nobody)."""

    code = "planner-not-in-charge"

    def __init__(self, by: str, area: str | None) -> None:
        super().__init__(f"{by} is not in charge of {area}")
        self.by = by
        self.area = area


class UnknownEdition(GeoError):
    """A number that no edition has; 0 where there is no edition at all."""

    code = "unknown-edition"

    def __init__(self, number: int) -> None:
        super().__init__(f"no edition {number}")
        self.number = number


class NoSuchArea(GeoError):
    """A code that no area has, in any edition."""

    code = "no-such-area"

    def __init__(self, area: str) -> None:
        super().__init__(area)
        self.area = area


class NoSuchPlan(GeoError):
    """A planned edition that is not there, or that was published, refused or withdrawn."""

    code = "no-such-plan"

    def __init__(self, plan: int) -> None:
        super().__init__(f"no plan {plan} that waits")
        self.plan = plan


class BrokenCoverage(GeoError):
    """Areas of the locating kind that would not be a coverage.

    `faults` are {"code", "areas", "lon", "lat", "area_m2", "width_m"}, as `geo.coverage.coverage` finds them.
    """

    code = "broken-coverage"

    def __init__(self, faults: tuple[dict[str, object], ...]) -> None:
        first = faults[0]
        super().__init__(f"{len(faults)} faults, the first: {first['code']} at {first['lon']}, {first['lat']}")
        self.faults = faults


class InvalidQuestion(GeoError):
    """A question about features whose parameter `field` cannot be understood; `reason` says why, or what is taken."""

    code = "invalid-question"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
