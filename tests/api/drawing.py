"""Drafts drawn by the API, for the tests of them."""

import pytest
from sqlalchemy import text

from tests.api.staff import Desk
from tests.cases.city import WEST
from tests.emptying import empty

COUNTY, COMMUNITY = "360725", "360725100001"


THIRD, FOURTH = "360725100001003", "360725100001004"


def line(*points):
    return {"type": "LineString", "coordinates": [list(point) for point in points]}


def split(code=WEST, at=114.304, right=THIRD, left=None):
    pieces = {"left": {"code": left or code}, "right": {"code": right, "name": "新网格"}}
    return {"kind": "split", "code": code, "line": line((at, 25.67), (at, 25.70)), **pieces}


class Drawing:
    """A draft as somebody of the GIS staff works on it, always over the version that was seen last."""

    def __init__(self, desk, name="改划"):
        self.desk = desk
        made = desk.post("/v1/drafts", {"name": name})
        assert made.status_code == 201, made.text
        self.path, self.tag = made.headers["Location"], made.headers["ETag"]

    def send(self, action, sent=None, *, tag="seen", verb="post"):
        headers = {"X-CSRF-Token": self.desk.csrf}
        if tag is not None:
            headers["If-Match"] = self.tag if tag == "seen" else tag
        answer = getattr(self.desk.client, verb)(f"{self.path}{action}", json=sent or {}, headers=headers)
        if answer.status_code < 300 and "ETag" in answer.headers:
            self.tag = answer.headers["ETag"]
        return answer

    def do(self, operation, **options):
        return self.send("/operations", operation, **options)

    def get(self, part="", **query):
        answer = self.desk.get(self.path + part, **query)
        assert answer.status_code == 200, answer.text
        return answer.json

    def areas(self, **query):
        return {each["id"]: each["properties"] for each in self.get("/areas", **query)["features"]}


@pytest.fixture
def desk(app, redrawn):
    yield Desk.of(app, redrawn, "gis", COUNTY)
    redrawn.rollback()
    empty(redrawn, "draft_operation, draft")
    redrawn.commit()


def standing(session):
    """The grids in force, with their bounds."""
    session.rollback()
    return {
        row.code: tuple(round(edge, 8) for edge in (row.west, row.east))
        for row in session.execute(
            text("""
                SELECT code, ST_XMin(polygon) AS west, ST_XMax(polygon) AS east
                FROM area JOIN area_version ON area_id = area.id WHERE kind = 'grid' AND upper_inf(editions)
            """)
        )
    }


def lineage(session):
    rows = session.execute(
        text("""
            SELECT came.code, went.code, how FROM area_lineage
            JOIN area AS came ON came.id = from_area_id JOIN area AS went ON went.id = to_area_id
        """)
    )
    return {tuple(row) for row in rows}
