"""The pages of the case's life in Chromium: duty by keys alone, a desk on a phone, two at once, two thousand cases."""

import datetime as dt
import hashlib
import re
import secrets
import uuid
from types import SimpleNamespace

import pytest
import requests
from playwright.sync_api import expect
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from geo.editions.ground import Grounds
from server.accounts.service import add_person
from server.app import create_app
from server.cases.routing.service import route_awaiting
from server.config import Config, sqlalchemy_url
from server.database.extensions import db
from tests.api.serving import served
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE, founded
from tests.files.conftest import metadata
from tests.files.pictures import picture
from tests.sync.phone import Phone

DISPATCHERS = {"one": "王芳", "two": "李强"}


@pytest.fixture(scope="module")
def city(cluster_url, redis_url, tmp_path_factory):
    """A sample city of its own with two dispatchers, and a worker whose phone reports; nothing is routed by itself."""
    files = tmp_path_factory.mktemp("files").as_uri()
    around = {"PATROL_SIGN_IN_RATE": "1000 per minute", "PATROL_FILES_URL": files}
    with founded(cluster_url, 10) as url, served(url, redis_url, threads=8, **around) as at:
        engine = create_engine(sqlalchemy_url(url))
        config = Config(
            database_url=sqlalchemy_url(url), redis_url=redis_url, secret_key=secrets.token_hex(), testing=True
        )
        app = create_app(config)
        with Session(engine) as session:
            yield _peopled(session, app, at)
        engine.dispose()
        with app.app_context():
            db.engine.dispose()


def _peopled(session, app, at):
    now = dt.datetime.now(dt.UTC)
    for login, name in DISPATCHERS.items():
        add_person(session, login, role="dispatcher", place="360725", password=sample.PASSWORD, name=name, now=now)
    grid = session.execute(
        text("""
            SELECT code, ST_X(ST_PointOnSurface(polygon)) AS lon, ST_Y(ST_PointOnSurface(polygon)) AS lat
            FROM area JOIN area_version ON area_id = area.id WHERE kind = 'grid' ORDER BY code LIMIT 1
        """)
    ).one()
    add_person(session, "reporter", role="grid_worker", place=grid.code, password=None, name="赖志远", now=now)
    session.execute(text("UPDATE assignment SET during = '[2026-01-01,)' WHERE area_id IS NOT NULL"))
    session.commit()
    phone = Phone.enrolled(app.test_client(), session, "reporter")
    phone.pull()
    return SimpleNamespace(at=at, session=session, phone=phone, place=(grid.lon, grid.lat))


@pytest.fixture
def report(city):
    """Reports an issue at an address of its own; routed, where a body shall have it."""
    grounds = Grounds()

    def run(address, *, category="0201", routed=False, **more):
        made = city.phone.issue(
            city.place, category=category, address_text=address, description=f"{address}有店铺占道经营", **more
        )
        assert city.phone.push(made)[0]["status"] == "applied"
        if routed:
            now = dt.datetime.now(dt.UTC)
            route_awaiting(city.session, now, grounds.at(city.session, 1, now))
            city.session.commit()
        return made["id"]

    return run


@pytest.fixture
def uploaded(city):
    """Sends a photo of an issue from the phone; what the server answers."""

    def run(content, issue, photo):
        said = {"record": issue, "collection": "issues", "id": photo, "filetype": "image/jpeg"}
        said["sha256"] = hashlib.sha256(content).hexdigest()
        headers = city.phone.headers | {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(content))}
        headers |= {"Upload-Metadata": metadata(**said), "Content-Type": "application/offset+octet-stream"}
        return requests.post(f"{city.at}/v1/files", data=content, headers=headers, timeout=60)

    return run


@pytest.fixture
def opened(visit, city):
    """Opens a page of the city as somebody."""

    def run(path, login, size=WIDE, **more):
        watched = visit(size, at=city.at, **more)
        watched.sign_in(login, then="/docs")
        watched.page.goto(f"{city.at}{path}")
        return watched.page

    return run


def tab_to(page, name):
    """Press Tab until a button of this name has the focus."""
    button = page.get_by_role("button", name=name)
    for _ in range(20):
        if button.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {name}")


def state_of(city, issue):
    city.session.rollback()
    return city.session.scalar(text("SELECT state FROM issue WHERE id = :id"), {"id": issue})


