"""Who may call which route, over which area: the table that the walk over all routes is held against.

Each route has its requests, and each request says who is let through, by roles and areas alone. A request that is let
through may still fail for what it lacks: whoever is turned away is told 401, 403 or 404.
"""

from dataclasses import dataclass, field

from tests.api.walk_city import AREAS, COUNTY, RULING
from tests.cases.city import EAST, WEST


@dataclass
class Ask:
    """One request. ``who``: whether a caller is let through. ``programs``: an application password will do.

    ``shows``: names of planted words that whoever may read them finds in the answer.
    """

    path: str
    who: object
    sent: object = None
    query: dict = field(default_factory=dict)
    headers: dict = field(default_factory=dict)
    programs: bool = False
    shows: tuple = ()

    def lets(self, caller):
        return self.who is anybody or ((self.programs or caller.kind != "program") and bool(self.who(caller)))


def anybody(_caller):
    return True


def nobody(_caller):
    return False


def staff(caller):
    return caller.is_staff


def phone(caller):
    return caller.is_phone


def any_phone(caller):
    return caller.kind == "phone"


def role(*roles):
    return lambda caller: caller.somewhere(*roles)


def over(area, *roles):
    return lambda caller: caller.over(area, *roles)


ruling = role(*RULING)
dispatching = role("dispatcher", "admin")
draws = role("gis")
imports = role("gis", "admin")
handler = lambda caller: caller.body is not None  # noqa: E731
IF_ANY = {"If-Match": "*"}
SQUARE = {"type": "Polygon", "coordinates": [[[114.32, 25.68], [114.33, 25.68], [114.33, 25.69], [114.32, 25.68]]]}


def table(ids):
    """Return by method and rule what is asked, over things with these ids."""
    asked = {**_public(), **_phones(ids), **_ground(ids), **_drafts(ids), **_writing(ids), **_people(ids)}
    return asked | _matters(ids) | _issues(ids) | _files(ids)


def _public():
    pages = (
        *("/", "/map", "/case", "/desk", "/duty", "/grids", "/review", "/support", "/catalogue", "/rules"),
        *("/signin", "/enrol", "/docs", "/calendar", "/people", "/account"),
    )
    figures = ("/healthz", "/readyz", "/metrics")
    open_to_all = (*pages, *figures, "/v1/categories", "/v1/cases/transitions", "/v1/openapi.json")
    return {f"GET {path}": [Ask(path, anybody)] for path in open_to_all} | {
        "GET /assets/<path:name>": [],
        "POST /v1/devices": [Ask("/v1/devices", nobody, {"code": "NONE", "device": _DEVICE})],
        "POST /v1/session": [Ask("/v1/session", nobody, {"login": "nobody", "password": "no password of anybody"})],
        "OPTIONS /v1/files": [Ask("/v1/files", anybody)],
        "OPTIONS /v1/files/<uuid:file_id>": [Ask(f"/v1/files/{_NONE}", anybody)],
    }


_NONE = "00000000-0000-4000-8000-000000000000"
_DEVICE = {"name": "p", "platform": "test", "app_version": "1.0.0"}


def _phones(ids):
    push = {"batch_id": _NONE, "sent_at": "2026-11-29T12:00:00Z", "ops": []}
    reads = ("pull", "digest", "status", "events")
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
        "GET /v1/devices/outbox-key": [Ask("/v1/devices/outbox-key", any_phone)],
        "PATCH /v1/devices/self": [Ask("/v1/devices/self", phone, {"app_version": "1.0.1"})],
        "POST /v1/devices/wiped": [Ask("/v1/devices/wiped", any_phone)],
        "POST /v1/files": [Ask("/v1/files", phone, headers=tus)],
        **{
            f"{method} /v1/files/<uuid:file_id>": [Ask(f"/v1/files/{ids['file', 'A']}", nobody, headers=tus)]
            for method in ("HEAD", "PATCH", "DELETE", "POST")
        },
        "GET /v1/files/<uuid:file_id>/status": [Ask(f"/v1/files/{ids['file', 'A']}/status", nobody)],
    }


