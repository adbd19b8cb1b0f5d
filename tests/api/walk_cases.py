"""The part of the table of rights that is about cases, their files, and whoever handles and looks after them."""

from tests.api.walk_asks import NONE, Ask, nobody, over, role, ruling, seen, staff
from tests.api.walk_city import AREAS, RULING
from tests.cases.city import EAST, WEST

dispatching = role("dispatcher", "admin")
handler = lambda caller: caller.body is not None  # noqa: E731


def _escalates(kind, area):
    """Who may send a case up: who supervises or dispatches over its area, and the body that leads."""
    lead = "chengguan" if kind == "issue" else "sifa"
    return lambda caller: caller.over(area, "supervisor", "dispatcher") or caller.body == lead


def matters(ids):
    def each(path, *roles, sent=None, kind):
        return [Ask(path.format(ids[kind, area]), over(area, *roles), sent) for area in AREAS]

    both = lambda *names: tuple(f"{name} {area}" for name in names for area in AREAS)  # noqa: E731
    body = "/v1/organisations/<code>/endpoint"
    point = "/v1/organisations/chengguan/endpoint"
    history = "/v1/support/records/{}/{}"
    return {
        "GET /v1/review/fields": [Ask("/v1/review/fields", ruling)],
        "GET /v1/review/conflicts": [Ask("/v1/review/conflicts", ruling, shows=both("dispute"))],
        "POST /v1/review/conflicts/<int(max=9223372036854775807):conflict_id>/decision": each(
            "/v1/review/conflicts/{}/decision", *RULING, sent={"value": "low"}, kind="dispute"
        ),
        "GET /v1/review/quarantine": [Ask("/v1/review/quarantine", ruling, shows=both("quarantined"))],
        **{
            f"POST /v1/review/quarantine/<int(max=9223372036854775807):operation_id>/{act}": each(
                f"/v1/review/quarantine/{{}}/{act}", *RULING, sent=sent, kind="quarantined"
            )
            for act, sent in (("dismiss", {"reason": "x"}), ("release", {}))
        },
        "GET /v1/support/devices": [Ask("/v1/support/devices", ruling, query={"q": "mkzq"}, shows=both("device"))],
        "GET /v1/support/devices/<uuid:device_uid>": each("/v1/support/devices/{}", *RULING, kind="device"),
        "POST /v1/devices/<uuid:device_uid>/revoke": each(
            "/v1/devices/{}/revoke", *RULING, sent={"wipe": True}, kind="device"
        ),
        "GET /v1/support/enrolments": [Ask("/v1/support/enrolments", ruling)],
        "GET /v1/support/adrift": [Ask("/v1/support/adrift", ruling)],
        "GET /v1/support/set-aside": [Ask("/v1/support/set-aside", ruling)],
        "POST /v1/support/set-aside/retry": [
            Ask("/v1/support/set-aside/retry", nobody, {"queue": "merge", "item": NONE})
        ],
        "POST /v1/support/outboxes": [
            Ask("/v1/support/outboxes", ruling, headers={"Content-Type": "multipart/form-data"})
        ],
        "GET /v1/support/silent-workers": [Ask("/v1/support/silent-workers", ruling)],
        "GET /v1/support/records/<collection>/<uuid:record_id>": [
            *(Ask(history.format("issues", ids[kind, area]), over(area, *RULING))
              for kind in ("issue", "private") for area in AREAS),
            *(Ask(history.format("visits", ids["visit", area]), over(area, *RULING), shows=(f"visit {area}",))
              for area in AREAS),
            *(Ask(history.format(other, ids["private", area]), nobody)
              for other in ("tasks", "visits", "households", "attachments", "cases") for area in AREAS),
        ],
        "GET /v1/rules": [Ask("/v1/rules", dispatching)],
        "POST /v1/rules": [
            Ask("/v1/rules", over(area, "dispatcher", "admin"), {"label": "x", "lead_body": "chengguan"} | of)
            for area, of in (("A", {"area": WEST}), ("B", {"area": EAST}), ("city", {}))
        ],
        "POST /v1/rules/trial": [
            Ask(
                "/v1/rules/trial",
                over(area, "dispatcher", "admin"),
                {"rule": {"label": "trial", "lead_body": "chengguan", "category": "0406"} | of},
            )
            for area, of in (("A", {"area": WEST}), ("B", {"area": EAST}), ("city", {}))
        ],
        "GET /v1/catalogue": [Ask("/v1/catalogue", staff)],
        "GET /v1/catalogue/xlsx": [Ask("/v1/catalogue/xlsx", staff)],
        "POST /v1/catalogue/xlsx": [Ask("/v1/catalogue/xlsx", over("city", "admin"))],
        "GET /v1/catalogue/<string:code>/versions": [Ask("/v1/catalogue/0302/versions", staff)],
        "PUT /v1/catalogue/<string:code>": [
            Ask("/v1/catalogue/0302", over("city", "admin"), {"fields": {"limit_value": 3}, "dry_run": True})
        ],
        "DELETE /v1/rules/<int:rule_id>": each("/v1/rules/{}", "dispatcher", "admin", kind="rule"),
        "DELETE /v1/bodies/<string:code>": [Ask("/v1/bodies/zhujian", over("city", "admin"))],
        "GET /v1/terms": [Ask("/v1/terms", staff)],
        "GET /v1/terms/editions": [Ask("/v1/terms/editions", staff)],
        "GET /v1/terms/editions/<int:number>/moves": [Ask("/v1/terms/editions/1/moves", role("admin"))],
        "POST /v1/terms": [
            Ask("/v1/terms", over("city", "admin"),
                {"limits": {"check": {"value": 2, "unit": "wd"}}, "source": "x", "dry_run": True})
        ],
        "GET /v1/calendars": [Ask("/v1/calendars", staff)],
        "GET /v1/calendars/years": [Ask("/v1/calendars/years", staff)],
        "GET /v1/calendars/<int:year>": [Ask("/v1/calendars/2026", staff)],
        "GET /v1/calendars/<int:year>/csv": [Ask("/v1/calendars/2026/csv", staff)],
        "GET /v1/calendars/editions/<int:number>/moves": [Ask("/v1/calendars/editions/1/moves", role("admin"))],
        **{
            f"POST /v1/calendars/{path}": [
                Ask(f"/v1/calendars/{path}", over(area, "admin"), {"source": "x", "dry_run": True} | sent | of)
                for area, of in (("A", {"area": WEST}), ("B", {"area": EAST}), ("city", {}))
            ]
            for path, sent in (
                ("years", {"year": 2027, "status": "provisional",
                           "days": [{"date": "2027-01-01", "kind": "holiday", "name": "x"}]}),
                ("hours", {"valid_from": "2027-01-01", "week": {"1": ["08:00-12:00"]}}),
                ("withdrawals", {"year": 2027}),
            )
        },
        "GET /v1/deliveries": [Ask("/v1/deliveries", dispatching, shows=both("delivery"))],
        "POST /v1/deliveries/<uuid:delivery_id>/retry": each(
            "/v1/deliveries/{}/retry", "dispatcher", "admin", kind="delivery"
        ),
        f"GET {body}": [Ask(point, over("city", "admin"), shows=("endpoint",))],
        f"GET {body}/changes": [Ask(f"{point}/changes", over("city", "admin"))],
        f"POST {body}/test": [Ask(f"{point}/test", over("city", "admin"))],
        f"PUT {body}": [Ask(point, over("city", "admin"), {"url": "https://127.0.0.1/"})],
    }  # fmt: skip