def test_a_case_is_accepted_filed_and_dispatched_by_keys_alone(opened, report, city, looked_at):
    issue = report("清水桥 1 号")
    page = opened("/duty", "one")
    expect(page.locator(".case-row").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("清水桥")
    expect(page.locator(".case-row")).to_have_count(1)
    page.locator("#cases").focus()
    expect(page.locator(".case-title")).to_have_text("占道经营")
    told = page.locator(".step-told")
    for key, step in (("a", "受理"), ("f", "立案")):
        expect(page.get_by_role("button", name=step, exact=True)).to_be_visible()
        page.keyboard.press(key)
        expect(page.get_by_role("button", name=f"确定{step}")).to_be_visible()
        page.keyboard.press("Control+Enter")
        expect(told).to_contain_text(f"已{step}")
    page.keyboard.press("d")
    expect(page.get_by_label("主办单位")).to_be_focused()
    page.wait_for_function("document.activeElement.options.length > 5")
    looked_at(page, "duty-dispatch")
    page.keyboard.press("ArrowDown")
    tab_to(page, "确定派遣")
    page.keyboard.press("Enter")
    expect(told).to_contain_text("已派遣")
    expect(page.locator(".timeline")).to_contain_text("王芳")
    looked_at(page, "duty-dispatched")
    assert state_of(city, issue) == "dispatched"


def test_the_keys_are_told_and_can_be_switched_off(opened, report):
    report("龙山街 9 号")
    page = opened("/duty?words=龙山街", "one")
    expect(page.locator(".case-row")).to_have_count(1)
    page.locator("#cases").focus()
    expect(page.get_by_role("button", name="受理", exact=True)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("受理")
    page.get_by_label("启用字母快捷键").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="确定受理")).to_have_count(0)


def test_of_two_dispatchers_at_once_one_is_told_what_the_other_did(opened, report, city, looked_at):
    issue = report("安平巷 3 号")
    first, second = (opened(f"/duty?words=安平巷&case={issue}", login) for login in DISPATCHERS)
    for page in (first, second):
        page.get_by_role("button", name="受理", exact=True).click()
    first.get_by_role("button", name="确定受理").click()
    expect(first.locator(".step-told")).to_contain_text("已受理")
    second.get_by_role("button", name="确定受理").click()
    alert = second.get_by_role("alert")
    expect(alert).to_contain_text("没有受理：其他人先办了一步")
    expect(alert).to_contain_text("王芳")
    expect(second.get_by_role("button", name="立案", exact=True)).to_be_visible()
    looked_at(second, "duty-overtaken")
    assert state_of(city, issue) == "accepted"


def test_a_form_stays_with_what_was_typed_when_somebody_else_acts(opened, report, looked_at):
    issue = report("安平巷 12 号")
    first, second = (opened(f"/duty?words=安平巷 12&case={issue}", login) for login in DISPATCHERS)
    second.get_by_role("button", name="受理", exact=True).click()
    note = second.get_by_label("备注")
    note.fill("商户说下午撤走")
    first.get_by_role("button", name="受理", exact=True).click()
    first.get_by_role("button", name="确定受理").click()
    expect(first.locator(".step-told")).to_contain_text("已受理")
    alert = second.locator(".step-form").get_by_role("alert")
    expect(alert).to_contain_text("没有受理：其他人先办了一步")
    expect(alert).to_contain_text("王芳")
    expect(note).to_have_value("商户说下午撤走")
    expect(second.get_by_role("button", name="确定受理")).to_be_disabled()
    looked_at(second, "duty-meanwhile")
    note.press("Escape")
    expect(second.locator(".step-form")).to_have_count(0)
    second.keyboard.press("f")
    expect(second.get_by_role("button", name="确定立案")).to_be_visible()


def test_a_form_stays_with_what_was_typed_when_something_speaks_against_the_step(opened, report, city, looked_at):
    issue = report("安平巷 14 号", routed=True)
    page = opened(f"/duty?words=安平巷 14&case={issue}", "one")
    page.get_by_role("button", name="派遣", exact=True).click()
    page.wait_for_function("document.activeElement.options?.length > 5")
    page.get_by_label("主办单位").select_option("chengguan")
    page.get_by_label("原因").fill("请再看一次")
    page.get_by_role("button", name="确定派遣").click()
    expect(page.locator(".step-form").get_by_role("alert")).to_contain_text("没有派遣。 已由该单位承办")
    expect(page.get_by_label("原因")).to_have_value("请再看一次")
    looked_at(page, "duty-guard")
    page.route(f"**/v1/cases/{issue}", lambda route: route.fulfill(status=429, json={"title": "请稍后再试"}))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("alert").filter(has_text="请稍后再试")).to_be_visible()
    expect(page.get_by_label("原因")).to_have_value("请再看一次")
    assert state_of(city, issue) == "dispatched"


