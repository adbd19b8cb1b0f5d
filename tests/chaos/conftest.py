"""A whole patrol with the sample city, on servers and processes of its own that may be killed; started by `up`."""

import os
import subprocess
from random import Random

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.config import sqlalchemy_url
from server.launch.state import CHECKOUT
from server.simulator.faults import harm as harms
from server.simulator.faults.resting import QuietPoint
from server.simulator.faults.running import enrol
from server.simulator.faults.world import FaultPlan, World
from tests.launch.homes import open_home

_STEPS = 30


@pytest.fixture(scope="package")
def patrol_home():
    env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    with open_home() as home:
        env |= {"PATROL_HOME": str(home.path)}
        up = subprocess.run(
            [CHECKOUT / "patrol", "up", "--detach"], env=env, capture_output=True, text=True, check=False
        )
        try:
            assert up.returncode == 0, up.stderr
            yield home
        finally:
            subprocess.run([CHECKOUT / "patrol", "down"], env=env, capture_output=True, check=False)


@pytest.fixture(scope="package")
def harm(patrol_home):
    return harms.of(patrol_home, {})


@pytest.fixture(scope="package")
def engine(harm):
    made = create_engine(sqlalchemy_url(harm.owner_url), pool_pre_ping=True)
    yield made
    made.dispose()


@pytest.fixture(scope="package")
def world_of(patrol_home, harm, engine):
    """Makes runs: ``world_of(seed=3, devices=4, ...)``."""

    def make(**plan):
        return World(
            FaultPlan(minutes=0.0, url=harm.url, sign_ins=patrol_home.demo_users, **plan), engine, lambda _line: None
        )

    return make


@pytest.fixture(scope="package")
def world(world_of):
    return world_of(seed=5, devices=4)


@pytest.fixture(scope="package")
def quiet(world):
    """The quiet point after a morning's work of four phones, reached once with everything found well."""
    carriers = enrol(world)
    for _ in range(_STEPS):
        for carrier in carriers:
            carrier.step()
    quiet = QuietPoint(world, carriers, Random(5))
    quiet.reach(last=True)
    return quiet


@pytest.fixture
def phones(quiet):
    return quiet.phones


@pytest.fixture
def session(quiet, engine):
    """What is planted in it is never committed."""
    with Session(engine) as opened:
        yield opened
        opened.rollback()
