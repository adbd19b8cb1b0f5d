"""Looks whether a pooled connection still lives, where it has rested: after a second it is asked, before that believed.

Asking each time (``pool_pre_ping``) costs a round trip for every request. A connection that died within the second
fails its request with 503, and takes all that PostgreSQL's end has broken out of the pool.
"""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy.exc import DisconnectionError

RESTED_S = 1.0


def _note_rest(_connection: Any, record: Any) -> None:
    record.info["rests_since"] = time.monotonic()


def _ask_rested(connection: Any, record: Any, _proxy: Any) -> None:
    rests_since = record.info.get("rests_since")
    if rests_since is None or time.monotonic() - rests_since < RESTED_S:
        return
    try:
        connection.autocommit = True
        connection.execute("SELECT")
        connection.autocommit = False
    except psycopg.Error as error:
        raise DisconnectionError from error


POOL_EVENTS: list[tuple[Callable[..., None], str]] = [(_note_rest, "checkin"), (_ask_rested, "checkout")]
