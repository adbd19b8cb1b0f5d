"""Configuration, read once from the environment into one frozen value. Nothing else reads the environment.

Every value has a default that is right for one machine; ``./patrol`` sets the addresses and secrets.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from server.cases.delivery.destinations import HTTPS_PORT, Guard


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


def webhook_ports_of(environ: Mapping[str, str]) -> frozenset[int]:
    """Return the ports that webhooks may go to, as ``443,8443`` names them; raise ``ValueError`` for what names none.

    Without a word it is 443 alone.
    """
    said = environ.get("PATROL_WEBHOOK_PORTS", "") or str(HTTPS_PORT)
    ports = [each.strip() for each in said.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,5}", each) and 0 < int(each) < 1 << 16 for each in ports):
        message = f"PATROL_WEBHOOK_PORTS must be ports as 443,8443, not {said!r}"
        raise ValueError(message)
    return frozenset(map(int, ports))


def secure_cookies_of(environ: Mapping[str, str]) -> bool:
    """Return whether cookies go by TLS alone: as ``PATROL_SECURE_COOKIES`` says, 1 or 0, else where people use TLS."""
    if said := environ.get("PATROL_SECURE_COOKIES", ""):
        return said == "1"
    return environ.get("PATROL_PUBLIC_URL", "").lower().startswith("https:")


def origins_of(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the origins that ``PATROL_ALLOWED_ORIGINS`` names, by commas; raise ``ValueError`` where one is none."""
    said = [each.strip().rstrip("/") for each in environ.get("PATROL_ALLOWED_ORIGINS", "").split(",") if each.strip()]
    for each in said:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#@\s*]+", each):
            message = f"PATROL_ALLOWED_ORIGINS must name origins as https://app.example.org, not {each!r}"
            raise ValueError(message)
    return frozenset(said)