def _ground(ids):
    plain = ("", "/", "/conformance", "/api", "/collections", "/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad")
    found = {f"GET /ogc{path}": [Ask(f"/ogc{path}", staff, programs=True)] for path in plain}
    for path, filled in (
        ("", ""), ("/schema", "/schema"), ("/queryables", "/queryables"), ("/tiles", "/tiles"),
        ("/tiles/WebMercatorQuad", "/tiles/WebMercatorQuad"),
        ("/tiles/WebMercatorQuad/<int:z>/<int:y>/<int:x>", "/tiles/WebMercatorQuad/10/436/837"),
    ):  # fmt: skip
        rule = f"GET /ogc/collections/<collection_id>{path}"
        found[rule] = [Ask(f"/ogc/collections/areas-grid{filled}", staff, programs=True)]
    for path, query in (
        ("/v1/editions", {}), ("/v1/editions/in-force", {}), ("/v1/editions/areas", {}),
        ("/v1/editions/place", {"lon": 114.305, "lat": 25.685}), ("/v1/boundaries/export", {"format": "geojson"}),
    ):  # fmt: skip
        found[f"GET {path}"] = [Ask(path, staff, query=query, programs=True)]
    found |= {
        "GET /v1/editions/<int:number>": [Ask("/v1/editions/1", staff, programs=True)],
        "GET /v1/editions/<int:number>/fragments": [Ask("/v1/editions/1/fragments", staff, programs=True)],
        "GET /v1/editions/<int:number>/move": [Ask("/v1/editions/1/move", staff)],
        "GET /v1/editions/areas/<code>/lineage": [Ask(f"/v1/editions/areas/{WEST}/lineage", staff, programs=True)],
        "GET /v1/editions/plans": [Ask("/v1/editions/plans", staff)],
        "GET /v1/map/ground": [Ask("/v1/map/ground", staff)],
        "GET /v1/map/events": [Ask("/v1/map/events", staff)],
        "GET /v1/bodies": [Ask("/v1/bodies", staff)],
        "GET /v1/work": [Ask("/v1/work", staff)],
        "GET /v1/work/events": [Ask("/v1/work/events", staff)],
        "GET /v1/areas": [Ask("/v1/areas", staff)],
        "GET /v1/tiles/<int:edition>/<string:kind>/<int:z>/<int:x>/<int:y>.mvt": [
            Ask("/v1/tiles/1/grid/10/837/436.mvt", staff)
        ],
        "POST /v1/editions/preview": [
            Ask("/v1/editions/preview", over(area, "gis"), _redrawn(retired=[AREAS[area]])) for area in AREAS
        ],
        "POST /v1/editions": [
            Ask("/v1/editions", over(area, "gis"), _redrawn(retired=[AREAS[area]], base=1, name="x")) for area in AREAS
        ],
        "POST /v1/editions/<int:number>/restoration": [
            Ask("/v1/editions/99/restoration", nobody, {}),
            Ask("/v1/editions/1/restoration", draws, {}),
        ],
        "DELETE /v1/editions/plans/<int:plan_id>": [
            Ask("/v1/editions/plans/99", nobody),
            *(Ask(f"/v1/editions/plans/{ids['plan', area]}", over(area, "gis")) for area in AREAS),
        ],
    }
    return found


def _redrawn(**more):
    return {"areas": {"type": "FeatureCollection", "features": []}, **more}


