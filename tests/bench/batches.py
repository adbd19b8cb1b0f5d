"""Phones for the benchmarks: enrolled in the database, with batches that are encoded before the clock runs."""

import datetime as dt
import random
from dataclasses import dataclass

import shapely
import uuid_utils
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from server.config import sqlalchemy_url
from sync.access.devices import enrol, issue_code

# Of every five records one is an issue; the others are visits.
ISSUE_EVERY = 5
_NOTE = "家中有人，情况正常"


@dataclass
class Device:
    """A phone: its token, the middle of its grid, the last number it used."""

    token: str
    lon: float
    lat: float
    seq: int = 0


def enrolled_devices(url: str, count: int) -> list[Device]:
    """Enrol so many phones of grid workers."""
    engine = create_engine(sqlalchemy_url(url))
    now = dt.datetime.now(dt.UTC)
    with Session(engine) as session:
        workers = session.execute(
            text("""
                SELECT person_id, ST_AsBinary(ST_PointOnSurface(polygon)) FROM assignment
                JOIN area_version ON area_version.area_id = assignment.area_id
                WHERE role = 'grid_worker' ORDER BY person_id
            """)
        ).all()
        devices = []
        for number in range(count):
            person_id, place = workers[number % len(workers)]
            code, _ = issue_code(session, person_id, now=now, ttl=dt.timedelta(hours=1))
            described = {"name": f"bench-{number}", "platform": "bench", "app_version": "1.0.0"}
            middle = shapely.from_wkb(bytes(place))
            devices.append(Device(enrol(session, code, described, now=now).token, middle.x, middle.y))
        session.commit()
    engine.dispose()
    return devices


def batch_of(device: Device, count: int, now: dt.datetime) -> bytes:
    """A push of new records in the device's grid, as a phone encodes it."""
    moment = now.isoformat()
    ops = b",".join(_op(device, moment) for _ in range(count))
    head = f'{{"batch_id":"{_id()}","sent_at":"{moment}","ops":['
    return head.encode() + ops + b"]}"


def _op(device: Device, moment: str) -> bytes:
    device.seq += 1
    lon = device.lon + random.uniform(-2e-4, 2e-4)
    lat = device.lat + random.uniform(-2e-4, 2e-4)
    place = f'{{"lon":{lon:.7f},"lat":{lat:.7f},"accuracy_m":8.0,"datum":"wgs84"}}'
    if device.seq % ISSUE_EVERY == 0:
        name = "issues"
        data = f'{{"category":"0301","description":"{_NOTE}","severity":"normal","location":{place}}}'
    else:
        name = "visits"
        data = f'{{"outcome":"met","purpose":"routine","note":"{_NOTE}","needs":["助餐"],"location":{place}}}'
    return (
        f'{{"op_id":"{_id()}","seq":{device.seq},"collection":"{name}","id":"{_id()}","action":"put","base":null,'
        f'"captured_at":"{moment}","data":{data}}}'
    ).encode()


def _id() -> str:
    """As the protocol prefers them: version 7, so that new rows lie together in the indexes."""
    return str(uuid_utils.uuid7())
