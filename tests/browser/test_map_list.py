"""The list beside the map in Chromium: what it tells, how it is filtered and searched, however much lies in it."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.api.serving import served
from tests.browser.conftest import NARROW, founded, shown


def open_issues(session):
    return session.scalar(text("SELECT count(*) FROM issue WHERE closed_at IS NULL AND deleted_at IS NULL"))


def test_the_list_tells_all_that_is_open(wide, session):
    assert shown(wide.page) == open_issues(session)


def test_typing_is_no_step_and_a_panel_of_filters_is_one(wide):
    page = wide.page
    before = page.evaluate("history.length")
    page.get_by_label("搜索描述、地址或编号").press_sequentially("井盖", delay=400)
    page.wait_for_url("**search=**")
    assert page.evaluate("history.length") == before
    page.get_by_role("button", name="类别: 全部类别").click()
    page.get_by_label("03 公用设施", exact=False).first.check()
    page.wait_for_url("**categories=03**")
    page.go_back()
    expect(page.locator(".choice-panel")).to_have_count(0)
    assert "categories=03" in page.url
    page.go_back()
    page.wait_for_url(lambda url: "categories" not in url)
    assert "search=" in page.url


def test_filters_narrow_list_and_address_and_survive_a_reload(wide, session):
    page = wide.page
    page.get_by_role("button", name="类别: 全部类别").click()
    page.get_by_label("03 公用设施", exact=False).first.check()
    page.keyboard.press("Escape")
    count = session.scalar(text("SELECT count(*) FROM issue WHERE category LIKE '03%' AND closed_at IS NULL"))
    expect(page.locator(".count")).to_have_text(f"{count} 件")
    assert "categories=03" in page.url
    page.reload()
    expect(page.locator(".count")).to_have_text(f"{count} 件")
    page.get_by_role("button", name="清除筛选").click()
    expect(page.locator(".count")).to_have_text(f"{open_issues(session)} 件")
    page.get_by_text("超期", exact=True).first.click()
    overdue = session.scalar(text("SELECT count(*) FROM issue WHERE due_at < now() AND closed_at IS NULL"))
    expect(page.locator(".count")).to_have_text(f"{overdue} 件")


def test_an_area_of_any_kind_is_chosen_by_a_few_letters_and_keys_alone(wide, session):
    page = wide.page
    name, code = session.execute(
        text("""
            SELECT name, code FROM area JOIN area_version ON area_id = area.id WHERE kind = 'community'
            ORDER BY code LIMIT 1
        """)
    ).one()
    page.get_by_role("button", name="区域: 全部所辖").press("Enter")
    field = page.get_by_role("combobox", name="区域名称或编号")
    expect(field).to_be_focused()
    page.keyboard.type(name[:3])
    page.get_by_label("类型").select_option("community")
    expect(page.locator(".areas-list [role=option]").first).to_contain_text(name)
    field.focus()
    if not field.get_attribute("aria-activedescendant"):
        page.keyboard.press("ArrowDown")
    chosen = page.locator(f"[id='{field.get_attribute('aria-activedescendant')}']")
    expect(chosen).to_contain_text(name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**place={code}")
    expect(page.get_by_role("button", name=f"区域: {name}")).to_be_focused()
    count = session.scalar(
        text("""
            SELECT count(*) FROM issue JOIN area_version ON area_id = grid_now
            WHERE parent_id = (SELECT id FROM area WHERE code = :code) AND closed_at IS NULL
        """),
        {"code": code},
    )
    expect(page.locator(".count")).to_have_text(f"{count} 件")
    page.reload()
    expect(page.get_by_role("button", name=f"区域: {name}")).to_be_visible()
    page.go_back()
    expect(page.locator(".count")).to_have_text(f"{open_issues(session)} 件")


def test_what_lies_in_no_grid_can_be_found(wide, session):
    wide.page.get_by_role("button", name="区域: 全部所辖").click()
    wide.page.get_by_role("option", name="不在任何网格内").click()
    lost = session.scalar(text("SELECT count(*) FROM issue WHERE grid_now IS NULL AND closed_at IS NULL"))
    assert lost > 0
    expect(wide.page.locator(".count")).to_have_text(f"{lost} 件")
    expect(wide.page.locator(".row .mark", has_text="网格外").first).to_be_visible()


def test_an_empty_list_says_so_in_words(wide):
    wide.page.get_by_label("搜索描述、地址或编号").fill("没有这样的事件")
    expect(wide.page.get_by_text("没有符合条件的事件。")).to_be_visible()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_phone_every_filter_is_seen_whole(narrow, language):
    page = narrow.page
    if language == "en":
        page.evaluate("localStorage.setItem('patrol.language', 'en')")
        page.reload()
        narrow.map_ready()
    chips = page.locator(".filters-row .choice-button")
    expect(chips).to_have_count(4)
    for chip in chips.all():
        box = chip.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW[0]
        told = chip.locator(".choice-told")
        assert told.evaluate("each => each.scrollWidth <= each.clientWidth"), "no word is cut"


def test_on_a_phone_filters_open_within_reach(narrow):
    narrow.page.get_by_role("button", name="状态: 全部状态").click()
    narrow.page.wait_for_timeout(400)
    box = narrow.page.locator(".choice-panel").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW[0]
    assert box["y"] + box["height"] <= NARROW[1]


@pytest.fixture(scope="module")
def busy_site(cluster_url, redis_url):
    with founded(cluster_url, 100, copies=25) as database, served(database, redis_url, threads=8) as url:
        yield url


def test_two_thousand_open_issues_draw_a_few_rows_and_come_to_an_end(visit, busy_site):
    busy = visit(at=busy_site)
    busy.sign_in()
    busy.map_ready()
    page = busy.page
    assert shown(page) > 2_000
    assert page.locator(".row").count() < 60
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    last = page.locator(".row.is-active")
    assert last.get_attribute("aria-posinset") == str(shown(page))
    expect(last).to_be_in_viewport()
    assert page.locator(".row").count() < 60
