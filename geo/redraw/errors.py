"""Why a redraw cannot be done, as data.

RedrawRefused
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

from geo.errors import GeoError


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
