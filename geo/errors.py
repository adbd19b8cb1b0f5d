"""The errors of the places layer.

Owns what can be wrong with a place, as data: a stable `code` and plain attributes. Must not know HTTP statuses or
the words that people read; `server.problems` gives each class its status and its texts.

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
    ├── PublicationRefused     areas that cannot be part of an edition
    ├── BaseSuperseded         what was drawn over an edition that is in force no more
    ├── SetTimeRefused         a time at which nothing can be published
    ├── UnknownEdition         a number that no edition has
    ├── NoSuchArea             a code that no area ever had
    ├── NoSuchPlan             a planned edition that is not there, or waits no more
    ├── InvalidQuestion        a parameter of a question about features that cannot be understood
    ├── BrokenCoverage         areas that would overlap or gape in an edition
    └── RedrawRefused          a redraw that cannot be done
        ├── UnknownTract           an area that is not there
        ├── CodeTaken              a code that another area has
        ├── CannotDivide           ground that cannot be divided as asked
        ├── LineDoesNotCross       a line that leaves the area in one piece
        ├── LineEndsInside         a line that ends before it reaches the border
        ├── LineCrossesTwice       a line that makes more than two pieces
        ├── LineAlongBorder        a line that runs on a border
        ├── LineCrossesItself      a line that meets itself
        ├── NotAdjacent            areas that share no border
        ├── FallsApart             an area that would be in more parts than before
        ├── AreaVanishes           an area of which nothing would be left
        ├── DrawnOverAnother       a polygon drawn over ground that another area holds
        └── GroundHeldTwice        a redraw beside ground that two areas hold
"""

from typing import ClassVar


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
    "zero-area", "too-many-points", "round-the-world", "invalid". `feature` counts from 0 in a collection; `path` says
    where in the GeoJSON, as in "coordinates[0][3]".
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
    "bomb". `detail` names the member, the layer or the limit.
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


class PublicationRefused(GeoError):
    """An area that cannot be part of the next edition.

    `reason`: "repeated-code", "unknown-kind", "other-kind" (an area keeps its kind), "unknown-parent",
    "parent-not-above", "before-the-last" (the last edition begins later), "not-in-force" (it cannot be retired),
    "has-children" (areas that stay would be left below one that is retired). `area` is its code; `detail` names the
    kind, the parent or the time concerned.
    """

    code = "publication-refused"

    def __init__(self, reason: str, area: str | None, detail: str | None = None) -> None:
        super().__init__(f"{area or 'edition'}: {reason}" + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.area = area
        self.detail = detail


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

    `faults` are {"code", "areas", "lon", "lat", "area_m2", "width_m"}, as `geo.coverage` finds them.
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


class RedrawRefused(GeoError):
    """A redraw that cannot be done. `area` is the code concerned; `lon`, `lat` say where on the ground."""

    code = "redraw-refused"

    def __init__(self, area: str | None, lon: float | None = None, lat: float | None = None) -> None:
        place = "" if lon is None else f" at {lon}, {lat}"
        super().__init__(f"{self.code}: {area or 'the line'}{place}")
        self.area = area
        self.lon = lon
        self.lat = lat


class UnknownTract(RedrawRefused):
    """An area that is not on the sheet."""

    code = "redraw-unknown-area"


class CodeTaken(RedrawRefused):
    """A code for something new that another area has."""

    code = "redraw-code-taken"


class CannotDivide(RedrawRefused):
    """Ground that cannot be divided as asked.

    `reason`: "in-parts" (it is several polygons; the place is in the smallest), "too-many" (so many areas cannot be
    made of it), "too-few" (neither a number of areas nor a range is asked for).
    """

    code = "cannot-divide"

    def __init__(self, reason: str, lon: float | None = None, lat: float | None = None) -> None:
        super().__init__(None, lon, lat)
        self.reason = reason


class LineDoesNotCross(RedrawRefused):
    """A line that leaves the area in one piece."""

    code = "line-does-not-cross"


class LineEndsInside(RedrawRefused):
    """A line that ends before it reaches the border; the place is that of the end."""

    code = "line-ends-inside"

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__(None, lon, lat)


class LineCrossesTwice(RedrawRefused):
    """A line that makes more than two pieces; the place is on its second way through."""

    code = "line-crosses-twice"


class LineAlongBorder(RedrawRefused):
    """A line that runs on a border, or so near to it that nothing is between; the place is there."""

    code = "line-along-border"

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__(None, lon, lat)


class LineCrossesItself(RedrawRefused):
    """A line that crosses or touches itself; the place is there."""

    code = "line-crosses-itself"

    def __init__(self, lon: float, lat: float) -> None:
        super().__init__(None, lon, lat)


class NotAdjacent(RedrawRefused):
    """An area that shares no border with the others; a common corner is none."""

    code = "areas-not-adjacent"


class FallsApart(RedrawRefused):
    """An area that would be in more parts than before; the place is in the part that comes off."""

    code = "area-falls-apart"


class AreaVanishes(RedrawRefused):
    """An area of which nothing would be left."""

    code = "area-vanishes"


class DrawnOverAnother(RedrawRefused):
    """A polygon drawn over ground that the area named holds; the place is on that ground."""

    code = "drawn-over-another"


class GroundHeldTwice(RedrawRefused):
    """A redraw beside ground that `area` holds and another area too: one of them has to give way first."""

    code = "ground-held-twice"
