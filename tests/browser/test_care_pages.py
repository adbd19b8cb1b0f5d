"""The pages of support and review in Chromium: phones in trouble, disputes, quarantine; and the phones hear of it."""

import datetime as dt
import secrets
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from geo.editions.ground import Grounds
from server.accounts.service import add_person
from server.app import create_app
from server.config import Config, sqlalchemy_url
from server.database.extensions import db
from sync.resolution.conflicts import settle_waiting
from tests.api.serving import served
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE, founded
from tests.files.outbox_file import OutboxFile, outbox_key
from tests.sync.phone import Phone

NAMES = ("赖志远", "廖春梅")


@pytest.fixture(scope="module")
def city(cluster_url, redis_url):
    """A sample city of its own with two workers in one grid, whose phones push by themselves."""
    with (
        founded(cluster_url, 10) as url,
        served(url, redis_url, threads=8, PATROL_SIGN_IN_RATE="1000 per minute") as at,
    ):
        engine = create_engine(sqlalchemy_url(url))
        config = Config(
            database_url=sqlalchemy_url(url), redis_url=redis_url, secret_key=secrets.token_hex(), testing=True
        )
        app = create_app(config)
        with Session(engine) as session:
            grid = session.execute(
                text("""
                    SELECT code, ST_X(ST_PointOnSurface(polygon)) AS lon, ST_Y(ST_PointOnSurface(polygon)) AS lat
                    FROM area JOIN area_version ON area_id = area.id WHERE kind = 'grid' ORDER BY code LIMIT 1
                """)
            ).one()
            now = dt.datetime.now(dt.UTC)
            for number, name in enumerate(NAMES):
                add_person(
                    session, f"care{number}", role="grid_worker", place=grid.code, password=None, name=name, now=now
                )
            session.execute(text("UPDATE assignment SET during = '[2026-01-01,)' WHERE area_id IS NOT NULL"))
            session.commit()
            phones = [Phone.enrolled(app.test_client(), session, f"care{number}") for number in range(len(NAMES))]
            for phone in phones:
                phone.pull()
            yield SimpleNamespace(at=at, session=session, phones=phones, place=(grid.lon, grid.lat), app=app)
        engine.dispose()
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def settle(city):
    grounds = Grounds()

    def run():
        now = dt.datetime.now(dt.UTC)
        hold = dt.timedelta(hours=24)
        settle_waiting(
            city.session, now, lambda moment: grounds.at(city.session, 1, moment), limit=100, hold_for=hold, near_m=50
        )
        city.session.commit()

    return run


@pytest.fixture
def page(visit, city):
    """Opens a page of the city as its supervisor, at a desk unless told otherwise."""

    def open_page(path, size=WIDE, login=sample.SUPERVISOR):
        watched = visit(size, at=city.at)
        watched.sign_in(login)
        watched.page.goto(f"{city.at}{path}")
        return watched.page

    return open_page


@pytest.fixture
def disputed(city, settle):
    """An issue of whose category two workers say different things; its id."""
    one, two = city.phones
    put = one.issue(city.place, category="0301", address_text="文竹路 12 号")
    one.push(put)
    one.push(one.patch("issues", put["id"], {"rev": 1}, category="0302"))
    two.push(two.patch("issues", put["id"], {"rev": 1}, category="0303"))
    settle()
    yield put["id"]
    city.session.execute(text("DELETE FROM conflict WHERE decided_at IS NULL"))
    city.session.commit()


def card(page, words):
    return page.locator(".card", has_text=words)


def test_a_dispute_is_decided_by_keyboard_and_the_phones_hear_of_it(page, city, disputed):
    desk = page("/review")
    mine = card(desk, "文竹路 12 号").first
    for words in ("0301", "0302", "0303", *NAMES):
        expect(mine.get_by_text(words, exact=False).first).to_be_visible()
    expect(desk.get_by_text("争议 1 件")).to_be_visible()
    mine.get_by_role("radio").nth(0).focus()
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    expect(desk.get_by_text("没有待裁决的争议。")).to_be_visible()
    expect(desk.get_by_text("争议 0 件")).to_be_visible()
    for phone in city.phones:
        phone.pull()
        assert phone.records("issues")[disputed]["data"]["category"] == "0303"


