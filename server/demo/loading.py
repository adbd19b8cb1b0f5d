"""`./patrol demo --profile NAME`, also a step of `up`: puts a sample city into the database.

Owns the choice of the profile, the transaction and what the terminal shows. What a city is made of belongs to its
profile.
"""

import os
import sys
import time
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from geo.errors import GeoError
from server import clock
from server.commands.import_boundaries import refusal
from server.config import Config
from server.demo import chongyi
from server.demo.cities import founding as cities
from server.demo.cities import profile as profiles
from server.demo.founding import Founding, NotFounded, Say


def load(*, profile: str, seed: int | None = None, folder: Path | None = None, factor: float = 1.0) -> int:
    """Put a sample city into the database, and its sign-ins into ``folder`` (PATROL_HOME). Safe to run twice.

    ``seed``: another city than the usual one; ``factor`` below 1: a smaller one. Returns the exit code.
    """
    names = [chongyi.NAME, *profiles.names()]
    if profile not in names:
        sys.stderr.write(f"✗ 没有示例城市 {profile} · no such sample city; there is: {', '.join(names)}\n")
        return 1
    home = folder or Path(os.environ["PATROL_HOME"])
    engine = create_engine(Config.from_environment().database_url)
    try:
        with Session(engine) as session:
            founding = Founding(session, home, clock.now(), _saying(), seed, factor)
            if profile == chongyi.NAME:
                chongyi.found(founding)
            else:
                cities.found(founding, profile)
            session.commit()
    except GeoError as error:
        sys.stderr.write(refusal(error))
        return 1
    except NotFounded as error:
        sys.stderr.write(f"✗ {error}\n")
        return 1
    finally:
        engine.dispose()
    return 0


def _saying() -> Say:
    """Return what tells the terminal how far it has come, and how long it took so far."""
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{line}   {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()

    return say
