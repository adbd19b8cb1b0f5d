"""Reports from the phone: where, what, and what became of them."""

import gzip
import io
import json
import math
import re
import uuid

import pytest
from PIL import Image
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.patrol.conftest import PHONE, App

_HOME = text("""
    SELECT (doc -> 'location' ->> 'lon')::float8, (doc -> 'location' ->> 'lat')::float8, household.grid_now
    FROM household JOIN assignment ON area_id = grid_now JOIN person ON person.id = assignment.person_id
    WHERE login = :login LIMIT 1
""")


@pytest.fixture
def home(session, worker):
    """A place (lon, lat) in the worker's grid, and the grid's id."""
    return session.execute(_HOME, {"login": worker.login}).one()


@pytest.fixture
def out(visit, worker, home):
    """The app of a worker who stands in their grid, and allowed the place of the phone before."""
    lon, lat, _grid = home
    place = {"longitude": lon, "latitude": lat, "accuracy": 9}
    held = App(visit(PHONE, has_touch=True, geolocation=place, permissions=["geolocation"]), worker)
    held.enrol()
    return held


def begin(app):
    app.page.get_by_role("link", name="上报", exact=True).click()
    expect(app.page.get_by_role("heading", name="上报", exact=True)).to_be_visible()


def choose(app, typed, name):
    app.page.get_by_label("找类别").fill(typed)
    app.page.get_by_role("group", name="是哪一种").get_by_role("button", name=name).click()


def send(app):
    app.page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()


def test_a_report_without_a_network_names_its_grid_at_once_as_the_server_does(out, home, session, looked_at):
    page, worker = out.page, out.worker
    begin(out)
    expect(page.get_by_role("group", name="按图选").get_by_role("button")).to_have_count(10)
    page.get_by_role("link", name="今天").click()
    out.worker_ready()
    page.context.set_offline(True)
    begin(out)
    grid = session.scalar(text("SELECT name FROM area_version WHERE area_id = :id"), {"id": home.grid_now})
    expect(page.get_by_text(f"在 {grid}")).to_be_visible()
    expect(page.get_by_text("误差约 9 米")).to_be_visible()
    looked_at(page, "report")
    choose(out, "ld", "路灯")
    page.get_by_label("说明").fill("门口的灯不亮")
    send(out)
    expect(page.get_by_role("heading", name="路灯")).to_be_visible()
    expect(page.get_by_text("还没有发出")).to_be_visible()
    page.context.set_offline(False)
    out.all_sent()
    expect(page.get_by_text("已收到，等社区受理。")).to_be_visible()
    looked_at(page, "issue")
    (issue,) = worker.written("issue")
    assert (issue.doc["category"], issue.doc["description"]) == ("0302", "门口的灯不亮")
    assert issue.doc["location"]["accuracy_m"] == 9
    found = session.scalar(text("SELECT grid_now FROM issue WHERE id = :id"), {"id": issue.id})
    assert found == home.grid_now
    page.get_by_role("link", name="我的上报").click()
    expect(page.get_by_role("link", name=re.compile("路灯"))).to_be_visible()
    looked_at(page, "mine")


def test_a_report_that_was_begun_is_there_again_after_the_app_was_gone(out):
    page = out.page
    begin(out)
    choose(out, "井盖", "井盖")
    page.get_by_label("说明").fill("盖子缺了一半，怕人踩空")
    page.get_by_label("紧急").check()
    page.goto("about:blank")
    out.open_app()
    out.unlock()
    page.get_by_role("link", name="接着填没发出的上报").click()
    expect(page.get_by_label("说明")).to_have_value("盖子缺了一半，怕人踩空")
    expect(page.get_by_label("紧急")).to_be_checked()
    expect(page.get_by_text("井盖", exact=True)).to_be_visible()
    send(out)
    expect(page.get_by_text("已收到，等社区受理。")).to_be_visible()
    assert [issue.doc["severity"] for issue in out.worker.written("issue")] == ["urgent"]
    page.get_by_role("link", name="今天").click()
    expect(page.get_by_role("link", name="接着填没发出的上报")).to_have_count(0)


