"""Boundary files for imports, and somebody of the GIS staff who sends them and lets the job run."""

import datetime as dt
import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.editions.ground import NEWEST
from server.accounts.service import add_person
from server.attachments.store import open_store
from server.database.ground_cache import ground_at
from server.grids.imports.job import Importer
from tests.api.staff import Desk
from tests.emptying import empty

PATH = "/v1/boundaries/imports"
_desks = {}


def geojson(*areas, crs=None, **more):
    """A file of (code, name, polygon)."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": name, **more},
            "geometry": polygon if isinstance(polygon, dict) or polygon is None else shapely.geometry.mapping(polygon),
        }
        for code, name, polygon in areas
    ]
    named = {"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}
    return json.dumps({"type": "FeatureCollection", **named, "features": features}).encode()


@dataclass
class Sender:
    """A desk that sends boundary files, and the job beside it."""

    desk: Desk
    importer: Importer

    @classmethod
    def of(cls, app, session, files_url, role="gis", place="360725"):
        """One who signs in once for all tests; the assignment is made anew, as tests take it away."""
        key = (app, role, place)
        if key not in _desks:
            _desks[key] = Desk.of(app, session, role, place)
        else:
            add_person(session, _desks[key].login, role=role, place=place, password=None, now=dt.datetime.now(dt.UTC))
            session.commit()
        return cls(_desks[key], importer_of(session.get_bind(), files_url))

    def send(self, content, *, kind="grid", headers=None, **query):
        asked = {"kind": kind, "name": "网格.gpkg", **query}
        return self.desk.client.post(
            PATH, query_string=asked, data=content, headers={"X-CSRF-Token": self.desk.csrf, **(headers or {})}
        )

    def look(self, content, **query):
        """Send a file, let the job run, and return what is told of the import then."""
        answer = self.send(content, **query)
        assert answer.status_code == 202, answer.text
        return self.ended(answer.json["id"])

    def bring(self, content, **query):
        """The same, not only to be looked at."""
        return self.look(content, dry_run="false", **query)

    def ended(self, import_id):
        ended = self.importer.import_next()
        assert ended is not None
        assert str(ended.id) == import_id
        return self.told(import_id)

    def told(self, import_id):
        answer = self.desk.get(f"{PATH}/{import_id}")
        assert answer.status_code == 200, answer.text
        return answer.json


def importer_of(engine, files_url):
    """What the imports job has of its process."""

    @contextmanager
    def opened():
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    return Importer(
        opened, open_store(files_url), lambda: dt.datetime.now(dt.UTC), lambda session: ground_at(session)(NEWEST)
    )


def standing(session, kind="grid"):
    """Code -> name, parent and bytes of the polygon, of the areas in force."""
    session.rollback()
    rows = session.execute(
        text("""
            SELECT area.code, version.name, upper.code AS parent, ST_AsBinary(version.polygon) AS shape
            FROM area JOIN area_version AS version ON version.area_id = area.id AND upper_inf(version.editions)
            LEFT JOIN area AS upper ON upper.id = version.parent_id
            WHERE area.kind = :kind ORDER BY area.code
        """),
        {"kind": kind},
    )
    return {row.code: (row.name, row.parent, bytes(row.shape)) for row in rows}


def edition(session):
    session.rollback()
    return session.scalar(text("SELECT max(number) FROM edition"))


def clear(session):
    session.rollback()
    empty(session, "boundary_import, draft_operation, draft")
    session.commit()


def no_such():
    return f"{PATH}/{uuid.uuid4()}"
