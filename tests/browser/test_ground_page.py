"""The page of the ground in Chromium: a grid is picked, split by a line drawn on the map, looked at, and published."""

import datetime as dt
import math
from types import SimpleNamespace

import pytest
import shapely
from playwright.sync_api import expect
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from server.accounts.service import add_person
from server.config import sqlalchemy_url
from tests.api.serving import served
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE, founded
from tests.files.importing import geojson, importer_of

PADDING_PX = 28


@pytest.fixture
def city(cluster_url, redis_url, tmp_path):
    """A sample city of its own, with somebody who draws: what a test publishes is no other test's ground."""
    with (
        founded(cluster_url, 10) as url,
        served(
            url,
            redis_url,
            threads=8,
            PATROL_SIGN_IN_RATE="1000 per minute",
            PATROL_FILES_URL=tmp_path.as_uri(),
            PATROL_HOUSEHOLD_NORM="300-500",
        ) as at,
    ):
        engine = create_engine(sqlalchemy_url(url))
        with Session(engine) as session:
            county = session.scalar(text("SELECT code FROM area WHERE kind = 'county'"))
            now = dt.datetime.now(dt.UTC)
            add_person(session, "mapper", role="gis", place=county, password=sample.PASSWORD, name="测绘员", now=now)
            session.commit()
            yield SimpleNamespace(at=at, session=session, importer=importer_of(engine, tmp_path.as_uri()))
        engine.dispose()


def grids_of(session):
    """The grids in force: code -> polygon."""
    rows = session.execute(
        text("""
            SELECT code, ST_AsBinary(polygon) AS wkb FROM area JOIN area_version ON area_id = area.id
            WHERE kind = 'grid' AND upper_inf(editions) ORDER BY code
        """)
    )
    return {row.code: shapely.from_wkb(bytes(row.wkb)) for row in rows}


def name_of(session, code):
    return session.scalar(
        text("""SELECT name FROM area JOIN area_version ON area_id = area.id
                WHERE code = :code AND upper_inf(editions)"""),
        {"code": code},
    )


class Canvas:
    """Where places are on the map, as the page opens it: all grids, with a margin."""

    def __init__(self, page, grids):
        self.page = page
        box = page.locator(".map-canvas").bounding_box()
        west, south, east, north = shapely.total_bounds(list(grids.values()))
        (left, top), (right, bottom) = mercator(west, north), mercator(east, south)
        room = (box["width"] - 2 * PADDING_PX, box["height"] - 2 * PADDING_PX)
        self.scale = min(room[0] / (right - left), room[1] / (bottom - top))
        self.middle = ((left + right) / 2, (top + bottom) / 2)
        self.at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def click(self, lon, lat):
        x, y = ((value - middle) * self.scale for value, middle in zip(mercator(lon, lat), self.middle, strict=True))
        self.page.mouse.click(self.at[0] + x, self.at[1] + y)


def mercator(lon, lat):
    return lon / 360, -math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)


def opened(visit, city, size=WIDE):
    watched = visit(size, city.at)
    watched.sign_in("mapper", "/grids")
    watched.page.wait_for_selector(".map-canvas[data-ready=true]")
    return watched.page


def begin(page, name="东门划分"):
    page.get_by_label("草案名称").fill(name)
    page.get_by_role("button", name="开始").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def split(page, grids, code):
    """Draw a line through the middle of a grid, from outside to outside."""
    canvas = Canvas(page, grids)
    west, _, east, _ = grids[code].bounds
    inside = grids[code].representative_point()
    canvas.click(inside.x, inside.y)
    page.get_by_role("button", name="分割").click()
    page.wait_for_selector(".map-canvas[data-drawing=true]")
    beyond = (east - west) / 10
    canvas.click(west - beyond, inside.y)
    canvas.click(east + beyond, inside.y)
    expect(page.get_by_text("已有 2 点")).to_be_visible()


def roundest(grids):
    """A grid that any level line through its middle cuts in two."""
    return max(grids, key=lambda code: grids[code].area / grids[code].minimum_rotated_rectangle.area)


def test_a_grid_is_split_on_the_map_and_published(visit, city, looked_at):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    code = roundest(grids)
    split(page, grids, code)
    looked_at(page, "ground-line")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_text(f"分割 {code}")).to_be_visible()
    # Warned of, and no more: the micro-grids that the line cuts.
    expect(page.get_by_text("在上级").first).to_be_visible()
    expect(page.get_by_text("不在规定的 300 至 500 户之内")).to_have_count(2)
    expect(page.get_by_role("button", name="发布")).to_be_enabled()
    expect(page.get_by_role("heading", name="影响")).to_be_visible()
    looked_at(page, "ground-draft")
    page.get_by_role("button", name="发布").click()
    page.get_by_role("dialog").get_by_role("button", name="发布").click()
    expect(page.get_by_text("第 2 版")).to_be_visible()
    expect(page.get_by_text("块土地换了网格")).to_be_visible()
    looked_at(page, "ground-editions")
    city.session.rollback()
    after = grids_of(city.session)
    assert len(after) == len(grids) + 1
    assert shapely.union_all(list(after.values())).area == pytest.approx(
        shapely.union_all(list(grids.values())).area, rel=1e-9
    )