def test_another_value_decides_a_dispute_too_and_only_after_a_choice(page, city, disputed):
    desk = page("/review")
    mine = card(desk, "文竹路 12 号").first
    mine.get_by_role("button", name="裁决").click()
    expect(mine.get_by_role("alert")).to_have_text("请选择一个值。")
    mine.get_by_label("其他值").last.select_option("0304")
    mine.get_by_role("button", name="裁决").click()
    expect(desk.get_by_text("没有待裁决的争议。")).to_be_visible()
    city.phones[0].pull()
    assert city.phones[0].records("issues")[disputed]["data"]["category"] == "0304"


def test_what_is_wrong_is_named_mended_and_released_and_the_phone_gets_its_outcome(page, city, settle):
    phone = city.phones[0]
    wrong = phone.visit(city.place, outcome="maybe", address_text="水南路 3 号")
    phone.push(wrong)
    desk = page("/review?list=quarantine")
    mine = card(desk, "水南路 3 号")
    expect(mine.get_by_text("有几项内容不符合要求", exact=False)).to_be_visible()
    mine.get_by_role("button", name="核对后放行").click()
    form = desk.locator("form.mend")
    expect(form.locator("input, select, textarea").first).to_be_focused()
    desk.keyboard.press("Escape")
    expect(form).to_have_count(0)
    expect(mine.get_by_role("button", name="核对后放行")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(form.locator(".entry.is-wrong")).to_have_count(1)
    form.get_by_role("button", name="放行").click()
    expect(form.get_by_role("alert")).to_contain_text("改后的内容仍不符合要求")
    form.get_by_label("走访结果").select_option("met")
    form.get_by_label("给网格员的说明").fill("结果改为已访")
    form.get_by_role("button", name="放行").click()
    expect(desk.get_by_text("已放行，网格员会收到通知。")).to_be_visible()
    settle()
    phone.pull()
    assert (phone.outcomes[-1]["status"], phone.outcomes[-1]["note"]) == ("released", "结果改为已访")
    assert phone.records("visits")[wrong["id"]]["data"]["outcome"] == "met"


def test_a_private_issue_becomes_public_only_when_somebody_says_so(page, city, settle):
    phone = city.phones[0]
    put = phone.issue(city.place, category="0601", description="楼上楼下争执", address_text="水南路 9 号")
    phone.push(put)
    phone.push(phone.patch("issues", put["id"], {"rev": 1}, category="0101"))
    desk = page("/review?list=quarantine")
    mine = card(desk, "事件").filter(has_text="涉及隐私")
    mine.get_by_role("button", name="核对后放行").click()
    mine.get_by_role("button", name="放行", exact=True).click()
    asked = desk.get_by_role("dialog")
    expect(asked).to_contain_text("使涉隐私的事件公开？")
    expect(asked).to_contain_text("楼上楼下争执")
    asked.get_by_role("button", name="取消").click()
    settle()
    phone.pull()
    assert phone.records("issues")[put["id"]]["data"]["category"] == "0601"
    mine.get_by_role("button", name="放行", exact=True).click()
    desk.get_by_role("dialog").get_by_role("button", name="公开").click()
    expect(desk.get_by_text("已放行，网格员会收到通知。")).to_be_visible()
    settle()
    phone.pull()
    assert phone.records("issues")[put["id"]]["data"]["category"] == "0101"


def test_a_place_that_is_none_is_mended_on_the_map_and_by_typing_with_its_grid_named(page, city, settle):
    lon, lat = city.place
    phone = city.phones[0]
    lost = phone.visit((lat, lon), address_text="西山路 6 号")
    phone.push(lost)
    desk = page("/review?list=quarantine")
    card(desk, "西山路 6 号").get_by_role("button", name="核对后放行").click()
    form = desk.locator("form.mend")
    expect(form.locator(".place-grid")).to_contain_text("不是地球上的位置")
    form.get_by_role("button", name="经纬度对调").click()
    expect(form.locator(".place-grid")).to_contain_text("所在网格：")
    form.get_by_label("经度、纬度").fill("西山")
    expect(form.get_by_label("经度、纬度")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("经度、纬度").fill(f"{lon}，{lat}")
    form.locator("canvas").focus()
    desk.keyboard.press("Shift+ArrowUp")
    form.get_by_role("button", name="放行").click()
    expect(desk.get_by_text("已放行，网格员会收到通知。")).to_be_visible()
    settle()
    phone.pull()
    placed = phone.records("visits")[lost["id"]]["data"]["location"]
    assert (placed["lon"], placed["lat"]) == (pytest.approx(lon, abs=1e-3), pytest.approx(lat, abs=1e-3))
    assert placed["lat"] > lat, "moved north by one key"


def test_a_place_far_away_is_shown_together_with_the_city(page, city, looked_at):
    phone = city.phones[1]
    phone.push(phone.visit((117.2, 31.8), outcome="maybe", address_text="合肥路 1 号"))
    desk = page("/review?list=quarantine")
    card(desk, "合肥路 1 号").get_by_role("button", name="核对后放行").click()
    form = desk.locator("form.mend")
    expect(form.locator(".place-grid.is-outside")).to_be_visible()
    desk.wait_for_timeout(1000)
    looked_at(desk, "place-outside")
    form.get_by_role("button", name="回到所辖范围").click()


def test_what_is_dismissed_takes_a_reason_that_the_worker_reads(page, city):
    phone = city.phones[1]
    phone.push(phone.visit(city.place, outcome="maybe", address_text="章源路 8 号"))
    desk = page("/review?list=quarantine")
    card(desk, "章源路 8 号").get_by_role("button", name="不予采用").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_role("button", name="不予采用").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("理由").fill("重复上报")
    dialog.get_by_role("button", name="不予采用").click()
    expect(card(desk, "章源路 8 号")).to_have_count(0)
    phone.pull()
    assert (phone.outcomes[-1]["status"], phone.outcomes[-1]["note"]) == ("dismissed", "重复上报")


def test_phones_are_found_by_what_is_wrong_and_a_lost_one_is_wiped(page, city):
    phone = Phone.enrolled(city.app.test_client(), city.session, "care0")
    phone.push(phone.visit(city.place, outcome="maybe", seq=3))
    desk = page("/support")
    expect(desk.locator("tbody tr").first).to_be_visible()
    desk.get_by_role("button", name="有缺号").click()
    expect(desk.locator("tbody tr")).to_have_count(1)
    desk.get_by_label("搜索").fill("没有这个人")
    expect(desk.get_by_text("没有符合条件的手机。")).to_be_visible()
    desk.get_by_label("搜索").fill("CARE0")
    desk.locator("tbody tr").get_by_role("link").click()
    expect(desk.get_by_text("1–2")).to_be_visible()
    expect(desk.locator(".card").get_by_role("link", name="去核对")).to_be_visible()
    desk.get_by_role("button", name="停用手机").click()
    dialog = desk.get_by_role("dialog")
    dialog.get_by_label("同时抹除", exact=False).check()
    dialog.get_by_role("button", name="抹除数据").click()
    expect(desk.locator(".marks").get_by_text("已下令抹除")).to_be_visible()
    answer = phone.client.get("/v1/sync/pull", headers=phone.headers)
    assert (answer.status_code, answer.json["wipe"]) == (401, True)


def test_silent_workers_are_told_apart_and_found(page, city):
    desk = page("/support?list=workers")
    expect(desk.get_by_role("status")).to_contain_text("符合条件的网格员")
    desk.get_by_role("button", name="从未登记手机").click()
    expect(desk.locator("tbody").get_by_text("从未登记手机").first).to_be_visible()
    desk.get_by_label("搜索").fill("没有这个人")
    expect(desk.get_by_text("没有符合条件的网格员。")).to_be_visible()


def test_who_made_a_code_is_told_beside_it_and_beside_the_phone(page, city):
    desk = page("/support?list=codes")
    expect(desk.locator("tbody tr", has_text=NAMES[0]).first).to_be_visible()
    desk.locator("tbody tr", has_text=NAMES[0]).get_by_role("link", name="查看手机").first.click()
    expect(desk.locator(".facts")).to_contain_text("发码人")


def test_what_a_phone_could_not_send_is_handed_in_as_its_file_and_a_wrong_file_is_named(
    page, city, tmp_path, looked_at
):
    phone = city.phones[0]
    key = phone.client.get("/v1/devices/outbox-key", headers=phone.headers).json
    # The phone of this test speaks to the same city by an app of its own, which has another secret.
    foreign = tmp_path / "foreign.outbox"
    foreign.write_bytes(OutboxFile(phone, [phone.visit(city.place)]).sealed(key))
    file = tmp_path / "day.outbox"
    day = OutboxFile(phone, [phone.visit(city.place), phone.visit(city.place, outcome="maybe")])
    day.add_photo(b"no picture", day.ops[0]["id"])
    file.write_bytes(day.sealed(outbox_key("k" * 32)))
    desk = page("/support?list=outbox")
    desk.get_by_role("button", name="交入", exact=True).click()
    expect(desk.get_by_role("alert")).to_contain_text("请先选择手机导出的文件")
    desk.get_by_label("手机导出的文件").set_input_files(foreign)
    desk.get_by_role("button", name="交入", exact=True).click()
    expect(desk.get_by_role("alert")).to_contain_text("另一座城市")
    desk.get_by_label("手机导出的文件").set_input_files(file)
    desk.get_by_role("button", name="交入", exact=True).click()
    told = desk.get_by_role("status")
    for words in (NAMES[0], "已接收 1 条", "待核 1 条", "未接收的照片 1 张", "不接收此文件"):
        expect(told).to_contain_text(words)
    expect(desk.get_by_role("alert")).to_have_count(0)
    looked_at(desk, "outbox")
    assert phone.push(day.ops[0])[0]["replayed"]
    desk.get_by_role("button", name="交入", exact=True).click()
    expect(told).to_contain_text("其中此前已到 2 条")


def test_the_life_of_a_record_is_reached_from_its_issue_on_the_map(page, disputed):
    desk = page(f"/map?issue={disputed}")
    desk.get_by_role("link", name="逐条操作记录").click()
    expect(desk.locator(".cards .card")).to_have_count(3)
    expect(desk.get_by_text("基于第 1 版", exact=False).first).to_be_visible()
    expect(desk.get_by_text("各字段来自")).to_be_visible()


def test_the_steps_of_a_case_are_told_in_words(page, city, looked_at):
    life = """SELECT record_id FROM operation WHERE collection = 'cases' AND data ? 'deadline' LIMIT 1"""
    desk = page(f"/support?record=issues/{city.session.scalar(text(life))}")
    told = desk.locator(".card", has_text="案件").first
    expect(told).to_contain_text("派遣")
    expect(told).to_contain_text("办理时限")
    for raw in ("route", "deadline", "dispatched", "T0", "step_id"):
        expect(desk.locator(".cards")).not_to_contain_text(raw)
    looked_at(desk, "record")


def test_no_list_of_support_is_out_of_sight_on_a_phone(page):
    desk = page("/support", NARROW)
    expect(desk.get_by_role("button", name="搁置")).to_be_in_viewport()
    boxes = [each.bounding_box() for each in desk.locator(".tabs button").all()]
    assert max(box["x"] + box["width"] for box in boxes) <= NARROW[0]


def test_reasons_follow_the_language_that_is_chosen(page, city):
    city.phones[0].push(city.phones[0].visit(city.place, outcome="maybe", address_text="西门路 9 号"))
    desk = page("/review?list=quarantine")
    expect(card(desk, "西门路 9 号").locator(".notice")).to_contain_text("不在可选的内容之中")
    desk.get_by_role("button", name="English").click()
    expect(card(desk, "西门路 9 号").locator(".notice")).to_contain_text("is none of the choices")


def test_who_may_not_rule_finds_no_way_in(page):
    desk = page("/review", login=sample.CLERK)
    expect(desk.get_by_text("您的角色不能使用此页", exact=False)).to_be_visible()
    expect(desk.get_by_role("link", name="待办裁决")).to_have_count(0)


@pytest.mark.parametrize(
    "path", ["/review", "/review?list=quarantine", "/support", "/support?list=workers&phone=never"]
)
def test_on_a_phone_nothing_runs_out_of_the_page(page, city, disputed, path):
    city.phones[0].push(city.phones[0].visit(city.place, outcome="maybe"))
    desk = page(path, NARROW)
    expect(desk.locator(".card, tbody tr").first).to_be_visible()
    assert desk.evaluate("document.documentElement.scrollWidth") <= NARROW[0], disputed
