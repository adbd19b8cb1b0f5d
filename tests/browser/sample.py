"""The sample city's ground with people and issues, on a database of the tests' own: what the pages are looked at with.

Issues are routed by the routing service itself, as of moments in the past, so that all lights are on.
"""

import datetime as dt
import json
import random
import uuid

import shapely
from sqlalchemy import text

from geo.editions.ground import load_ground
from geo.geometry.shapes import repair
from server.accounts.service import add_person
from server.cases.catalogue import load_catalogue
from server.cases.routing.service import route_awaiting
from server.demo.ground import COUNTY_FILE, chongyi_ground

PASSWORD = "Patrol-2026-demo"  # of a city that lives as long as the test
SUPERVISOR, CLERK, HANDLER, ADMIN, DRAWER = "chief", "clerk", "chengguan-desk", "admin", "drawer"
KINDS = (
    ("county", "县", "County", 0, False),
    ("committee", "工委", "Working committee", 1, False),
    ("community", "社区", "Community", 2, False),
    ("grid", "网格", "Grid", 3, True),
    ("zone", "责任区", "Responsibility zone", 4, False),
)
WORKERS = ("刘建国", "黄秀英", "陈志强", "谢小兰", "钟文华", "何丽娟", "郭永生", "朱春燕")
WORDS = {
    "0101": ("路口垃圾桶满溢，周边有散落垃圾", "阳岭大道与章源路口"),
    "0103": ("路面有泥土遗撒，长约二十米", "章源大道建材市场门口"),
    "0201": ("早餐摊占用人行道，行人绕行机动车道", "县实验小学东门"),
    "0202": ("面包车停在盲道上，多日未移动", "西门路 36 号"),
    "0301": ("雨水井盖缺失，已临时放置警示桩", "文竹路公交站旁"),
    "0302": ("两盏路灯不亮，夜间行人不便", "水南新区中心广场"),
    "0304": ("涵洞积水约三十厘米，小车无法通过", "京九大道下穿通道"),
    "0402": ("三号楼电梯停运，有老人被困过一次", "阳明小区 3 栋"),
    "0404": ("楼道堆放旧家具，阻挡消防通道", "金坑家园 2 栋 1 单元"),
    "0501": ("消防通道被地桩封堵", "横水新城北门"),
    "0502": ("一楼飞线充电三处", "老城区东门巷 12 号"),
    "0601": ("楼上漏水引发争执，双方请求调解", "阳明小区 5 栋 502"),
    "0801": ("独居老人两天未见出门", "水西坝 8 号"),
    "0901": ("烧烤店油烟直排，居民投诉", "章源美食街 21 号"),
    "1005": ("希望在小广场加两张长椅", "樟树下社区小广场"),
}
ROUTED_AGO = (
    dt.timedelta(days=6),
    dt.timedelta(days=2),
    dt.timedelta(hours=20),
    dt.timedelta(minutes=105),  # of two hours: due soon
    dt.timedelta(),
)
OUTSIDE_EVERY = 41
NEAR_EVERY = 29