def test_undo_takes_a_step_back_and_a_line_that_does_not_cross_is_refused_in_words(visit, city):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    code = roundest(grids)
    split(page, grids, code)
    page.get_by_role("button", name="退一点").click()
    inside = grids[code].representative_point()
    Canvas(page, grids).click(inside.x, inside.y)
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_role("button", name="取消").click()
    page.get_by_role("button", name="改名").click()
    page.get_by_label("新名称").fill("新东门网格")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_text(f"改名 {code}")).to_be_visible()
    page.get_by_role("button", name="撤销").click()
    expect(page.locator(".is-undone")).to_have_count(1)
    page.get_by_role("button", name="重做").click()
    expect(page.locator(".is-undone")).to_have_count(0)


def test_a_grid_is_divided_evenly_and_grids_are_only_brought_within_a_range_that_is_one(visit, city, looked_at):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    code = roundest(grids)
    inside = grids[code].representative_point()
    Canvas(page, grids).click(inside.x, inside.y)
    page.get_by_role("button", name="均分").click()
    page.get_by_label("网格数").fill("3")
    looked_at(page, "ground-even")
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_text(f"均分 {code}")).to_be_visible()
    expect(page.locator(".ground-balance")).to_contain_text(f"{code}：")
    expect(page.get_by_role("heading", name="影响")).to_be_visible()
    looked_at(page, "ground-divided")
    for each in list(grids)[:2]:
        place = grids[each].representative_point()
        Canvas(page, grids).click(place.x, place.y)
    page.get_by_role("button", name="均衡户数").click()
    looked_at(page, "ground-heal")
    page.get_by_label("最少户数").fill("600")
    expect(page.get_by_role("button", name="完成")).to_be_disabled()


