"""/healthz, /readyz and /metrics: whether this process lives, whether it can serve, and what it has done."""

import os
import time
from typing import Any

import redis
from flask import Flask, Response, g, request
from flask_smorest import Blueprint
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from server.auth import access
from server.extensions import db, settings
from server.jobs.queues import connection

blueprint = Blueprint("health", __name__, description="运行状况 · health and figures")

REQUESTS = Counter("patrol_requests_total", "HTTP requests", ["endpoint", "status"])
SECONDS = Histogram(
    "patrol_request_seconds", "Seconds to answer", ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)  # fmt: skip
_WAITING = text("""
    SELECT status, count(*) AS operations FROM operation
    WHERE status IN ('pending', 'held', 'quarantined', 'review') AND device_id IS NOT NULL GROUP BY status
    UNION ALL SELECT 'awaiting_routing', count(*) FROM issue WHERE awaiting_routing AND deleted_at IS NULL
    UNION ALL SELECT 'routing_failed', count(*) FROM routing_failure
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
    """Return whether this process can serve: PostgreSQL must answer, Redis only delays what follows."""
    parts = {"postgresql": _database(), "redis": _redis()}
    answer = {"status": "ready" if parts["postgresql"] == "ok" else "unavailable", "parts": parts}
    return answer, 200 if parts["postgresql"] == "ok" else 503


@blueprint.get("/metrics")
@access("public: counts without names or places; keep it inside by the proxy")
@blueprint.response(200, content_type=CONTENT_TYPE_LATEST)
def metrics() -> Response:
    """Return the figures of all processes of this machine for Prometheus, and what waits in the database."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
    else:
        registry.register(REQUESTS)
        registry.register(SECONDS)
    lines = [generate_latest(registry), b"# TYPE patrol_waiting gauge\n"]
    waiting = db.session.execute(_WAITING)
    lines += [f'patrol_waiting{{what="{row.status}"}} {row.operations}\n'.encode() for row in waiting]
    return Response(b"".join(lines), content_type=CONTENT_TYPE_LATEST)


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