def test_what_was_reported_near_by_is_shown_before_it_is_sent_again(out):
    page = out.page
    for number in range(2):
        begin(out)
        choose(out, "kw", "坑洼")
        if number == 0:
            expect(page.get_by_text("附近已有人报过")).to_have_count(0)
            send(out)
            expect(page.get_by_role("heading", name="坑洼")).to_be_visible()
    expect(page.get_by_text("附近已有人报过")).to_be_visible()
    page.get_by_role("button", name="是同一件，不用再报").click()
    expect(page.get_by_role("heading", name="今天", exact=True)).to_be_visible()
    out.all_sent()
    assert len(out.worker.written("issue")) == 1


def test_what_a_phone_does_not_hold_yet_is_told_by_the_server_before_it_is_sent(out, visit, home, looked_at):
    lon, lat, _grid = home
    place = {"longitude": lon, "latitude": lat, "accuracy": 9}
    late = App(visit(PHONE, has_touch=True, geolocation=place, permissions=["geolocation"]), out.worker)
    late.enrol()
    late.all_sent()
    late.page.route("**/v1/sync/pull*", lambda route: route.abort())
    begin(out)
    choose(out, "jg", "井盖")
    out.page.get_by_label("说明").fill("井盖松动，车过就响")
    send(out)
    expect(out.page.get_by_text("已收到")).to_be_visible()
    begin(late)
    choose(late, "jg", "井盖")
    expect(late.page.get_by_text("附近已有人报过")).to_be_visible()
    expect(late.page.get_by_text(re.compile("米外，.*井盖松动，车过就响"))).to_be_visible()
    looked_at(late.page, "near-by")


def test_only_what_and_where_must_be_said_and_the_place_may_be_words(app):
    page, worker = app.page, app.worker
    begin(app)
    required = page.locator("main :is(input, textarea, select):is([required], [aria-required=true])")
    assert required.count() == 0
    send(app)
    expect(page.get_by_role("alert")).to_have_text("还没有选什么事。")
    page.get_by_role("group", name="按图选").get_by_role("button", name="矛盾纠纷").click()
    page.get_by_role("group", name="是哪一种").get_by_role("button", name="邻里").click()
    expect(page.get_by_text("这类事保密")).to_be_visible()
    send(app)
    expect(page.get_by_role("alert")).to_contain_text("还不知道在哪里")
    page.get_by_label("或写地址").fill("阳明小区 5 栋 502")
    send(app)
    app.all_sent()
    expect(page.get_by_text("已收到")).to_be_visible()
    assert [issue.doc["address_text"] for issue in worker.written("issue")] == ["阳明小区 5 栋 502"]


def test_what_is_settled_on_the_spot_goes_with_its_report(out, session):
    page, worker = out.page, out.worker
    begin(out)
    choose(out, "bllj", "暴露垃圾")
    page.get_by_label("我已经当场办好").check()
    send(out)
    expect(page.get_by_role("alert")).to_have_text("请写一句怎么办好的。")
    page.get_by_label("怎么办好的").fill("垃圾已清走")
    send(out)
    expect(page.get_by_role("heading", name="暴露垃圾")).to_be_visible()
    expect(page.get_by_text("垃圾已清走")).to_be_visible()
    out.all_sent()
    (issue,), (step,) = worker.written("issue"), worker.written("step")
    assert (step.doc["step"], step.doc["answer"], step.doc["issue_id"]) == ("settle", "垃圾已清走", str(issue.id))


def test_the_place_is_moved_without_dragging(out, home):
    page, worker = out.page, out.worker
    begin(out)
    expect(page.get_by_text("误差约")).to_be_visible()
    page.get_by_text("位置不对，我来移动").click()
    north = page.get_by_role("button", name="向北 5 米")
    for _ in range(3):
        north.click()
    expect(page.get_by_text("位置是手动定的")).to_be_visible()
    choose(out, "ld", "路灯")
    send(out)
    expect(page.get_by_role("heading", name="路灯")).to_be_visible()
    out.all_sent()
    place = worker.written("issue")[0].doc["location"]
    assert abs((place["lat"] - home[1]) * 111_320 - 15) < 0.1
    assert abs(place["lon"] - home[0]) < 1e-6


