"""Kept tiles are answered before the application is asked: with the same answer, and to nobody else."""

from contextlib import contextmanager

import pytest
from flask import request_started
from prometheus_client import REGISTRY

from tests.api.staff import Desk
from tests.api.test_tiles import drawn, tile_of
from tests.cases import city

__all__ = ["drawn"]

GZIP = {"Accept-Encoding": "gzip, deflate"}


@pytest.fixture
def desk(app, session):
    return Desk.of(app, session, "gis", "360725")


@pytest.fixture
def paths(session, drawn):
    z, x, y = tile_of(session, city.WEST)
    return {
        "maps": f"/v1/tiles/1/grid/{z}/{x}/{y}.mvt?epoch={drawn}",
        "ogc": f"/ogc/collections/areas-grid/tiles/WebMercatorQuad/{z}/{y}/{x}?edition=1&epoch={drawn}",
    }


@contextmanager
def asked(app):
    """Note the requests that the application is asked."""
    seen = []

    def note(_app, **_context):
        seen.append(1)

    with request_started.connected_to(note, app):
        yield seen


def told(answer):
    return answer.status_code, sorted(answer.headers.items()), answer.data


@pytest.mark.parametrize("edge", ["maps", "ogc"])
def test_the_door_answers_as_the_application_does(app, desk, paths, edge):
    path = paths[edge]
    first = desk.client.get(path, headers=GZIP)
    tag = first.headers["ETag"]
    with asked(app) as seen:
        unchanged = desk.client.get(path, headers={**GZIP, "If-None-Match": f'W/"other", {tag}'})
    assert seen == [1]
    with asked(app) as seen:
        assert told(desk.client.get(path, headers=GZIP)) == told(first)
        assert told(desk.client.get(path, headers={**GZIP, "If-None-Match": tag})) == told(unchanged)
    assert seen == []
    assert (first.status_code, unchanged.status_code) == (200, 304)


def test_the_door_opens_to_nobody_whom_the_application_would_not_let_in(app, desk, paths):
    secret = desk.post("/v1/session/passwords", {"name": "QGIS"}).json["secret"]
    stranger = app.test_client()
    for path in paths.values():
        assert desk.client.get(path, headers=GZIP).status_code == 200
        assert stranger.get(path, headers=GZIP).status_code == 401
        assert stranger.get(path, headers={**GZIP, "Cookie": "patrol_session=x"}).status_code == 401
        assert stranger.get(path, headers=GZIP, auth=(desk.login, f"{secret}x")).status_code == 401
    assert stranger.get(paths["ogc"], headers=GZIP, auth=(desk.login, secret)).status_code == 200
    with asked(app) as seen:
        assert stranger.get(paths["ogc"], headers=GZIP, auth=(desk.login, secret)).status_code == 200
    assert seen == []
    assert stranger.get(paths["maps"], headers=GZIP, auth=(desk.login, secret)).status_code == 401


def test_who_is_remembered_no_longer_is_asked_who_he_is(app, desk, paths):
    desk.client.get(paths["maps"], headers=GZIP)
    cookie = desk.client.get_cookie("patrol_session").value
    assert desk.client.delete("/v1/session", headers={"X-CSRF-Token": desk.csrf}).status_code == 204
    app.extensions["staff_cache"].forget(f"session {cookie}")
    desk.client.set_cookie("patrol_session", cookie)
    assert desk.client.get(paths["maps"], headers=GZIP).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{}, {"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "br"}, {**GZIP, "If-None-Match": '"other"'}],
)
def test_whatever_is_asked_in_another_way_is_asked_of_the_application(app, desk, paths, headers):
    packed = desk.client.get(paths["ogc"], headers=GZIP)
    plain = desk.client.get(paths["ogc"])
    with asked(app) as seen:
        answer = desk.client.get(paths["ogc"], headers=headers)
        assert desk.client.head(paths["ogc"], headers=headers).data == b""
    assert seen == [1, 1]
    assert answer.data == (packed if "If-None-Match" in headers else plain).data


def test_what_is_answered_at_the_door_is_counted(desk, paths):
    def counted():
        labels = {"endpoint": "ogc.tile", "status": "200"}
        return REGISTRY.get_sample_value("patrol_requests_total", labels) or 0

    desk.client.get(paths["ogc"], headers=GZIP)
    before = counted()
    desk.client.get(paths["ogc"], headers=GZIP)
    assert counted() == before + 1
