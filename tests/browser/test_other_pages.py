"""Sign-in, the first page and the API's page in Chromium."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser.conftest import NARROW, WIDE, Watched
from tests.conftest import chromium_options


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_first_page_tells_a_stranger_what_it_is_and_where_to_sign_in(visit, size):
    watched = visit(size)
    page = watched.page
    page.goto(f"{watched.site}/")
    expect(page.get_by_text("网格员", exact=True)).to_be_visible()
    assert "./patrol" not in page.content(), "commands of a shell are for nobody who opens a page"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.get_by_role("main").get_by_role("link", name="登录").click()
    page.get_by_label("登录名").fill("chief")
    page.get_by_label("密码", exact=True).fill("Patrol-2026-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{watched.site}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("周敏")


def test_the_first_page_tells_a_supervisor_what_waits_and_leads_there(visit, session):
    watched = visit()
    page = watched.page
    watched.sign_in(then="/")
    overdue = session.scalar(text("SELECT count(*) FROM issue WHERE due_at < now() AND closed_at IS NULL"))
    for words, number in (("超期案件", overdue), ("待裁决的争议", 0)):
        expect(page.get_by_role("main").get_by_role("link", name=re.compile(words))).to_have_text(f"{words} {number}")
    expect(page.get_by_role("main").get_by_text("网格划分")).to_have_count(0)
    page.get_by_role("link", name=re.compile("超期案件")).click()
    page.wait_for_url("**/duty?light=red")
    expect(page.locator(".work-head [role=status]")).to_have_text(f"{overdue} 件")


def test_a_body_is_told_of_its_own_issues_alone(visit):
    watched = visit(NARROW)
    watched.sign_in("chengguan-desk", then="/")
    expect(watched.page.locator(".tile")).to_have_count(4)
    for words in ("超期", "临期", "待签收", "在办"):
        expect(watched.page.locator(".tile", has_text=words)).to_have_count(1)
    expect(watched.page.get_by_text("待裁决的争议")).to_have_count(0)


def test_an_enrolment_code_opened_by_a_camera_leads_to_the_app_that_takes_it(visit):
    watched = visit(NARROW)
    watched.page.goto(f"{watched.site}/enrol#ABCDE23456")
    watched.page.wait_for_url("**/patrol#ABCDE23456")
    expect(watched.page.get_by_text("ABCDE23456")).to_be_visible()
    expect(watched.page.get_by_role("button", name="启用")).to_be_visible()


@pytest.fixture
def in_the_clear(chromium, site):
    """A page of a browser for which a name stands for this machine: what it grants loopback it grants no other host."""
    options = chromium_options("--host-resolver-rules=MAP patrol.test 127.0.0.1")
    browser = chromium.browser_type.launch(**options)
    page = browser.new_page(locale="zh-CN", viewport={"width": WIDE[0], "height": WIDE[1]})
    yield Watched(page, site.replace("127.0.0.1", "patrol.test"))
    browser.close()


def test_who_enrols_a_phone_in_the_clear_is_told_what_will_not_work(in_the_clear):
    in_the_clear.page.goto(f"{in_the_clear.site}/enrol#ABCDE23456")
    expect(
        in_the_clear.page.get_by_text("只在安全地址（https）下允许定位、拍照和离线使用", exact=False)
    ).to_be_visible()


@pytest.mark.parametrize("is_clear", [True, False])
def test_who_hands_out_a_code_in_the_clear_is_told_what_will_not_work(in_the_clear, visit, session, is_clear):
    code = session.scalar(text("SELECT code FROM area WHERE kind = 'grid' ORDER BY code LIMIT 1"))
    watched = in_the_clear if is_clear else visit(WIDE)
    watched.sign_in()
    watched.page.goto(f"{watched.site}/map?grid={code}")
    watched.page.get_by_role("button", name="登记手机").first.click()
    expect(watched.page.locator(".enrol-code")).to_be_visible()
    expect(watched.page.get_by_text("手机上不能定位、拍照", exact=False)).to_have_count(int(is_clear))


def test_a_wrong_password_is_told_beside_the_form(visit):
    watched = visit()
    watched.page.goto(f"{watched.site}/signin")
    watched.page.get_by_role("button", name="登录").click()
    expect(watched.page.get_by_role("alert")).to_have_text("请填写登录名和密码。")
    watched.page.get_by_label("登录名").fill("chief")
    watched.page.get_by_label("密码", exact=True).fill("not-this-one")
    watched.page.keyboard.press("Enter")
    expect(watched.page.get_by_role("alert")).to_contain_text("登录名或密码不对")
    for label in ("登录名", "密码"):
        field = watched.page.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        said = field.get_attribute("aria-describedby")
        expect(watched.page.locator(f"#{said}")).to_contain_text("登录名或密码不对")


def test_who_signs_in_never_lands_on_another_host(visit):
    watched = visit()
    watched.page.goto(f"{watched.site}/signin?next=//example.org/")
    watched.page.get_by_label("登录名").fill("chief")
    watched.page.get_by_label("密码", exact=True).fill("Patrol-2026-demo")
    watched.page.keyboard.press("Enter")
    watched.page.wait_for_url(f"{watched.site}/")


def test_signing_out_closes_the_map(visit):
    watched = visit()
    watched.sign_in()
    watched.map_ready()
    watched.page.get_by_role("button", name="退出登录").click()
    watched.page.wait_for_url("**/signin")
    watched.page.goto(f"{watched.site}/map")
    watched.page.wait_for_url("**/signin?*")
    expect(watched.page.get_by_text("登录已过期", exact=False)).to_have_count(0)


def test_a_first_visitor_is_not_told_that_a_session_ended(visit):
    watched = visit()
    watched.page.goto(f"{watched.site}/map?issue=00000000-0000-4000-8000-000000000001")
    watched.page.wait_for_url("**/signin?*")
    expect(watched.page.get_by_role("heading", name="登录")).to_be_visible()
    expect(watched.page.get_by_role("alert")).to_have_count(0)
    assert "expired" not in watched.page.url


def test_an_address_that_is_none_is_told_on_a_page_with_ways_on(visit):
    watched = visit(NARROW)
    answer = watched.page.goto(f"{watched.site}/maps/of/elsewhere")
    assert answer.status == 404
    expect(watched.page.get_by_role("heading", name="找不到此页")).to_be_visible()
    watched.page.get_by_role("main").get_by_role("link", name="首页").click()
    watched.page.wait_for_url(f"{watched.site}/")


@pytest.mark.parametrize("path", ["/", "/signin", "/docs", "/nowhere"])
def test_the_title_is_in_the_language_of_the_page(visit, path):
    watched = visit()
    watched.page.goto(watched.site + path)
    expect(watched.page.locator("html")).to_have_attribute("lang", "zh-CN")
    assert "巡格" in watched.page.title()
    watched.page.get_by_role("button", name="English").click()
    expect(watched.page.locator("html")).to_have_attribute("lang", "en")
    assert "GridPatrol" in watched.page.title()
    assert not re.search(r"[\u4e00-\u9fff]", watched.page.title())


def test_on_a_phone_the_links_open_below_the_bar_and_back_folds_them(visit):
    watched = visit(NARROW)
    page = watched.page
    page.goto(f"{watched.site}/signin")
    page.get_by_role("button", name="菜单").click()
    link = page.get_by_role("link", name="接口文档")
    expect(link).to_be_visible()
    assert link.bounding_box()["height"] >= 60
    page.go_back()
    expect(link).to_be_hidden()
    assert page.url == f"{watched.site}/signin"


def test_the_api_page_shows_the_operations_and_finds_one(visit):
    watched = visit()
    page = watched.page
    page.goto(f"{watched.site}/docs")
    push = page.locator("summary", has_text="/v1/sync/push")
    expect(push.first).to_be_visible()
    page.get_by_label("查找地址或说明").fill("post sync push")
    expect(page.locator("summary")).to_have_count(1)
    push.press("Enter")
    expect(page.get_by_role("heading", name="请求内容")).to_be_visible()
    assert "q=post" in page.url
