"""Grids are picked and drawn without a mouse; a draft shows what it changes, and a phone keeps publishing in reach."""

import datetime as dt

import pytest
import shapely
from playwright.sync_api import expect
from sqlalchemy import text

from server.cases.routing.rulebook import Draft, save
from tests.browser.conftest import NARROW, WIDE
from tests.browser.test_ground_page import Canvas, begin, city, grids_of, name_of, opened, roundest, split

__all__ = ["city"]


def find(page, words):
    """Type words into the search, and wait for what it finds."""
    box = page.get_by_role("combobox", name="找网格")
    box.focus()
    page.keyboard.type(words)
    expect(page.get_by_role("option").first).to_be_visible()


def press(page, name):
    """Use a button as the keyboard does."""
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def test_a_grid_is_found_split_and_published_by_keys_alone(visit, city, looked_at):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    code = roundest(grids)
    find(page, code)
    page.keyboard.press("Enter")
    expect(page.locator(".ground-picked")).to_contain_text(name_of(city.session, code))
    press(page, "分割")
    press(page, "东西向中线")
    expect(page.get_by_text("已有 2 点")).to_be_visible()
    expect(page.locator(".pen-handle").first).to_be_focused()
    before = page.get_by_label("第 1 点", exact=True).input_value()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("第 1 点", exact=True)).not_to_have_value(before)
    looked_at(page, "ground-by-keys")
    press(page, "完成")
    expect(page.get_by_role("button", name=f"分割 {code}")).to_be_visible()
    press(page, "发布")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Tab")
    page.get_by_role("dialog").get_by_role("button", name="发布").press("Enter")
    expect(page.get_by_text("第 2 版")).to_be_visible()
    city.session.rollback()
    assert len(grids_of(city.session)) == len(grids) + 1


def test_a_line_is_typed_and_what_is_no_place_is_said(visit, city):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    code = roundest(grids)
    find(page, code)
    page.keyboard.press("Enter")
    press(page, "分割")
    typed = page.get_by_label("添加点")
    typed.fill("东门")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("读不懂“东门”")
    west, _, east, _ = grids[code].bounds
    beyond, y = (east - west) / 10, grids[code].representative_point().y
    typed.fill(f"{west - beyond}，{y}\n{east + beyond} {y}")
    page.keyboard.press("Enter")
    expect(page.get_by_text("已有 2 点")).to_be_visible()
    press(page, "完成")
    expect(page.get_by_role("button", name=f"分割 {code}")).to_be_visible()


def test_a_border_is_moved_from_where_it_is(visit, city):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    one, other = neighbours(grids)
    for code in (one, other):
        page.get_by_role("combobox").fill("")
        find(page, code)
        page.keyboard.press("Enter")
    expect(page.locator(".ground-picked .chip")).to_have_count(2)
    press(page, "改边界")
    press(page, "从现有边界开始")
    expect(page.locator(".pen-points li").nth(1)).to_be_visible()
    ends = [page.locator(".pen-points input").first.input_value(), page.locator(".pen-points input").last.input_value()]
    shared = shapely.shared_paths(grids[one].boundary, grids[other].boundary)
    for end in ends:
        lon, lat = (float(each) for each in end.split(","))
        assert shapely.distance(shapely.Point(lon, lat), shared) < 1e-5


def neighbours(grids):
    """Two grids with a good length of common border."""
    codes = sorted(grids)
    length = {
        (a, b): shapely.intersection(grids[a], grids[b]).length
        for number, a in enumerate(codes)
        for b in codes[number + 1 :]
    }
    return max(length, key=length.get)