def _drafts(ids):
    one = "/v1/drafts/<int(max=2147483647):draft_id>"
    of_city = {area: ids["draft", "gis of the city", AREAS[area]] for area in AREAS}
    of_a = ids["draft", "gis of A", WEST]
    citys, in_a = over("city", "gis"), over("A", "gis")
    changing = {
        f"{method} {one}{path}": [
            *(Ask(f"/v1/drafts/{of_city[area]}{path}", citys, sent, headers=IF_ANY) for area in AREAS),
            Ask(f"/v1/drafts/{of_a}{path}", in_a, sent, headers=IF_ANY),
        ]
        for method, path, sent in (("DELETE", "", None), ("POST", "/rebase", {}))
    }
    by_area = {
        f"{method} {one}{path}": [
            Ask(f"/v1/drafts/{of_city[area]}{path}", over(area, "gis"), sent, headers=IF_ANY) for area in AREAS
        ]
        for method, path, sent in (("POST", "/undo", {}), ("POST", "/publish", {}), ("GET", "/impact", None))
    }
    named = lambda area: {"kind": "rename", "code": AREAS[area], "name": "别名"}  # noqa: E731
    return changing | by_area | {
        "POST /v1/drafts": [Ask("/v1/drafts", draws, {"name": "x"})],
        "GET /v1/drafts": [Ask("/v1/drafts", draws)],
        f"GET {one}": [Ask(f"/v1/drafts/{of_a}", draws)],
        **{
            f"GET {one}{path}": [Ask(f"/v1/drafts/{of_a}{path}", draws)]
            for path in ("/areas", "/changes", "/findings")
        },
        f"POST {one}/redo": [Ask(f"/v1/drafts/{of_a}/redo", draws, {}, headers=IF_ANY)],
        f"POST {one}/operations": [
            *(Ask(f"/v1/drafts/{of_city['B']}/operations", over(area, "gis"), named(area), headers=IF_ANY)
              for area in AREAS),
            Ask(f"/v1/drafts/{of_a}/operations", citys, named("B"), headers=IF_ANY),
            Ask(f"/v1/drafts/{of_a}/operations", in_a, named("A"), headers=IF_ANY),
        ],
    }  # fmt: skip


def _writing(ids):
    items = "/ogc/collections/<collection_id>/items"
    draft = f"/ogc/collections/draft-{ids['draft', 'gis of the city', EAST]}-grid/items"
    by_area = [(area, ids["area", area]) for area in AREAS]
    geojson = {"Content-Type": "application/geo+json"}
    feature = {"type": "Feature", "geometry": SQUARE, "properties": {"name": "新", "code": "9", "parent": COUNTY}}
    named, merging = {"properties": {"name": "又名"}}, {"Content-Type": "application/merge-patch+json"}
    shown = {"programs": True, "query": {"limit": 1000}}
    changing = {
        f"{method} {items}/<feature_id>": [
            Ask(f"{draft}/{number}", over(area, "gis"), sent, headers=headers, programs=True)
            for area, number in by_area
        ]
        for method, sent, headers in (("PATCH", named, merging), ("DELETE", None, {}))
    }
    return changing | {
        f"PUT {items}/<feature_id>": [Ask(f"{draft}/{by_area[0][1]}", draws, named, headers=geojson, programs=True)],
        f"POST {items}": [Ask(draft, over("city", "gis"), feature, headers=geojson, programs=True)],
        f"OPTIONS {items}": [Ask(draft, staff, programs=True)],
        f"OPTIONS {items}/<feature_id>": [Ask(f"{draft}/1", staff, programs=True)],
        f"GET {items}": [
            Ask("/ogc/collections/areas-grid/items", staff, programs=True),
            Ask("/ogc/collections/issues/items", staff, shows=("issue A", "issue B"), **shown),
            Ask("/ogc/collections/visits/items", staff, **shown),
            Ask(draft, draws, programs=True),
        ],
        f"GET {items}/<feature_id>": [
            Ask(f"/ogc/collections/issues/items/{ids[kind, area]}", _seen(kind, area), programs=True)
            for kind in ("issue", "private") for area in AREAS
        ],
        "GET /v1/boundaries/imports": [Ask("/v1/boundaries/imports", imports, programs=True, shows=("import",))],
        "POST /v1/boundaries/imports": [
            Ask("/v1/boundaries/imports", imports, query={"kind": "grid", "name": "x"}, programs=True,
                headers={"Content-Type": "multipart/form-data"})
        ],
        "GET /v1/boundaries/imports/<uuid:import_id>": [
            Ask(f"/v1/boundaries/imports/{ids['import',]}", _own_import, programs=True)
        ],
        "POST /v1/boundaries/imports/<uuid:import_id>/taking": [
            Ask(f"/v1/boundaries/imports/{ids['import',]}/taking", _own_import, {}, programs=True)
        ],
    }  # fmt: skip