def middle_of(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


def metres_from(home, place):
    """How far (east, north) a place is from the worker's, in metres."""
    narrow = math.cos(math.radians(home[1]))
    return (place["lon"] - home[0]) * 111_320 * narrow, (place["lat"] - home[1]) * 111_320


def reported_place(app):
    choose(app, "ld", "路灯")
    send(app)
    expect(app.page.get_by_role("heading", name="路灯")).to_be_visible()
    app.all_sent()
    return app.worker.written("issue")[0].doc["location"]


def test_one_finger_draws_the_map_under_the_pin_and_the_grid_is_named_at_once(out, home, session, looked_at):
    page = out.page
    begin(out)
    expect(page.get_by_text("误差约")).to_be_visible()
    page.get_by_text("位置不对，我来移动").click()
    sketch = page.get_by_role("img", name="周围的小地图")
    x, y, width = middle_of(sketch)
    looked_at(page, "sketch")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 30, y + 20)
    page.mouse.move(x - 60, y + 40)
    expect(page.get_by_text("位置是手动定的")).to_be_visible()
    page.mouse.up()
    east, north = metres_from(home, reported_place(out))
    assert (east, north) == pytest.approx((60 * 120 / width, 40 * 120 / width), abs=0.6)


def test_a_tap_brings_the_place_there_and_a_neighbouring_grid_is_named_without_a_network(out, home, session, looked_at):
    page = out.page
    out.worker_ready()
    page.get_by_role("link", name="地图", exact=True).click()
    expect(page.get_by_text("邻近网格")).to_be_visible()
    expect(page.locator("[data-ready=true]")).to_be_visible()
    looked_at(page, "map-neighbours")
    page.context.set_offline(True)
    begin(out)
    page.get_by_text("位置不对，我来移动").click()
    sketch = page.get_by_role("img", name="周围的小地图")
    for _ in range(4):
        page.get_by_role("button", name="缩小").click()
    looked_at(page, "sketch-neighbours")
    x, y, width = middle_of(sketch)
    beyond = session.execute(
        text("""
            SELECT name, ST_X(point), ST_Y(point) FROM (
                SELECT name, ST_PointOnSurface(polygon) AS point FROM area_version JOIN area ON area.id = area_id
                WHERE kind = (SELECT kind FROM area WHERE id = :home) AND area_id <> :home AND upper_inf(editions)
            ) AS grid ORDER BY point <-> ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) LIMIT 1
        """),
        {"home": home.grid_now, "lon": home[0], "lat": home[1]},
    ).one()
    east, north = metres_from(home, {"lon": beyond[1], "lat": beyond[2]})
    page.mouse.click(x + east * width / 1920, y - north * width / 1920)
    expect(page.get_by_text(f"在邻近的 {beyond.name}")).to_be_visible()
    assert page.locator("canvas").count() == 0
    page.context.set_offline(False)
    place = reported_place(out)
    assert metres_from(home, place) == pytest.approx((east, north), abs=4)
    named = text("""
        SELECT name FROM issue JOIN area_version ON area_id = grid_now AND upper_inf(editions) WHERE issue.id = :id
    """)
    assert session.scalar(named, {"id": out.worker.written("issue")[0].id}) == beyond.name, "as the server has it"


def test_the_place_is_set_by_keys_where_no_place_was_found(app, home):
    page = app.page
    begin(app)
    page.get_by_text("我在地图上指").click()
    send(app)
    page.get_by_role("button", name="向北 5 米").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("位置是手动定的")).to_be_visible()
    page.keyboard.press("ArrowRight")
    assert metres_from(home, reported_place(app)) == pytest.approx((5, 5), abs=0.1)


