"""Who may call which route, over which area: the table that the walk over all routes is held against.

Each route has its requests, and each request says who is let through, by roles and areas alone. A request that is let
through may still fail for what it lacks: whoever is turned away is told 401, 403 or 404.
"""

from tests.api.walk_asks import NONE, Ask, any_phone, anybody, nobody, over, phone, role, staff
from tests.api.walk_cases import files, issues, matters
from tests.api.walk_city import AREAS, RULING
from tests.api.walk_ground import drafts, ground, writing
from tests.cases.city import WEST


def table(ids):
    """Return by method and rule what is asked, over things with these ids."""
    asked = {**_public(), **_phones(ids), **ground(ids), **drafts(ids), **writing(ids), **_people(ids)}
    return asked | matters(ids) | issues(ids) | files(ids)


def _public():
    pages = (
        *("/", "/map", "/case", "/desk", "/duty", "/grids", "/review", "/support", "/catalogue", "/rules"),
        *("/signin", "/enrol", "/docs", "/calendar", "/people", "/account", "/patrol"),
        *("/patrol-worker.js", "/patrol.webmanifest", "/patrol-icon-192.png", "/patrol-icon-512.png"),
        "/patrol-maskable-512.png",
    )
    figures = ("/healthz", "/readyz", "/metrics")
    open_to_all = (*pages, *figures, "/v1/categories", "/v1/cases/transitions", "/v1/openapi.json")
    return {f"GET {path}": [Ask(path, anybody)] for path in open_to_all} | {
        "GET /assets/<path:name>": [],
        "POST /v1/devices": [Ask("/v1/devices", nobody, {"code": "NONE", "device": _DEVICE})],
        "POST /v1/session": [Ask("/v1/session", nobody, {"login": "nobody", "password": "no password of anybody"})],
        "OPTIONS /v1/files": [Ask("/v1/files", anybody)],
        "OPTIONS /v1/files/<uuid:file_id>": [Ask(f"/v1/files/{NONE}", anybody)],
    }


_DEVICE = {"name": "p", "platform": "test", "app_version": "1.0.0"}


def _phones(ids):
    push = {"batch_id": NONE, "sent_at": "2026-11-29T12:00:00Z", "ops": []}
    reads = ("pull", "digest", "neighbours", "scope-changes", "status", "events")
    holds = lambda area: lambda caller: caller.is_phone and area in caller.works  # noqa: E731
    tus = {
        "Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0",
        "X-HTTP-Method-Override": "DELETE",
    }  # fmt: skip
    found = {f"GET /v1/sync/{each}": [Ask(f"/v1/sync/{each}", phone)] for each in reads}
    found["GET /v1/sync/pull"] = [
        Ask(
            "/v1/sync/pull",
            phone,
            headers={"Accept": "application/x-ndjson"},
            shows=("issue A", "issue B", "visit A", "visit B", "household A", "household B", "task A", "task B"),
        )
    ]
    return found | {
        "POST /v1/sync/push": [Ask("/v1/sync/push", any_phone, push)],
        "GET /v1/sync/records": [
            Ask(
                "/v1/sync/records",
                holds(area),
                query={"grid": AREAS[area]},
                shows=(f"issue {area}", f"household {area}"),
            )
            for area in AREAS
        ],
        **{
            f"POST /v1/doors/claims{which}": [Ask(f"/v1/doors/claims{which}", phone, {"households": [NONE]} | more)]
            for which, more in (("", {"days": 1}), ("/return", {}))
        },
        "GET /v1/devices/mine": [Ask("/v1/devices/mine", phone, shows=("device A", "device B"))],
        "POST /v1/devices/mine/<uuid:device_uid>/revoke": [Ask(f"/v1/devices/mine/{NONE}/revoke", nobody, {})],
        "PATCH /v1/devices/self": [Ask("/v1/devices/self", phone, {"app_version": "1.0.1"})],
        "GET /v1/devices/outbox-key": [Ask("/v1/devices/outbox-key", any_phone)],
        "POST /v1/devices/wiped": [Ask("/v1/devices/wiped", any_phone)],
        "POST /v1/files": [Ask("/v1/files", phone, headers=tus)],
        **{
            f"{method} /v1/files/<uuid:file_id>": [Ask(f"/v1/files/{ids['file', 'A']}", nobody, headers=tus)]
            for method in ("HEAD", "PATCH", "DELETE", "POST")
        },
        "GET /v1/files/<uuid:file_id>/status": [Ask(f"/v1/files/{ids['file', 'A']}/status", nobody)],
    }


def _people(ids):
    login = f"/v1/people/{ids['worker', 'A']}"
    one = "/v1/people/<string:login>"
    tends = over("A", "admin", "supervisor")
    given = {"role": "grid_worker", "area": WEST}
    return {
        "GET /v1/people": [Ask("/v1/people", role("admin", "supervisor"))],
        "POST /v1/people": [Ask("/v1/people", over("A", "admin"), {"login": "new", **given})],
        f"GET {one}": [Ask(login, tends)],
        f"GET {one}/events": [Ask(f"{login}/events", tends)],
        f"POST {one}/roles": [Ask(f"{login}/roles", over("A", "admin"), given)],
        f"POST {one}/roles/end": [Ask(f"{login}/roles/end", over("A", "admin"), given)],
        **{
            f"POST {one}/{act}": [Ask(f"{login}/{act}", tends, {})]
            for act in ("password", "block", "unblock", "sign-out")
        },
        "GET /v1/session": [Ask("/v1/session", staff)],
        "DELETE /v1/session": [Ask("/v1/session", staff)],
        "POST /v1/session/sign-out-everywhere": [Ask("/v1/session/sign-out-everywhere", staff)],
        "GET /v1/session/passwords": [Ask("/v1/session/passwords", staff)],
        "POST /v1/session/passwords": [Ask("/v1/session/passwords", staff, {"name": "x"})],
        "DELETE /v1/session/passwords/<int:password_id>": [Ask("/v1/session/passwords/999", nobody)],
        "POST /v1/session/password": [Ask("/v1/session/password", staff, {"current": "no", "new": "no"})],
        "POST /v1/enrolments": [
            Ask("/v1/enrolments", over(area, *RULING, "grid_head"), {"worker": ids["worker", area]}) for area in AREAS
        ],
    }  # fmt: skip