def _own_import(caller):
    return caller.name in ("gis of A", "a program of gis of A")


def _seen(kind, area):
    """Who sees that there is an issue, masked or whole: any role over its area, and the bodies that handle it."""
    bodies = ("chengguan",) if kind == "issue" else ("sifa", "chengguan")
    return lambda caller: caller.over(area) or caller.body in bodies


def _escalates(kind, area):
    """Who may send a case up: who supervises or dispatches over its area, and the body that leads."""
    lead = "chengguan" if kind == "issue" else "sifa"
    return lambda caller: caller.over(area, "supervisor", "dispatcher") or caller.body == lead


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


def _matters(ids):
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
            Ask("/v1/support/set-aside/retry", nobody, {"queue": "merge", "item": _NONE})
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


def _issues(ids):
    lists = {
        f"GET {path}": [
            Ask(path, staff, query={"progress": "all"}, shows=("issue A", "issue B") * (path != "/v1/map/grids")),
            Ask(path, staff, query={"q": "mkzq"}), Ask(path, staff, query={"place": "doubtful"}),
        ]
        for path in ("/v1/issues", "/v1/map/issues", "/v1/map/grids")
    }  # fmt: skip
    lists["GET /v1/map/grids/<code>"] = [
        # Who has the private one there sees that there is one, too.
        Ask(f"/v1/map/grids/{grid}", _seen("private", area))
        for area, grid in AREAS.items()
    ]
    both = [(kind, area) for kind in ("issue", "private") for area in AREAS]
    lies = lambda area: lambda caller: caller.over(area)  # noqa: E731
    return lists | _duplicates(ids) | {
        "GET /v1/issues/<uuid:issue_id>": [
            Ask(f"/v1/issues/{ids[kind, area]}", _seen(kind, area), shows=(_WORDS[kind].format(area),))
            for kind, area in both
        ],
        "GET /v1/cases": [Ask("/v1/cases", staff, query={"number": "260000017"})],
        "GET /v1/cases/<uuid:issue_id>": [
            Ask(f"/v1/cases/{ids[kind, area]}", _seen(kind, area), shows=(_WORDS[kind].format(area),))
            for kind, area in both
        ],
        "POST /v1/cases/<uuid:issue_id>/steps": [
            Ask(f"/v1/cases/{ids[kind, area]}/steps", _escalates(kind, area),
                {"id": _NONE, "step": "escalate", "reason": "x"})
            for kind, area in both
        ],
        "POST /v1/cases/steps": [
            Ask("/v1/cases/steps", staff,
                {"steps": [{"id": _NONE, "issue_id": ids["private", "A"], "step": "escalate", "reason": "x"}]})
        ],
        "POST /v1/callbacks/<string:code>": [
            Ask("/v1/callbacks/chengguan", nobody,
                {"steps": [{"id": _NONE, "issue_id": ids["issue", "A"], "step": "escalate", "reason": "x"}]})
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


def _files(ids):
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
            Ask(f"/v1/files/issues/{ids[kind, area]}/{_NONE}", sends(kind, area))
            for kind in ("issue", "private") for area in AREAS
        ],
        "GET /v1/files/<uuid:file_id>/preview": [
            Ask(f"/v1/files/{ids[kind, area]}/preview", nobody) for kind in ("file", "private file") for area in AREAS
        ],
    }  # fmt: skip
