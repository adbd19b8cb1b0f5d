"""The part of the table of rights that is about ground: editions, drafts, what GIS programs read and write, imports."""

from tests.api.walk_asks import Ask, nobody, over, role, seen, staff
from tests.api.walk_city import AREAS, COUNTY
from tests.cases.city import EAST, WEST

draws = role("gis")
imports = role("gis", "admin")
IF_ANY = {"If-Match": "*"}
SQUARE = {"type": "Polygon", "coordinates": [[[114.32, 25.68], [114.33, 25.68], [114.33, 25.69], [114.32, 25.68]]]}


def ground(ids):
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


def drafts(ids):
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


def writing(ids):
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
            Ask(f"/ogc/collections/issues/items/{ids[kind, area]}", seen(kind, area), programs=True)
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