def picture(width=1600, height=1200):
    """A photo as a camera writes it, with where it was taken inside."""
    held = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "home of the worker"
    Image.new("RGB", (width, height), (90, 120, 60)).save(held, "JPEG", exif=exif)
    return {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": held.getvalue()}


def test_a_photo_that_was_taken_without_a_network_arrives_with_its_report(out, session, looked_at):
    page, worker = out.page, out.worker
    out.worker_ready()
    begin(out)
    choose(out, "ld", "路灯")
    page.context.set_offline(True)
    page.locator("#photo").set_input_files(picture())
    expect(page.get_by_role("img", name="第 1 张照片")).to_be_visible()
    looked_at(page, "photo")
    send(out)
    expect(page.get_by_role("heading", name="路灯")).to_be_visible()
    expect(page.locator(".patrol-sync")).to_contain_text("1 条未发1 张照片")
    page.goto("about:blank")
    page.context.set_offline(False)
    out.open_app()
    out.unlock()
    out.all_sent()
    (issue,) = worker.written("issue")
    held = text("SELECT count(*) FROM attachment WHERE record_id = :id")
    assert len(issue.doc["photos"]) == 1
    assert session.scalar(held, {"id": issue.id}) == 1


def test_what_was_settled_on_the_spot_goes_with_its_photo_after(out, session, looked_at):
    page, worker = out.page, out.worker
    out.worker_ready()
    begin(out)
    choose(out, "bllj", "暴露垃圾")
    page.context.set_offline(True)
    page.get_by_label("我已经当场办好").check()
    expect(page.get_by_text("这一类要有办好以后的照片")).to_be_visible()
    page.get_by_label("怎么办好的").fill("垃圾已清走")
    page.locator("#photo").set_input_files(picture())
    expect(page.get_by_role("img", name="第 1 张照片")).to_have_count(1)
    page.locator("#after").set_input_files(picture(1200, 1600))
    expect(page.get_by_role("img", name="第 1 张照片")).to_have_count(2)
    expect(page.get_by_text("这一类要有办好以后的照片")).to_have_count(0)
    looked_at(page, "settled")
    send(out)
    expect(page.get_by_text("垃圾已清走")).to_be_visible()
    page.context.set_offline(False)
    out.all_sent()
    (issue,), (step,) = worker.written("issue"), worker.written("step")
    assert (len(issue.doc["photos"]), len(step.doc["photos"])) == (1, 1)
    assert issue.doc["photos"] != step.doc["photos"]
    held = text("SELECT id::text FROM attachment WHERE record_id = :id AND bond = 'bound'")
    assert set(session.scalars(held, {"id": issue.id})) == {*issue.doc["photos"], *step.doc["photos"]}


def test_a_check_is_answered_by_what_was_seen(visit, worker, session, looked_at):
    issue = session.execute(text("SELECT id FROM issue ORDER BY id OFFSET 3 LIMIT 1")).scalar_one()
    task = uuid.uuid4()
    session.execute(
        text("""
            INSERT INTO task (id, rev, doc_rev, doc, captured_at, received_at, changed_at, kind, title, person_id,
                              due_at, issue_id)
            SELECT :id, 1, 1, '{}', now(), now(), now(), 'verify', '核实 · 路灯', person.id,
                   now() + interval '1 day', :issue
            FROM person WHERE login = :login
        """),
        {"id": task, "issue": issue, "login": worker.login},
    )
    session.commit()
    app = App(visit(PHONE, has_touch=True), worker)
    app.enrol()
    page = app.page
    page.get_by_role("link", name=re.compile("核实 · 路灯")).click()
    looked_at(page, "task")
    page.get_by_label("说明").fill("到场看过，两盏不亮")
    seen = page.get_by_role("group", name="您看到的")
    seen.get_by_role("button", name="属实", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("请先拍一张现场照片")
    seen.get_by_role("button", name="无法判断").click()
    app.all_sent()
    expect(page.get_by_role("heading", name="今天", exact=True)).to_be_visible()
    (step,) = worker.written("step")
    assert (step.doc["step"], step.doc["result"], step.doc["issue_id"]) == ("verify", "cannot_tell", str(issue))


def test_what_the_server_did_not_take_comes_back_into_the_form_and_is_sent_again(app, session):
    page, worker = app.page, app.worker
    begin(app)
    choose(app, "ld", "路灯")
    page.get_by_label("或写地址").fill("一处地址")
    page.route("**/v1/sync/push", lambda route: route.fulfill(status=200, json=_refusal(route.request)), times=1)
    send(app)
    page.get_by_role("link", name="我的上报").click()
    expect(page.get_by_text("服务器没有收进去")).to_be_visible()
    expect(page.get_by_text("地址不清楚")).to_be_visible()
    page.get_by_role("button", name="改好再发").click()
    page.get_by_label("或写地址").fill("西门路 36 号")
    send(app)
    expect(page.get_by_text("已收到")).to_be_visible()
    assert [issue.doc["address_text"] for issue in worker.written("issue")] == ["西门路 36 号"]
    page.get_by_role("link", name="我的上报").click()
    expect(page.get_by_text("需要您看一看")).to_have_count(0)


def _refusal(request):
    body = request.post_data_buffer
    if body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    problem = {"type": "/problems/address", "title": "地址不清楚", "status": 422}
    results = [{"op_id": op["op_id"], "status": "quarantined", "error": problem} for op in json.loads(body)["ops"]]
    return {"server_time": "2026-11-30T12:00:00Z", "results": results}