def test_what_a_step_needs_is_said_beside_the_field(opened, report, city):
    issue = report("凤岗路 5 号")
    page = opened(f"/case?id={issue}", "one")
    page.get_by_role("button", name="不予受理", exact=True).click()
    page.get_by_role("button", name="确定不予受理").click()
    expect(page.get_by_text("请填写此项。")).to_have_count(2)
    expect(page.locator(".step-field.is-wrong :focus")).to_have_count(1)
    assert state_of(city, issue) == "reported"


def test_new_work_comes_without_reloading(opened, report):
    page = opened("/duty?words=新桥头", "one")
    expect(page.get_by_text("没有符合条件的未结案件。")).to_be_visible()
    report("新桥头 7 号")
    expect(page.locator(".case-row")).to_have_count(1, timeout=12_000)
    expect(page.get_by_role("status").first).to_contain_text("新到 1 件")


def test_a_body_signs_for_a_case_and_answers_it_with_a_photo_on_a_phone(opened, report, city, looked_at, tmp_path):
    issue = report("明湖路 2 号", routed=True)
    photo = tmp_path / "after.jpg"
    photo.write_bytes(picture())
    page = opened("/desk", sample.HANDLER, NARROW, has_touch=True)
    looked_at(page, "desk-narrow")
    page.locator(".desk-open", has_text="明湖路 2 号").click()
    expect(page.locator(".case-title")).to_be_focused()
    for step in ("签收", "开始处置"):
        page.get_by_role("button", name=step, exact=True).click()
        page.get_by_role("button", name=f"确定{step}").click()
        expect(page.locator(".step-told")).to_contain_text(step)
    page.get_by_role("button", name="反馈", exact=True).click()
    page.get_by_label("答复（上报人会看到）").fill("店外货品已收回，人行道恢复通行")
    # The category wants to see what was done: without a photo nothing is sent.
    page.get_by_role("button", name="确定反馈").click()
    expect(page.locator(".step-field.is-wrong", has_text="照片")).to_contain_text("请填写此项。")
    looked_at(page, "desk-photo-asked")
    assert state_of(city, issue) == "in_progress"
    page.locator("input[type=file]").set_input_files(photo)
    expect(page.get_by_text("已上传")).to_be_visible()
    expect(page.locator(".step-field.is-wrong")).to_have_count(0)
    looked_at(page, "desk-answer")
    page.get_by_role("button", name="确定反馈").click()
    expect(page.locator(".step-told")).to_contain_text("已反馈")
    expect(page.locator(".timeline img")).to_have_count(1)
    expect(page.locator(".timeline")).to_contain_text("店外货品已收回")
    assert state_of(city, issue) == "done"
    page.get_by_role("button", name="‹ 返回列表").click()
    expect(page.locator(".desk-card").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_many_cases_are_signed_for_at_once_and_what_failed_is_told(opened, report, city):
    issues = [report(f"长塘街 {number} 号", routed=True) for number in (1, 2, 3)]
    page = opened("/desk", sample.HANDLER)
    for number in (1, 2, 3):
        page.locator(".desk-card", has_text=f"长塘街 {number} 号").get_by_role("checkbox").check()
    other = opened(f"/desk?case={issues[0]}", sample.HANDLER)
    other.get_by_role("button", name="签收", exact=True).click()
    other.get_by_role("button", name="确定签收").click()
    expect(other.locator(".step-told")).to_be_visible()
    page.get_by_role("group", name="批量办理").get_by_role("button", name="签收").click()
    expect(page.get_by_role("group", name="批量办理").get_by_role("status")).to_contain_text("1 件没有办成")
    assert [state_of(city, issue) for issue in issues] == ["received"] * 3
    expect(page.get_by_role("group", name="批量办理").get_by_role("status")).to_be_focused()


def test_what_was_signed_for_at_once_is_told_within_sight_on_a_phone(opened, report, looked_at):
    for number in range(1, 9):
        report(f"梅岭路 {number} 号", routed=True)
    page = opened("/desk", sample.HANDLER, NARROW, has_touch=True)
    page.locator(".desk-card", has_text="梅岭路 8 号").get_by_role("checkbox").check()
    page.get_by_role("group", name="批量办理").get_by_role("button", name="签收").click()
    told = page.locator(".batch").get_by_role("status")
    expect(told).to_have_text("1 件已签收。")
    expect(told).to_be_focused()
    page.locator(".work-side").evaluate("side => side.scrollTo(0, 0)")
    expect(told).to_be_in_viewport(ratio=1)
    looked_at(page, "desk-batch-told")


def test_focus_goes_to_the_case_that_is_opened_and_back_to_where_it_was(opened, report):
    issue = report("梅岭路 20 号", routed=True)
    desk = opened("/desk", sample.HANDLER)
    card = desk.locator(f"#open-{issue}")
    card.press("Enter")
    expect(desk.locator(".case-title")).to_be_focused()
    desk.keyboard.press("Escape")
    expect(card).to_be_focused()
    duty = opened("/duty?words=梅岭路 20", "one", NARROW)
    duty.locator(".case-row").click()
    expect(duty.locator(".case-title")).to_be_focused()
    duty.get_by_role("button", name="‹ 返回列表").click()
    expect(duty.locator("#cases")).to_be_focused()


def test_a_case_is_found_by_the_number_that_somebody_says(opened, report, city):
    issue = report("金坝路 8 号", routed=True)
    number = city.session.scalar(text("SELECT number FROM issue WHERE id = :id"), {"id": issue})
    page = opened("/case", "one")
    page.get_by_label("案件编号").fill(f"{number[:4]} {number[4:]}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("占道经营")
    expect(page.locator(".timeline li")).not_to_have_count(0)
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    page.get_by_label("案件编号").fill(wrong)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("可能听错或输错了一位数字")


def test_whom_a_page_is_for_is_said_under_a_heading_with_a_way_home(opened, looked_at):
    page = opened("/duty", sample.HANDLER, NARROW)
    expect(page.get_by_role("heading", level=1)).to_have_text("值班台")
    assert page.get_by_role("alert").bounding_box()["height"] < 120
    looked_at(page, "duty-norole")
    page.locator("main").get_by_role("link", name="首页").click()
    page.wait_for_url(re.compile(r"/$"))


def test_the_map_offers_the_same_steps(opened, report, city):
    issue = report("河岭路 6 号")
    page = opened(f"/map?issue={issue}", "one")
    page.locator(".panel").get_by_role("button", name="受理", exact=True).click()
    page.locator(".panel").get_by_role("button", name="确定受理").click()
    expect(page.locator(".panel .step-told")).to_contain_text("已受理")
    assert state_of(city, issue) == "accepted"


def test_a_photo_that_was_refused_is_told_and_had_as_it_was_sent_after_a_word_of_care(opened, report, city, uploaded):
    content, photo = picture()[:3000], str(uuid.uuid4())
    issue = report("阳岭大道 19 号", photos=[photo])
    assert uploaded(content, issue, photo).status_code == 422
    page = opened(f"/map?issue={issue}", "one")
    told = page.locator(".panel .photo")
    expect(told).to_contain_text("无法显示")
    link = told.get_by_role("link", name="取原件")
    expect(link).to_have_attribute("title", re.compile("谨慎"))
    expect(link).to_have_attribute("href", f"/v1/files/{photo}/original")
    expect(link).to_have_attribute("download", "")
    assert page.request.get(f"{city.at}/v1/files/{photo}/original").body() == content
    page.close()
    clerk = opened(f"/map?issue={issue}", sample.CLERK)
    expect(clerk.locator(".panel .photo")).to_contain_text("无法显示")
    expect(clerk.get_by_role("link", name="取原件")).to_have_count(0)


def test_two_thousand_open_cases_are_read_as_one_scrolls_and_few_rows_are_drawn(visit, cluster_url, redis_url):
    with (
        founded(cluster_url, 80, copies=25) as url,
        served(url, redis_url, threads=8, PATROL_SIGN_IN_RATE="1000 per minute") as at,
    ):
        watched = visit(WIDE, at=at)
        watched.sign_in(then="/docs")
        page = watched.page
        page.goto(f"{at}/duty")
        expect(page.locator(".case-row").first).to_be_visible()
        assert page.locator(".case-row").count() < 40
        page.locator("#cases").focus()
        for _ in range(12):
            page.keyboard.press("End")
            page.wait_for_timeout(400)
        expect(page.locator(".work-head [role=status]")).to_contain_text("件")
        assert page.locator(".case-row").count() < 40
        drawn = page.evaluate("""async () => {
            const list = document.querySelector('#cases');
            let most = 0;
            for (let step = 0; step < 60; step += 1) {
                list.scrollTop = step * 800;
                await new Promise(requestAnimationFrame);
                most = Math.max(most, document.querySelectorAll('.case-row').length);
            }
            return most;
        }""")
        assert drawn < 40