def test_dividing_evenly_fits_a_phone(visit, city, looked_at):
    page = opened(visit, city, NARROW)
    begin(page)
    grids = grids_of(city.session)
    inside = grids[roundest(grids)].representative_point()
    Canvas(page, grids).click(inside.x, inside.y)
    page.get_by_role("button", name="均分").click()
    page.get_by_text("按户数").click()
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".ground-balance")).to_be_visible()
    looked_at(page, "ground-even-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_two_who_change_one_draft_do_not_overwrite_each_other(visit, city):
    page = opened(visit, city)
    begin(page)
    other = opened(visit, city)
    other.get_by_role("button", name="东门划分").click()
    grids = grids_of(city.session)
    code = roundest(grids)
    for each in (page, other):
        inside = grids[code].representative_point()
        Canvas(each, grids).click(inside.x, inside.y)
        each.get_by_role("button", name="改名").click()
        each.get_by_label("新名称").fill("名字")
        each.get_by_role("button", name="完成").click()
    expect(page.get_by_text(f"改名 {code}")).to_be_visible()
    expect(other.get_by_text("别人刚改过此草案")).to_be_visible()
    expect(other.get_by_text(f"改名 {code}")).to_be_visible()


def test_on_a_phone_the_map_stays_above_what_is_done_with_it(visit, city, looked_at):
    page = opened(visit, city, NARROW)
    begin(page)
    looked_at(page, "ground-narrow")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def send_file(page, city, content, name="东门.geojson"):
    """Choose a file, have it looked at, and let the job run."""
    page.get_by_label("边界文件").set_input_files({"name": name, "mimeType": "application/geo+json", "buffer": content})
    with page.expect_response(lambda answer: "/v1/boundaries/imports?" in answer.url) as answered:
        page.get_by_role("button", name="试读").click()
    assert answered.value.status == 202
    assert city.importer.import_next() is not None


def twice_pointed(polygon):
    """The polygon with its first corner twice, as clumsy programs write it."""
    shape = shapely.geometry.mapping(polygon if polygon.geom_type == "Polygon" else polygon.geoms[0])
    ring, *holes = shape["coordinates"]
    return {"type": "Polygon", "coordinates": [[ring[0], *ring], *holes]}


@pytest.mark.parametrize(("size", "wide"), [(WIDE, True), (NARROW, False)])
def test_a_file_is_looked_at_with_its_faults_on_the_map_and_put_into_a_new_draft(visit, city, looked_at, size, wide):
    page = opened(visit, city, size)
    grids = grids_of(city.session)
    code = roundest(grids)
    page.get_by_role("button", name="导入文件").click()
    send_file(page, city, geojson((code, "东门新名", twice_pointed(grids[code]))))
    expect(page.get_by_text("新增 0，变更 1，未变 0")).to_be_visible()
    expect(page.get_by_text("东门新名: 连续的重复点，已删除")).to_be_visible()
    page.get_by_role("button", name="在图上看").first.click()
    looked_at(page, f"import-{'wide' if wide else 'narrow'}")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    with page.expect_response(lambda answer: answer.url.endswith("/taking")):
        page.get_by_role("button", name="放入新草案").click()
    assert city.importer.import_next() is not None
    expect(page.get_by_role("heading", name="导入 东门.geojson")).to_be_visible()
    expect(page.get_by_text("替换 1 个区域（文件 东门.geojson）")).to_be_visible()
    expect(page.get_by_role("button", name="发布")).to_be_enabled()


def test_a_file_that_is_refused_says_why_and_where(visit, city, looked_at):
    page = opened(visit, city)
    grids = grids_of(city.session)
    code = roundest(grids)
    page.get_by_role("button", name="导入文件").click()
    above = (
        "SELECT upper.code FROM area JOIN area_version ON area.id = area_id JOIN area AS upper ON upper.id = parent_id"
    )
    parent = city.session.scalar(text(f"{above} WHERE area.code = :code AND upper_inf(editions)"), {"code": code})
    send_file(page, city, geojson(("new", "叠", shapely.geometry.mapping(grids[code])), parent=parent))
    expect(page.get_by_role("alert")).to_contain_text(code)
    page.get_by_role("alert").get_by_role("button", name="在图上看").click()
    looked_at(page, "import-refused")
    send_file(page, city, b"{]", name="坏.geojson")
    expect(page.get_by_role("alert")).to_contain_text("另存为 GeoPackage")


def test_a_draft_that_waits_for_its_time_is_closed_until_the_plan_is_withdrawn(visit, city):
    page = opened(visit, city)
    begin(page)
    due = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    city.session.execute(
        text("""
            WITH plan AS (
                INSERT INTO planned_edition (name, due_at, planned_at, planned_by, base_edition, areas, retired)
                VALUES ('改', :due, now(), 'mapper', 1, '[]', '{}') RETURNING id
            ) UPDATE draft SET plan_id = plan.id FROM plan
        """),
        {"due": due},
    )
    city.session.commit()
    page.reload()
    expect(page.get_by_text("在此之前不能再改")).to_be_visible()
    page.get_by_role("button", name="全部草案").click()
    expect(page.get_by_text("生效")).to_be_visible()
    page.get_by_role("button", name="东门划分").click()
    page.get_by_role("button", name="撤回计划").click()
    expect(page.get_by_text("在图上点选网格")).to_be_visible()


@pytest.fixture
def hinted(visit, city):
    """A map that can only hear of a redraw: the clock that it would ask by stands still."""
    watched = visit(WIDE, city.at)
    watched.page.add_init_script("window.setInterval = () => 0")
    watched.sign_in(sample.SUPERVISOR)
    watched.map_ready()
    return watched.page


@pytest.fixture
def unhinted(visit, city):
    """A map that can only ask."""
    watched = visit(WIDE, city.at)
    watched.page.route("**/v1/map/events", lambda route: route.fulfill(status=204))
    watched.sign_in(sample.SUPERVISOR)
    watched.map_ready()
    return watched.page


def test_open_maps_follow_a_redraw_by_themselves_and_stay_where_they_were(visit, city, hinted, unhinted):
    tiles = []
    hinted.on("request", lambda request: tiles.append(request.url) if "/v1/tiles/" in request.url else None)
    hinted.get_by_role("button", name="放大").click()
    grids = grids_of(city.session)
    beside = opened(visit, city)
    begin(beside, "另一处")
    split(beside, grids, roundest(grids))
    drawing = opened(visit, city)
    begin(drawing)
    split(drawing, grids, roundest(grids))
    drawing.get_by_role("button", name="完成").click()
    drawing.get_by_role("button", name="发布").click()
    drawing.get_by_role("dialog").get_by_role("button", name="发布").click()
    for page in (hinted, unhinted, beside, drawing):
        page.wait_for_selector(".map-canvas[data-edition='2']")
    city.session.rollback()
    (new,) = grids_of(city.session).keys() - grids.keys()
    hinted.get_by_role("button", name="区域: 全部所辖").click()
    hinted.get_by_role("combobox", name="区域名称或编号").fill(name_of(city.session, new))
    expect(hinted.locator(".areas-list [role=option]", has_text=name_of(city.session, new)).first).to_be_visible()
    hinted.keyboard.press("Escape")
    tiles.clear()
    with hinted.expect_request(lambda request: "/v1/tiles/" in request.url):
        hinted.get_by_role("button", name="缩小").click()
    hinted.wait_for_timeout(1500)  # for those that would be wrong
    assert all("/v1/tiles/2/" in each for each in tiles), "no tile of the edition before"
    expect(beside.get_by_text("请先更新草案")).to_be_visible()
    expect(beside.get_by_text("已有 2 点")).to_be_visible()


def test_others_are_told_whose_page_it_is(visit, city):
    watched = visit(WIDE, city.at)
    watched.sign_in(sample.SUPERVISOR, "/grids")
    expect(watched.page.get_by_text("此页供 GIS 人员使用")).to_be_visible()
