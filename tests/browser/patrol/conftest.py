"""The patrol app in a real Chromium, over a city whose grids have doors; each test is another worker of it."""

import datetime as dt
import itertools
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from geo.editions.ground import load_ground
from server.accounts.service import enrol_worker
from server.config import sqlalchemy_url
from server.demo.planting import NewTask, named_id, plant_households, plant_tasks
from sync.store import feed
from tests.api.serving import served
from tests.browser.conftest import PATIENCE_MS, Watched, founded

PHONE = (390, 844)
PIN = "2580"
FLOORS, SIDES = 3, 2
BUILDINGS = ("阳明小区2栋", "阳明小区10栋")
_TIERS = ("general", "key", "high", "general", "general", "general")


def plant(session, *, grids=None):
    """Give every grid two buildings of six doors, and its worker a visit to make."""
    ground = load_ground(session, 1)
    now = dt.datetime.now(dt.UTC)
    chance = random.Random(11)
    docs, tasks = [], []
    for number, grid in enumerate(ground.grid_ids[:grids]):
        lon, lat = session.execute(
            text("""
                SELECT ST_X(point), ST_Y(point)
                FROM (SELECT ST_PointOnSurface(polygon) AS point FROM area_version WHERE area_id = :grid) AS one
            """),
            {"grid": grid},
        ).one()
        for building, floor, side in itertools.product(BUILDINGS, range(1, FLOORS + 1), range(1, SIDES + 1)):
            place = (floor - 1) * SIDES + side - 1
            doc = {
                "building": building,
                "unit": "1单元",
                "room": f"{floor}0{side}",
                "location": {"lon": round(lon, 7), "lat": round(lat, 7), "datum": "wgs84"},
                "risk_tier": _TIERS[place],
                "needs": ["独居老人"] if _TIERS[place] == "high" else [],
                "extra": {"residents": chance.randrange(1, 6)},
            }
            docs.append((named_id("browser-door", grid, building, floor, side), doc))
        door = docs[-len(BUILDINGS) * FLOORS * SIDES][0]
        tasks.append(
            NewTask(
                named_id("browser-task", grid), "visit", "走访阳明小区2栋1单元101", f"w{number + 1:02}",
                now + dt.timedelta(days=2), door,
            )
        )  # fmt: skip
    touches = plant_households(session, docs, ground, now=now) + plant_tasks(session, tasks, now=now)
    feed.append(session, touches)
    session.commit()


@pytest.fixture(scope="module")
def patrol_url(cluster_url):
    """A city for each module: it has fewer workers than there are tests."""
    Worker.numbers = itertools.count(1)
    with founded(cluster_url, 20) as url:
        engine = create_engine(sqlalchemy_url(url))
        with Session(engine) as session:
            plant(session)
        engine.dispose()
        yield url


@pytest.fixture(scope="module")
def site(patrol_url, redis_url, tmp_path_factory):
    files = tmp_path_factory.mktemp("files").as_uri()
    with served(patrol_url, redis_url, threads=8, PATROL_FILES_URL=files) as url:
        yield url


@pytest.fixture
def session(patrol_url):
    engine = create_engine(sqlalchemy_url(patrol_url))
    with Session(engine) as opened:
        yield opened
    engine.dispose()


@dataclass
class Worker:
    """A worker of the city, and what the server has of them."""

    numbers: ClassVar = itertools.count(1)
    session: Session
    login: str = field(default_factory=lambda: f"w{next(Worker.numbers):02}")
    since: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def code(self):
        code = enrol_worker(self.session, self.login, now=dt.datetime.now(dt.UTC), ttl=dt.timedelta(hours=1))
        self.session.commit()
        return code.text

    @property
    def name(self):
        return self.session.scalar(text("SELECT name FROM person WHERE login = :login"), {"login": self.login})

    def written(self, table, least=1):
        """Return what is written when there are so many, as a page shows that all is sent a moment before or after."""
        until = time.monotonic() + PATIENCE_MS / 1000
        while len(found := self.written_now(table)) < least and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def written_now(self, table):
        """What this worker wrote into a table since the test began, in the order in which it was captured."""
        self.session.rollback()
        rows = self.session.execute(
            text(f"""
                SELECT {table}.id, {table}.doc, {table}.captured_at FROM {table} JOIN person ON person.id = author_id
                WHERE login = :login AND deleted_at IS NULL AND received_at >= :since
                ORDER BY {table}.captured_at, {table}.id
            """),
            {"login": self.login, "since": self.since},
        )
        return rows.all()

    def operations(self):
        """How many operations came of this worker's phones since the test began, by status."""
        self.session.rollback()
        rows = self.session.execute(
            text("""
                SELECT status, count(*) FROM operation JOIN person ON person.id = author_id
                WHERE login = :login AND received_at >= :since GROUP BY status
            """),
            {"login": self.login, "since": self.since},
        )
        return {row.status: row.count for row in rows}


@pytest.fixture
def worker(session):
    return Worker(session)


@dataclass
class App:
    """The app as somebody holds it in their hand."""

    watched: Watched
    worker: Worker

    @property
    def page(self):
        return self.watched.page

    def enrol(self, pin=PIN):
        self.page.goto(f"{self.watched.site}/enrol#{self.worker.code()}")
        self.page.wait_for_url("**/patrol#*")
        self.page.get_by_label("设一个密码").fill(pin)
        self.page.get_by_label("再输一次密码").fill(pin)
        self.page.get_by_role("button", name="启用").click()
        expect(self.page.get_by_role("heading", name="今天", exact=True)).to_be_visible()
        expect(self.page.get_by_role("button", name="阳明小区2栋")).to_be_visible()

    def unlock(self, pin=PIN):
        self.page.get_by_label("密码", exact=True).fill(pin)
        self.page.get_by_role("button", name="打开").click()

    def open_app(self):
        self.page.goto(f"{self.watched.site}/patrol")

    def door(self, room, building="阳明小区2栋"):
        """Open a door from the list of today."""
        self.page.get_by_role("link", name="今天").click()
        found = self.page.get_by_role("button", name=building)
        if found.get_attribute("aria-expanded") == "false":
            found.click()
        self.page.get_by_role("link", name=room).first.click()
        expect(self.page.get_by_role("heading", name=f"{building} 1单元 {room}")).to_be_visible()

    def answer(self, words):
        self.page.get_by_role("group", name="走访结果").get_by_role("button", name=words).click()

    def all_sent(self):
        expect(self.page.locator(".patrol-sync")).to_contain_text("全部已发")

    def sent_after_waiting(self):
        """Wait until what was just entered is sent: first it waits, at the least for its undo."""
        expect(self.page.locator(".patrol-sync")).to_contain_text("未发")
        self.all_sent()

    def worker_ready(self):
        """Wait until the service worker keeps the app."""
        self.page.evaluate("navigator.serviceWorker.ready")


@pytest.fixture
def app(visit, worker):
    """The app of a worker, enrolled."""
    held = App(visit(PHONE, has_touch=True), worker)
    held.enrol()
    return held


def new_id():
    return str(uuid.uuid4())
