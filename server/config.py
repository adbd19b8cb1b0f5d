"""Configuration, read once from the environment into one frozen value. Nothing else reads the environment.

Every value has a default that is right for one machine; ``./patrol`` sets the addresses and secrets.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from server.pool import POOL_EVENTS


def sqlalchemy_url(url: str) -> str:
    """Return a libpq URL as SQLAlchemy wants it, with the psycopg 3 driver."""
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    message = f"DATABASE_URL must begin with postgresql://, not {url.split(':', 1)[0]}:"
    raise ValueError(message)


def files_url_of(environ: Mapping[str, str]) -> str:
    """Return where attachments lie: as said, or the folder beside everything else that this machine keeps."""
    beside = Path(environ.get("PATROL_HOME") or ".patrol", "files")
    return environ.get("PATROL_FILES_URL", "") or beside.resolve().as_uri()


def household_norm_of(environ: Mapping[str, str]) -> tuple[int, int] | None:
    """Return the norm as ``PATROL_HOUSEHOLD_NORM`` says it, ``300-500``; raise ``ValueError`` where it is no range."""
    said = environ.get("PATROL_HOUSEHOLD_NORM", "").strip()
    if not said:
        return None
    found = re.fullmatch(r"(\d{1,9})\s*-\s*(\d{1,9})", said, re.ASCII)
    if found is None or not int(found[1]) <= int(found[2]):
        message = f"PATROL_HOUSEHOLD_NORM must be a range of households as 300-500, not {said!r}"
        raise ValueError(message)
    return int(found[1]), int(found[2])


@dataclass(frozen=True)
class Config:
    """All settings. Durations are timedeltas, sizes are bytes, distances are metres.

    ``files_url``: where attachments lie, a folder (``file:///...``) or a store that fsspec speaks to (``s3://...``).
    ``upload_patience``: how long an upload may be silent before its request is ended; it goes on with another.
    ``tile_shelf_bytes``: how much of the map each web process keeps drawn.
    ``upload_slots``: uploads that one web process receives at a time, below its threads: slow phones never take all.

    ``webhook_overlap``: how long a webhook is signed with the former secret, too, after a new one was made.

    ``household_norm``: from - to how many households a grid should have; None: drafts are not asked for it.
    ``deadlines_from``: where a body's clock starts, "decision" (when it is given the case) or "capture".
    """

    database_url: str
    redis_url: str
    secret_key: str
    public_url: str = "http://127.0.0.1:8000"
    testing: bool = False
    secure_cookies: bool = False
    webhook_allow_loopback: bool = False
    webhook_allow_private: bool = False
    webhook_overlap: timedelta = timedelta(hours=24)
    working_hours: str = "08:30-12:00,14:00-17:30"
    deadlines_from: str = "decision"
    pool_size: int = 10
    near_m: float = 50.0
    household_norm: tuple[int, int] | None = None
    max_body_bytes: int = 16 * 1024 * 1024
    hold_for: timedelta = timedelta(hours=24)
    revoked_grace: timedelta = timedelta(days=14)
    enrolment_ttl: timedelta = timedelta(hours=24)
    push_rate: str = "240 per minute"
    sign_in_rate: str = "20 per minute"
    min_app_version: str = ""
    files_url: str = ""
    file_limit_bytes: int = 20 * 1024 * 1024
    import_limit_bytes: int = 200 * 1024 * 1024
    tile_shelf_bytes: int = 32 * 1024 * 1024
    open_uploads: int = 50
    open_upload_bytes: int = 200 * 1024 * 1024
    upload_ttl: timedelta = timedelta(days=7)
    upload_slots: int = 4
    upload_patience: timedelta = timedelta(seconds=30)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Read the environment; raise ``KeyError`` naming the variable that is missing."""
        return cls(
            database_url=sqlalchemy_url(environ["DATABASE_URL"]),
            redis_url=environ["REDIS_URL"],
            secret_key=environ["PATROL_SECRET_KEY"],
            public_url=environ.get("PATROL_PUBLIC_URL", cls.public_url).rstrip("/"),
            secure_cookies=environ.get("PATROL_SECURE_COOKIES", "") == "1",
            webhook_allow_loopback=environ.get("PATROL_WEBHOOK_ALLOW_LOOPBACK", "") == "1",
            webhook_allow_private=environ.get("PATROL_WEBHOOK_ALLOW_PRIVATE", "") == "1",
            webhook_overlap=timedelta(
                hours=float(environ.get("PATROL_WEBHOOK_OVERLAP_H", cls.webhook_overlap.total_seconds() / 3600))
            ),
            working_hours=environ.get("PATROL_WORKING_HOURS", cls.working_hours),
            deadlines_from=environ.get("PATROL_DEADLINES_FROM", cls.deadlines_from),
            pool_size=int(environ.get("PATROL_POOL_SIZE", cls.pool_size)),
            near_m=float(environ.get("PATROL_NEAR_M", cls.near_m)),
            household_norm=household_norm_of(environ),
            push_rate=environ.get("PATROL_PUSH_RATE", cls.push_rate),
            sign_in_rate=environ.get("PATROL_SIGN_IN_RATE", cls.sign_in_rate),
            min_app_version=environ.get("PATROL_MIN_APP_VERSION", cls.min_app_version),
            files_url=files_url_of(environ),
            file_limit_bytes=int(environ.get("PATROL_FILE_LIMIT_BYTES", cls.file_limit_bytes)),
            tile_shelf_bytes=int(environ.get("PATROL_TILE_SHELF_BYTES", cls.tile_shelf_bytes)),
            import_limit_bytes=int(environ.get("PATROL_IMPORT_LIMIT_BYTES", cls.import_limit_bytes)),
            upload_patience=timedelta(
                seconds=float(environ.get("PATROL_UPLOAD_PATIENCE_S", cls.upload_patience.total_seconds()))
            ),
        )

    @property
    def engine_options(self) -> dict[str, Any]:
        """How every process of ours connects to PostgreSQL."""
        return {
            "pool_size": self.pool_size,
            "max_overflow": self.pool_size,
            "pool_events": POOL_EVENTS,
            # The connection used last has its plans and catalogue in the caches of the processor.
            "pool_use_lifo": True,
            # Reads a record's document three times as fast as the standard library.
            "json_deserializer": msgspec.json.decode,
            # jit=off: measured 3.8x on the small staged plans of a push.
            "connect_args": {"options": "-c jit=off -c timezone=UTC -c lock_timeout=10s -c statement_timeout=60s"},
        }