def found(session, *, issues=300, seed=7):
    """Found the city with so many open issues (and a tenth as many closed). All is committed."""
    now = dt.datetime.now(dt.UTC)
    _ground(session)
    load_catalogue(session)
    session.commit()
    ground = load_ground(session, 1)
    _people(session, ground, now)
    chance = random.Random(seed)
    share = issues // len(ROUTED_AGO)
    for place, ago in enumerate(ROUTED_AGO):
        moment = now - ago
        for number in range(share):
            _report(session, ground, chance, moment, place * share + number)
        while route_awaiting(session, moment, ground, limit=500).issues:
            session.commit()
        session.commit()
    _close(session, issues // 10, now)
    session.commit()


def _ground(session):
    drawn = shapely.from_geojson(json.dumps(json.loads(COUNTY_FILE.read_text())["features"][0]["geometry"]))
    outline, _faults = repair(drawn)
    for kind in KINDS:
        session.execute(
            text("INSERT INTO area_kind VALUES (:code, :zh, :en, :rank, :locating)"),
            dict(zip(("code", "zh", "en", "rank", "locating"), kind, strict=True)),
        )
    session.execute(
        text("INSERT INTO edition (number, name, in_force, published_by) VALUES (1, '第一版', '[2026-01-01,)', 'test')")
    )
    for area in chongyi_ground(outline).areas:
        session.execute(
            text("INSERT INTO area (code, kind) VALUES (:code, :kind)"), {"code": area.code, "kind": area.level}
        )
        session.execute(
            text("""
                INSERT INTO area_version (area_id, parent_id, name, polygon, editions)
                SELECT id, (SELECT id FROM area WHERE code = :parent), :name,
                       ST_Multi(ST_GeomFromWKB(:wkb, 4326)), '[1,)'
                FROM area WHERE code = :code
            """),
            {"code": area.code, "parent": area.parent, "name": area.name, "wkb": area.polygon.wkb},
        )


def _people(session, ground, now):
    add_person(session, SUPERVISOR, role="supervisor", place="360725", password=PASSWORD, name="周敏", now=now)
    add_person(session, CLERK, role="auditor", place="360725", password=PASSWORD, name="林文", now=now)
    add_person(session, DRAWER, role="gis", place="360725", password=PASSWORD, name="罗平", now=now)
    add_person(session, HANDLER, role="handler", place="chengguan", password=PASSWORD, name="曾强", now=now)
    add_person(session, ADMIN, role="admin", place="360725", password=PASSWORD, name="吴桂芳", now=now)
    for number, grid in enumerate(ground.grid_ids):
        name, code = WORKERS[number % len(WORKERS)], ground.areas[grid].code
        add_person(session, f"w{number + 1:02}", role="grid_worker", place=code, password=None, name=name, now=now)
    session.flush()


def _report(session, ground, chance, moment, number):
    grid = None if number % OUTSIDE_EVERY == OUTSIDE_EVERY - 1 else chance.choice(ground.grid_ids)
    lon, lat = _point(session, grid, chance)
    near = grid is not None and number % NEAR_EVERY == NEAR_EVERY - 1
    category = chance.choice(sorted(WORDS))
    description, address = WORDS[category]
    doc = {
        "category": category,
        "description": description,
        "address_text": address,
        "severity": "urgent" if chance.random() < 0.08 else "normal",
        "location": {"lon": lon, "lat": lat, "accuracy_m": chance.choice((4, 8, 15, 30)), "datum": "wgs84"},
        "photos": [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(chance.randrange(3))],
    }
    issue_id = uuid.UUID(int=chance.getrandbits(128), version=4)
    author = session.scalar(text("SELECT person_id FROM assignment WHERE area_id = :grid LIMIT 1"), {"grid": grid})
    session.execute(
        text("""
            INSERT INTO issue (id, rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position,
                               located, distance_m, edition_at_capture, grid_at_capture, grid_now)
            VALUES (:id, 1, 1, CAST(:doc AS jsonb), :author, :captured, :received, :received,
                    ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :located, :distance, 1, :grid, :grid)
        """),
        {
            "id": issue_id, "doc": json.dumps(doc, ensure_ascii=False), "author": author,
            "captured": moment - dt.timedelta(minutes=chance.randrange(5, 300)), "received": moment,
            "lon": lon, "lat": lat, "grid": grid, "distance": 18.0 if near else None,
            "located": "near" if near else "inside" if grid else "outside",
        },
    )  # fmt: skip
    session.execute(
        text("""
            INSERT INTO operation (op_id, body_hash, device_id, author_id, collection, record_id, action, captured_at,
                                   corrected_at, received_at, data, rev, status)
            SELECT :op, '\\x00', 1, author_id, 'issues', id, 'put', captured_at, captured_at, received_at, doc, 1,
                   'applied'
            FROM issue WHERE id = :id
        """),
        {"op": uuid.UUID(int=chance.getrandbits(128), version=4), "id": issue_id},
    )


def _point(session, grid, chance):
    """A point in a grid, the same each time; somewhere in the hills where there is none."""
    if grid is None:
        return round(114.34 + chance.random() * 0.02, 7), round(25.70 + chance.random() * 0.02, 7)
    return session.execute(
        text("""
            SELECT ST_X(point), ST_Y(point) FROM (
                SELECT ST_GeometryN(ST_GeneratePoints(polygon, 1, :seed), 1) AS point
                FROM area_version WHERE area_id = :grid
            ) AS one
        """),
        {"grid": grid, "seed": chance.randrange(1, 2**30)},
    ).one()


def _close(session, count, now):
    session.execute(
        text("""
            UPDATE issue SET state = 'closed', closed_at = :now, closing_reason = 'fixed', public_answer = '已处理完毕'
            WHERE id IN (SELECT id FROM issue ORDER BY id LIMIT :count)
        """),
        {"count": count, "now": now},
    )


def multiply(session, times):
    """Put so many copies of every open issue beside it: for a city with much on its hands."""
    columns = (
        "rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, located, edition_at_capture, "
        "grid_at_capture, grid_now, state, awaiting_routing, due_at, body_id, routing"
    )
    session.execute(
        text(f"""
            INSERT INTO issue (id, position, {columns})
            SELECT gen_random_uuid(),
                   ST_Translate(position, (random() - 0.5) * 0.004, (random() - 0.5) * 0.004), {columns}
            FROM issue, generate_series(1, :times) WHERE closed_at IS NULL
        """),
        {"times": times},
    )
