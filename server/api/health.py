"""/healthz, /readyz and /metrics: whether this process lives, whether it can serve, and what it has done."""

import hmac
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import redis
from flask import Flask, Response, abort, g, request
from flask_smorest import Blueprint
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from server import clock
from server.database.extensions import db, settings
from server.http.auth import access
from server.jobs.queues import JOBS, connection
from server.monitoring.standing import WATCHED, standing

blueprint = Blueprint("health", __name__, description="运行状况 · health and figures")

# When each series began: Prometheus asks for it in another format, and its checker takes it for a misnamed gauge.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's
REQUESTS = Counter("patrol_requests_total", "HTTP requests", ["endpoint", "status"])
SECONDS = Histogram(
    "patrol_request_seconds", "Seconds to answer", ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)  # fmt: skip
GROUPED = Histogram(
    "patrol_push_group_batches", "Batches of phones that shared a transaction", buckets=(1, 2, 3, 4, 6, 8, 12, 16)
)
_WAITING = text("""
    SELECT status, count(*) AS operations FROM operation
    WHERE status IN ('pending', 'held', 'quarantined', 'review') AND device_id IS NOT NULL GROUP BY status
    UNION ALL SELECT 'awaiting_routing', count(*) FROM issue WHERE awaiting_routing AND deleted_at IS NULL
    UNION ALL SELECT 'awaiting_delivery', count(*) FROM delivery WHERE state IN ('waiting', 'sending', 'failed')
""")


def count_requests(app: Flask) -> None:
    """Count every request of an app, by endpoint."""

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        now = time.perf_counter()
        count(request.endpoint or "none", response.status_code, now - g.get("began", now))
        return response


def count(endpoint: str, status: int, took_s: float) -> None:
    """Count one answer."""
    REQUESTS.labels(endpoint, status).inc()
    SECONDS.labels(endpoint).observe(took_s)


@blueprint.get("/healthz")
@access("public: says only that the process lives")
@blueprint.response(200)
def healthz() -> dict[str, Any]:
    """Return that this process lives; asks nobody else."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@access("public: says only which part is away")
@blueprint.response(200)
def readyz() -> Any:
    """Return whether this process can serve, and which queues stand.

    PostgreSQL must answer; Redis, and a queue whose oldest work has waited for more than a minute, only delay what
    follows: phones and pages are served all the same, so the answer is 200 with the status ``degraded``.
    """
    parts = {"postgresql": _database(), "redis": _redis()}
    if parts["postgresql"] != "ok":
        return {"status": "unavailable", "parts": parts}, 503
    found = standing(db.session(), clock.now())
    parts["queues"] = "standing" if found.queues else "ok"
    well = all(part == "ok" for part in parts.values())
    told = {"standing": {queue: int(found.waited[queue].total_seconds()) for queue in found.queues}}
    return {"status": "ready" if well else "degraded", "parts": parts, "set_aside": found.aside, **told}, 200


@blueprint.get("/metrics")
@access("this machine, and whoever shows PATROL_METRICS_TOKEN: counts without names or places", "figures")
@blueprint.response(200, content_type=CONTENT_TYPE_LATEST)
def metrics() -> Response:
    """Return the figures of all processes of this machine for Prometheus, and what waits in the database."""
    if not _may_read_figures():
        abort(HTTPStatus.FORBIDDEN)
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
    else:
        registry.register(REQUESTS)
        registry.register(SECONDS)
        registry.register(GROUPED)
    registry.register(_Waiting())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Waiting(Collector):
    """What waits in the database, for how long, and what is set aside, looked up when it is asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures, with a label for each sort of work or queue."""
        family = GaugeMetricFamily(
            "patrol_waiting", "Operations, issues and deliveries that wait for a job or a person", labels=["what"]
        )
        for row in db.session.execute(_WAITING):
            family.add_metric([row.status], row.operations)
        yield family
        found = standing(db.session(), clock.now())
        oldest = GaugeMetricFamily(
            "patrol_oldest_waiting_seconds", "How long the oldest work of a queue has waited", labels=["queue"]
        )
        for queue in WATCHED:
            oldest.add_metric([queue], found.waited.get(queue, timedelta()).total_seconds())
        yield oldest
        aside = GaugeMetricFamily(
            "patrol_set_aside", "Items that a job of a queue failed on and set aside", labels=["queue"]
        )
        for queue in JOBS:
            aside.add_metric([queue], found.aside.get(queue, 0))
        yield aside


def _may_read_figures() -> bool:
    token = settings().metrics_token
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode()):
        return True
    # A proxy on this machine that tells nobody's address makes everybody this machine.
    return _is_own(urlsplit(settings().public_url).hostname) and _is_own(request.remote_addr)


def _is_own(host: str | None) -> bool:
    """Whether a name or address is this machine's, and no other's."""
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _database() -> str:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "away"
    return "ok"


def _redis() -> str:
    try:
        connection(settings().redis_url).ping()
    except redis.RedisError:
        return "away"
    return "ok"
