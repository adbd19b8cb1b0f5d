"""`./patrol demo --profile NAME`, also a step of `up`: puts a sample city into the database.

Owns the choice of the profile, the transaction and what the terminal shows. What a city is made of belongs to the
module of its profile.
"""

import datetime as dt
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from server.config import Config
from server.demo import chongyi

PROFILES: Mapping[str, object] = {chongyi.NAME: chongyi.found}


def load(*, profile: str, folder: Path | None = None) -> int:
    """Put a sample city into the database, and its sign-ins into ``folder`` (PATROL_HOME). Safe to run twice."""
    if profile not in PROFILES:
        known = ", ".join(PROFILES)
        sys.stderr.write(f"✗ 没有示例城市 {profile} · no such sample city; there is: {known}\n")
        return 1
    home = folder or Path(os.environ["PATROL_HOME"])
    engine = create_engine(Config.from_environment().database_url)
    try:
        with Session(engine) as session:
            chongyi.found(chongyi.Founding(session, home, dt.datetime.now(dt.UTC), _say))
            session.commit()
    finally:
        engine.dispose()
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