def issues(ids):
    lists = {
        f"GET {path}": [
            Ask(path, staff, query={"progress": "all"}, shows=("issue A", "issue B") * (path != "/v1/map/grids")),
            Ask(path, staff, query={"q": "mkzq"}), Ask(path, staff, query={"place": "doubtful"}),
        ]
        for path in ("/v1/issues", "/v1/map/issues", "/v1/map/grids")
    }  # fmt: skip
    lists["GET /v1/map/grids/<code>"] = [
        # Who has the private one there sees that there is one, too.
        Ask(f"/v1/map/grids/{grid}", seen("private", area))
        for area, grid in AREAS.items()
    ]
    both = [(kind, area) for kind in ("issue", "private") for area in AREAS]
    lies = lambda area: lambda caller: caller.over(area)  # noqa: E731
    return lists | _duplicates(ids) | {
        "GET /v1/issues/<uuid:issue_id>": [
            Ask(f"/v1/issues/{ids[kind, area]}", seen(kind, area), shows=(_WORDS[kind].format(area),))
            for kind, area in both
        ],
        "GET /v1/cases": [Ask("/v1/cases", staff, query={"number": "260000017"})],
        "GET /v1/cases/<uuid:issue_id>": [
            Ask(f"/v1/cases/{ids[kind, area]}", seen(kind, area), shows=(_WORDS[kind].format(area),))
            for kind, area in both
        ],
        "POST /v1/cases/<uuid:issue_id>/steps": [
            Ask(f"/v1/cases/{ids[kind, area]}/steps", _escalates(kind, area),
                {"id": NONE, "step": "escalate", "reason": "x"})
            for kind, area in both
        ],
        "POST /v1/cases/steps": [
            Ask("/v1/cases/steps", staff,
                {"steps": [{"id": NONE, "issue_id": ids["private", "A"], "step": "escalate", "reason": "x"}]})
        ],
        "POST /v1/callbacks/<string:code>": [
            Ask("/v1/callbacks/chengguan", nobody,
                {"steps": [{"id": NONE, "issue_id": ids["issue", "A"], "step": "escalate", "reason": "x"}]})
        ],
        "GET /v1/duty": [
            Ask("/v1/duty", role("supervisor", "dispatcher"), shows=("issue A", "private A", "private B"))
        ],
        "GET /v1/desk/cases": [Ask("/v1/desk/cases", handler)],
        "GET /v1/desk/cases/<uuid:issue_id>": [
            Ask(f"/v1/desk/cases/{ids[kind, area]}",
                lambda caller, kind=kind: caller.body == "chengguan" or (caller.body == "sifa" and kind == "private"))
            for kind, area in both
        ],
        "GET /v1/records/<collection>/<uuid:record_id>/grids": [
            Ask(f"/v1/records/{collection}/{ids[kind, area]}/grids", lies(area))
            for collection, kind in (("issues", "issue"), ("issues", "private"), ("visits", "visit")) for area in AREAS
        ] + [Ask(f"/v1/records/visits/{ids['private', area]}/grids", nobody) for area in AREAS],
    }  # fmt: skip


