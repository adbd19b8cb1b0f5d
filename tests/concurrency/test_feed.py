"""A cursor never passes a change that commits later: many writers that dawdle, and readers beside them."""

import random
import threading
import time
import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from server.config import sqlalchemy_url
from server.launch.scratch import scratch_database
from sync.store import feed
from tests.cases import city

WRITERS, TRANSACTIONS = 12, 30
CHANNEL = feed.grid_channel(1)


@pytest.fixture(scope="module")
def engine(cluster_url):
    with scratch_database(cluster_url) as url:
        city.migrate(url).dispose()
        engine = create_engine(sqlalchemy_url(url), pool_size=WRITERS + 2)
        yield engine
        engine.dispose()


def write(engine, number, written):
    source = random.Random(number)
    for _ in range(TRANSACTIONS):
        refs = [uuid.uuid4() for _ in range(source.randint(1, 5))]
        with Session(engine) as session:
            session.execute(text("SELECT 1"))
            time.sleep(source.random() * 0.01)
            feed.append(session, [feed.Touch(CHANNEL, 1, ref) for ref in refs])
            time.sleep(source.random() * 0.003)
            if source.random() < 0.1:
                session.rollback()
                continue
            session.commit()
        written.update(refs)


def read(engine, stop, seen, positions):
    cursor = 0
    while True:
        last_round = stop.is_set()
        with Session(engine) as session:
            rows = session.execute(
                text(
                    "SELECT position, ref FROM feed WHERE channel = :c AND position > :after ORDER BY position LIMIT 7"
                ),
                {"c": CHANNEL, "after": cursor},
            ).all()
        for position, ref in rows:
            positions.append(position)
            seen.add(ref)
            cursor = position
        if last_round and not rows:
            return


def test_no_cursor_ever_skips_and_numbers_have_no_gaps(engine):
    written, seen, positions, stop = set(), set(), [], threading.Event()
    writers = [threading.Thread(target=write, args=(engine, number, written)) for number in range(WRITERS)]
    reader = threading.Thread(target=read, args=(engine, stop, seen, positions))
    for thread in [*writers, reader]:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    reader.join()
    assert seen == written
    assert positions == list(range(1, len(written) + 1))