@dataclass(frozen=True)
class Config:
    """All settings. Durations are timedeltas, sizes are bytes, distances are metres.

    ``files_url``: where attachments lie, a folder (``file:///...``) or a store that fsspec speaks to (``s3://...``).
    ``upload_patience``: how long an upload may be silent before its request is ended; it goes on with another.
    ``tile_cache_bytes``: how much of the map each web process keeps drawn.
    ``upload_slots``: uploads that one web process receives at a time, below its threads: slow phones never take all.

    ``webhook_ports``: to which ports of other machines webhooks may go.
    ``webhook_overlap``: how long a webhook is signed with the former secret, too, after a new one was made.

    ``allowed_origins``: of which sites web views may speak the device protocol, with the token of an enrolment.

    What is wrong at the doors: ``guess_rate`` bounds passwords tried at one account from one place,
    ``account_guess_rate`` at one account from anywhere, ``sign_in_rate`` passwords, and codes, tried from one address,
    ``secret_rate`` tokens and application passwords from one address.

    ``behind_front``: nginx alone can reach this process, and what it says of a caller's address and scheme is so.
    ``metrics_token``: what shows who may read /metrics. Without one nobody but this machine may, and that only while
    ``public_url`` is this machine's own: before a city with an address stands a proxy at times, which may well be
    this machine too.
    ``secure_cookies``: as ``public_url`` has it, where nothing else is said.

    ``household_norm``: from - to how many households a grid should have; None: drafts are not asked for it.
    ``deadlines_from``: where a body's clock starts, "decision" (when it is given the case) or "capture".
    """

    database_url: str
    redis_url: str
    secret_key: str
    public_url: str = "http://127.0.0.1:8000"
    testing: bool = False
    behind_front: bool = False
    metrics_token: str = ""
    secure_cookies: bool = False
    webhook_allow_loopback: bool = False
    webhook_allow_private: bool = False
    webhook_ports: frozenset[int] = frozenset({HTTPS_PORT})
    webhook_overlap: timedelta = timedelta(hours=24)
    working_hours: str = "08:30-12:00,14:00-17:30"
    deadlines_from: str = "decision"
    pool_size: int = 10
    near_m: float = 50.0
    household_norm: tuple[int, int] | None = None
    max_body_bytes: int = 16 * 1024 * 1024
    hold_for: timedelta = timedelta(hours=24)
    late_for: timedelta = timedelta(days=30)
    revoked_grace: timedelta = timedelta(days=14)
    enrolment_ttl: timedelta = timedelta(hours=24)
    push_rate: str = "240 per minute"
    sign_in_rate: str = "30 per minute;300 per hour"
    guess_rate: str = "5 per minute;15 per 10 minutes;30 per hour"
    account_guess_rate: str = "100 per hour"
    secret_rate: str = "300 per minute"  # noqa: S105  # how often, not what
    min_app_version: str = ""
    allowed_origins: frozenset[str] = frozenset()
    files_url: str = ""
    file_limit_bytes: int = 48 * 1024 * 1024
    import_limit_bytes: int = 200 * 1024 * 1024
    outbox_limit_bytes: int = 512 * 1024 * 1024
    tile_cache_bytes: int = 32 * 1024 * 1024
    open_uploads: int = 50
    open_upload_bytes: int = 500 * 1024 * 1024
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
            behind_front=environ.get("PATROL_FRONT", "") == "1",
            metrics_token=environ.get("PATROL_METRICS_TOKEN", ""),
            secure_cookies=secure_cookies_of(environ),
            webhook_allow_loopback=environ.get("PATROL_WEBHOOK_ALLOW_LOOPBACK", "") == "1",
            webhook_allow_private=environ.get("PATROL_WEBHOOK_ALLOW_PRIVATE", "") == "1",
            webhook_ports=webhook_ports_of(environ),
            webhook_overlap=timedelta(
                hours=float(environ.get("PATROL_WEBHOOK_OVERLAP_H", cls.webhook_overlap.total_seconds() / 3600))
            ),
            working_hours=environ.get("PATROL_WORKING_HOURS", cls.working_hours),
            deadlines_from=environ.get("PATROL_DEADLINES_FROM", cls.deadlines_from),
            pool_size=int(environ.get("PATROL_POOL_SIZE", cls.pool_size)),
            near_m=float(environ.get("PATROL_NEAR_M", cls.near_m)),
            late_for=timedelta(days=float(environ.get("PATROL_LATE_DAYS", cls.late_for.days))),
            household_norm=household_norm_of(environ),
            push_rate=environ.get("PATROL_PUSH_RATE", cls.push_rate),
            sign_in_rate=environ.get("PATROL_SIGN_IN_RATE", cls.sign_in_rate),
            guess_rate=environ.get("PATROL_GUESS_RATE", cls.guess_rate),
            account_guess_rate=environ.get("PATROL_ACCOUNT_GUESS_RATE", cls.account_guess_rate),
            secret_rate=environ.get("PATROL_SECRET_RATE", cls.secret_rate),
            allowed_origins=origins_of(environ),
            min_app_version=environ.get("PATROL_MIN_APP_VERSION", cls.min_app_version),
            files_url=files_url_of(environ),
            file_limit_bytes=int(environ.get("PATROL_FILE_LIMIT_BYTES", cls.file_limit_bytes)),
            tile_cache_bytes=int(environ.get("PATROL_TILE_CACHE_BYTES", cls.tile_cache_bytes)),
            import_limit_bytes=int(environ.get("PATROL_IMPORT_LIMIT_BYTES", cls.import_limit_bytes)),
            outbox_limit_bytes=int(environ.get("PATROL_OUTBOX_LIMIT_BYTES", cls.outbox_limit_bytes)),
            upload_patience=timedelta(
                seconds=float(environ.get("PATROL_UPLOAD_PATIENCE_S", cls.upload_patience.total_seconds()))
            ),
        )

    @property
    def webhook_guard(self) -> Guard:
        """Where webhooks may go; the same is asked when an address is saved and when it is sent to."""
        return Guard(self.webhook_allow_loopback, self.webhook_allow_private, self.webhook_ports)