def _duplicates(ids):
    one = "/v1/cases/<uuid:issue_id>"
    asked = {"category": "0302", "location": {"lon": 114.305, "lat": 25.685}, "description": "x"}
    signed_in = lambda caller: caller.is_staff or caller.is_phone  # noqa: E731

    def whole(kind, area):
        return lambda caller: _sees_whole(ids, caller, kind, area)

    both = [(kind, area) for kind in ("issue", "private") for area in AREAS]
    other = {"issue": "private", "private": "issue"}
    return {
        "POST /v1/cases/duplicates": [Ask("/v1/cases/duplicates", signed_in, asked)],
        f"GET {one}/duplicates": [Ask(f"/v1/cases/{ids[each]}/duplicates", whole(*each)) for each in both],
        f"GET {one}/reused-photos": [Ask(f"/v1/cases/{ids[each]}/reused-photos", whole(*each)) for each in both],
        f"POST {one}/duplicates/<uuid:other_id>/dismissal": [
            Ask(f"/v1/cases/{ids[kind, area]}/duplicates/{ids[other[kind], area]}/dismissal", over(area, *RULING), {})
            for kind, area in both
        ],
    }


def _sees_whole(ids, caller, kind, area):
    """Return whether a caller sees an issue unmasked: by a duty over its area, as its body, or on a phone."""
    author = caller.login == ids["worker", area]
    if caller.is_phone:
        return author or (kind == "issue" and area in caller.works)
    if kind == "issue":
        return caller.over(area) or caller.body == "chengguan"
    return caller.over(area, *RULING) or caller.body == "sifa"


_WORDS = {"issue": "issue {}", "private": "private words {}"}


def files(ids):
    def served(caller, kind, area):
        author = caller.login == ids["worker", area]
        holds = caller.is_phone and area in caller.works
        if kind == "file":
            return caller.over(area) or holds or caller.body == "chengguan" or (author and caller.is_phone)
        return caller.over(area, *RULING) or caller.body == "sifa" or (author and caller.is_phone)

    def sends(kind, area):
        roles, body = ((*RULING, "grid_head", "checker"), "chengguan") if kind == "issue" else (RULING, "sifa")
        return lambda caller: caller.over(area, *roles) or caller.body == body

    return {
        "GET /v1/files/<uuid:file_id>/content": [
            Ask(f"/v1/files/{ids[kind, area]}/content",
                lambda caller, kind=kind, area=area: served(caller, kind, area), shows=(f"{kind} {area}",))
            for kind in ("file", "private file") for area in AREAS
        ],
        "GET /v1/files/<uuid:file_id>/original": [
            Ask(f"/v1/files/{ids[kind, area]}/original", nobody) for kind in ("file", "private file") for area in AREAS
        ],
        "POST /v1/files/issues/<uuid:issue_id>/<uuid:file_id>": [
            Ask(f"/v1/files/issues/{ids[kind, area]}/{NONE}", sends(kind, area))
            for kind in ("issue", "private") for area in AREAS
        ],
        "GET /v1/files/<uuid:file_id>/preview": [
            Ask(f"/v1/files/{ids[kind, area]}/preview", nobody) for kind in ("file", "private file") for area in AREAS
        ],
    }  # fmt: skip
