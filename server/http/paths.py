"""Whole numbers in paths, as PostgreSQL counts rows: what is beyond is no row of ours, and so it is not found."""

from werkzeug.routing import IntegerConverter, Map

MOST = 2**31 - 1
MOST_OF_MANY = 2**63 - 1
"""The most that the id of an operation or a conflict can be: ``<int(max=MOST_OF_MANY):id>``."""


class RowNumber(IntegerConverter):
    """``<int:id>``: up to 2**31 - 1, unless the route says otherwise."""

    def __init__(self, map: Map, max: int = MOST) -> None:  # noqa: A002  # werkzeug's own names
        super().__init__(map, max=max)