def test_whom_a_merger_concerns_is_listed_before_it_is_published(visit, city):
    one, other = neighbours(grids_of(city.session))
    for area in (one, other):
        save(city.session, Draft(f"规则{area}", "chengguan", area=area), author_id=None, now=dt.datetime.now(dt.UTC))
    city.session.commit()
    page = opened(visit, city)
    begin(page)
    for code in (one, other):
        page.get_by_role("combobox").fill("")
        find(page, code)
        page.keyboard.press("Enter")
    press(page, "合并")
    page.get_by_label("合并后保留的编码").select_option(one)
    press(page, "完成")
    people = page.get_by_role("heading", name="随区域结束的职责（1）")
    expect(people).to_be_visible()
    listed = page.locator(".concerned")
    expect(listed.first).to_contain_text(f"网格员 · {other}")
    expect(listed.first).to_contain_text("没有其他职责")
    expect(page.get_by_role("heading", name="有关的派遣规则（2）")).to_be_visible()
    ends = listed.get_by_role("listitem").filter(has_text="区域不再存在，规则失效")
    expect(ends).to_have_count(1)
    expect(ends).to_contain_text(f"规则{other}")
    expect(page.get_by_role("heading", name="不会自动收到通知的单位（1）")).to_be_visible()


def test_a_whole_community_is_gone_into_and_its_grids_are_listed(visit, city):
    page = opened(visit, city)
    begin(page)
    above = city.session.execute(
        text("""SELECT parent.code, count(*) AS grids FROM area JOIN area_version ON area_id = area.id
                JOIN area AS parent ON parent.id = parent_id WHERE area.kind = 'grid' AND upper_inf(editions)
                GROUP BY parent.code ORDER BY 2 DESC LIMIT 1""")
    ).one()
    find(page, above.code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("option")).to_have_count(min(above.grids, 30))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".ground-picked .chip")).to_have_count(1)


def test_a_draft_that_is_opened_shows_and_lists_what_it_changes_and_each_leads_to_its_place(visit, city):
    page = opened(visit, city)
    begin(page)
    grids = grids_of(city.session)
    code = roundest(grids)
    split(page, grids, code)
    page.get_by_role("button", name="完成").click()
    changed = page.locator(".changed li")
    expect(changed).to_have_count(2)
    expect(page.locator(".changed .is-new")).to_have_count(1)
    page.reload()
    page.wait_for_selector(".map-canvas[data-ready=true]")
    expect(changed).to_have_count(2)
    page.wait_for_selector(".map-canvas[data-drawn=true]")
    # What it changes fills the map: beside the middle lies the grid that was split.
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".ground-picked .chip")).to_have_count(1)
    page.get_by_role("button", name=f"分割 {code}").click()
    changed.first.get_by_role("button").click()
    page.get_by_role("button", name="在图上看").first.click()


def test_a_tap_on_what_is_too_small_goes_nearer_and_says_so(visit, city):
    page = opened(visit, city)
    begin(page)
    page.wait_for_selector(".map-canvas[data-drawn=true]")
    for _ in range(5):
        page.get_by_role("button", name="缩小").click()
        page.wait_for_timeout(400)
    box = page.locator(".map-canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.get_by_role("status").filter(has_text="太小")).to_be_visible()
    expect(page.locator(".ground-picked")).to_have_count(0)


@pytest.mark.parametrize("size", [NARROW, WIDE])
def test_publishing_is_within_reach_however_long_the_list_is(visit, city, looked_at, size):
    page = opened(visit, city, size)
    begin(page)
    grids = grids_of(city.session)
    inside = grids[roundest(grids)].representative_point()
    Canvas(page, grids).click(inside.x, inside.y)
    page.get_by_role("button", name="均分").click()
    page.get_by_label("网格数").fill("4")
    page.get_by_role("button", name="完成").click()
    expect(page.locator(".ground-balance")).to_be_visible()
    expect(page.get_by_role("button", name="发布", exact=True)).to_be_in_viewport()
    looked_at(page, f"ground-foot-{size[0]}")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_back_leads_from_a_draft_to_the_list_and_not_out_of_the_page(visit, city):
    page = opened(visit, city)
    begin(page)
    page.go_back()
    expect(page.get_by_label("草案名称")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("heading", name="东门划分")).to_be_visible()
