"""The map page in Chromium, at a desk and on a phone: by mouse, by keyboard, in both languages, off the network."""

import itertools
import re
import struct
import time
import uuid
import zlib

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from tests.browser import sample
from tests.browser.conftest import NARROW, shown


def colours(png):
    """The colours of a picture, as a set: rows of a PNG without a filter would be raw, so each is unfiltered."""
    place, packed, width, height, step = 8, b"", 0, 0, 3
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", body[:10])
            step = 4 if colour == 6 else 3
        if kind == b"IDAT":
            packed += body
        place += 12 + length
    raw, above, seen = zlib.decompress(packed), bytes(width * step), set()
    for row in range(height):
        begin = row * (width * step + 1)
        above = unfiltered(raw[begin], raw[begin + 1 : begin + 1 + width * step], above, step)
        seen |= {above[x : x + 3] for x in range(0, len(above), step)}
    return seen


def unfiltered(kind, line, above, step):
    out = bytearray(line)
    for x, value in enumerate(line):
        left = out[x - step] if x >= step else 0
        up, corner = above[x], above[x - step] if x >= step else 0
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda each: abs(guess - each))
        out[x] = (value + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
    return bytes(out)


def test_grids_are_shaded_and_named_without_any_outside_tile_or_glyph(wide):
    asked = []
    wide.page.on("request", lambda request: asked.append(request.url))
    wide.page.reload()
    wide.map_ready()
    wide.page.wait_for_timeout(1500)
    picture = wide.page.locator(".map-canvas").screenshot()
    seen = colours(picture)
    legend = wide.page.locator(".ramp i").evaluate_all("all => all.map(each => getComputedStyle(each).backgroundColor)")
    ramp = [bytes(int(part) for part in re.findall(r"\d+", each)[:3]) for each in legend]
    assert len(set(ramp)) == len(ramp) > 2
    assert len([colour for colour in ramp[1:] if colour in seen]) >= 2, "grids carry the colours of the legend"
    for words in ("位置存疑", "非所辖", "无时限"):
        expect(wide.page.locator(".legend")).to_contain_text(words)
    assert any("/v1/tiles/1/grid/" in url for url in asked)
    assert not [url for url in asked if url.endswith(".pbf")]


def test_the_list_is_walked_opened_and_left_by_keyboard_alone(wide):
    page = wide.page
    page.locator("body").press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    listbox = page.get_by_role("listbox")
    expect(listbox).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    active = listbox.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").get_attribute("aria-posinset") == "3"
    page.keyboard.press("Enter")
    heading = page.get_by_role("heading", level=2)
    expect(heading).to_be_focused()
    expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(heading).to_have_count(0)
    expect(listbox).to_be_focused()
    page.keyboard.press("End")
    last = page.locator(f"#{listbox.get_attribute('aria-activedescendant')}")
    assert last.get_attribute("aria-posinset") == last.get_attribute("aria-setsize")
    expect(last).to_be_in_viewport()


def test_focus_can_be_seen(wide):
    wide.page.locator("body").press("Tab")
    wide.page.keyboard.press("Enter")
    outline = wide.page.get_by_role("listbox").evaluate("each => getComputedStyle(each).outlineStyle")
    assert outline != "none"


def test_an_issue_tells_everything_and_why_it_was_routed(wide, session):
    page = wide.page
    page.locator(".row").first.click()
    panel = page.locator(".panel")
    for words in ("情况", "承办单位", "为什么派给这里", "所属网格", "经过", "时限", "上报人"):
        expect(panel.get_by_text(words, exact=True).first).to_be_visible()
    page.wait_for_url("**issue=**")
    issue_id = re.search(r"issue=([0-9a-f-]+)", page.url).group(1)
    row = session.execute(text("SELECT routing, doc FROM issue WHERE id = :id"), {"id": issue_id}).one()
    expect(panel.locator(".reasons li").first).to_have_text(row.routing["reasons"][0]["zh"])
    expect(panel.get_by_text(row.routing["body"]["name"], exact=True).first).to_be_visible()
    expect(panel.locator(".description")).to_have_text(row.doc["description"])
    expect(panel.locator(".photo")).to_have_count(len(row.doc["photos"]))


def test_back_closes_an_issue_and_forward_opens_it_again(wide):
    page = wide.page
    rows = page.locator(".row")
    rows.nth(0).click()
    page.wait_for_url("**issue=**")
    first = page.url
    rows.nth(1).click()
    page.wait_for_url(lambda url: "issue=" in url and url != first)
    page.go_back()
    page.wait_for_url(first)
    expect(page.locator(".row.is-open")).to_have_attribute("aria-posinset", "1")
    page.go_back()
    expect(page.locator(".panel")).to_have_count(0)
    assert page.url == f"{wide.site}/map"
    page.go_forward()
    expect(page.locator(".panel")).to_be_visible()
    assert page.url == first


def test_closing_an_issue_leaves_no_step_behind(wide):
    page = wide.page
    before = page.evaluate("history.length")
    for number in range(3):
        page.locator(".row").nth(number).click()
        page.locator(".panel").get_by_label("关闭").click()
        expect(page.locator(".panel")).to_have_count(0)
    assert page.evaluate("history.length") <= before + 1
    assert page.url == f"{wide.site}/map"


def test_a_click_on_the_map_opens_the_issue_that_lies_there(wide, session):
    page = wide.page
    lonely = session.scalar(
        text("""
            SELECT issue.id FROM issue, LATERAL (
                SELECT min(ST_Distance(issue.position, other.position)) AS away FROM issue AS other
                WHERE other.id <> issue.id AND other.closed_at IS NULL
            ) AS nearest
            WHERE issue.closed_at IS NULL AND issue.grid_now IS NOT NULL ORDER BY away DESC LIMIT 1
        """)
    )
    page.goto(f"{wide.site}/map?issue={lonely}")  # a link leads to the place, too
    wide.map_ready()
    page.wait_for_timeout(2500)
    page.locator(".panel").get_by_label("关闭").click()
    page.wait_for_url(lambda url: "issue=" not in url)
    box = page.locator(".map-canvas").bounding_box()
    page.mouse.click(box["x"] + (box["width"] - 420) / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".panel .reasons")).to_be_visible()
    page.wait_for_url(f"**issue={lonely}**")


def test_a_click_on_a_grid_shows_its_numbers_and_its_worker(wide, session):
    page = wide.page
    code = session.scalar(text("SELECT code FROM area WHERE kind = 'grid' ORDER BY code LIMIT 1"))
    page.goto(f"{wide.site}/map?grid={code}")
    panel = page.locator(".panel")
    expect(panel.get_by_text(code)).to_be_visible()
    count = session.scalar(
        text("SELECT count(*) FROM issue JOIN area ON area.id = grid_now WHERE code = :code AND closed_at IS NULL"),
        {"code": code},
    )
    expect(panel.locator(".numbers-row b").first).to_have_text(str(count))
    expect(panel.get_by_text("w01")).to_be_visible()
    panel.get_by_role("button", name="只看这个网格").click()
    expect(page.locator(".count")).to_have_text(f"{count} 件")


def test_a_supervisor_hands_out_an_enrolment_code_as_a_picture(wide, session):
    page = wide.page
    code = session.scalar(text("SELECT code FROM area WHERE kind = 'grid' ORDER BY code LIMIT 1"))
    page.goto(f"{wide.site}/map?grid={code}")
    page.get_by_role("button", name="登记手机").first.click()
    picture = page.locator(".enrol img")
    expect(picture).to_be_visible()
    assert picture.evaluate("each => each.naturalWidth") > 0
    assert re.fullmatch(r"[0-9A-Z]{10}", page.locator(".enrol-code").inner_text())


def test_the_page_reads_each_number_once_and_no_list_of_all_areas(wide):
    asked = []
    wide.page.on("request", lambda request: asked.append((request.url.removeprefix(wide.site), time.monotonic())))
    wide.page.reload()
    wide.map_ready()
    for path in ("/v1/map/grids", "/v1/map/issues"):
        moments = [at for url, at in asked if url.startswith(path)]
        assert moments
        # What an open page shows is asked for again every fifteen seconds.
        assert all(after - before > 10 for before, after in itertools.pairwise(moments))
    areas = [url for url, _ in asked if url.startswith("/v1/areas")]
    assert areas
    assert all("limit=" in url or "code=" in url for url in areas)


@pytest.fixture
def crowd(session):
    """Forty issues at the spot of one; gone afterwards."""
    row = session.execute(
        text("""
            SELECT id, ST_X(position) AS lon, ST_Y(position) AS lat FROM issue
            WHERE closed_at IS NULL AND grid_now IS NOT NULL AND category = '0101' ORDER BY id LIMIT 1
        """)
    ).one()
    columns = (
        "rev, doc_rev, doc, author_id, captured_at, received_at, changed_at, position, located, edition_at_capture"
    )
    more = "grid_at_capture, grid_now, state, awaiting_routing, due_at, body_id, routing"
    ids = session.scalars(
        text(f"""
            INSERT INTO issue (id, {columns}, {more})
            SELECT gen_random_uuid(), {columns}, {more} FROM issue, generate_series(1, 40) WHERE id = :id RETURNING id
        """),
        {"id": row.id},
    ).all()
    session.commit()
    yield row
    session.execute(text("DELETE FROM issue WHERE id = ANY(:ids)"), {"ids": ids})
    session.commit()


def test_many_issues_at_one_spot_are_a_number_and_each_can_be_opened(wide, crowd):
    page = wide.page
    page.goto(f"{wide.site}/map?issue={crowd.id}")
    wide.map_ready()
    expect(page.locator(".panel .reasons")).to_be_visible()
    page.wait_for_timeout(2500)
    page.locator(".panel").get_by_label("关闭").click()
    expect(page.locator(".panel")).to_have_count(0)
    box = page.locator(".map-canvas").bounding_box()
    page.mouse.click(box["x"] + (box["width"] - 420) / 2, box["y"] + box["height"] / 2)
    page.wait_for_url("**spot=**")
    listed = page.locator(".panel").get_by_role("listbox")
    expect(page.locator(".panel h2")).to_contain_text("件事件")
    assert int(listed.get_by_role("option").first.get_attribute("aria-setsize")) >= 41
    there = page.url
    listed.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**issue=**")
    expect(page.locator(".panel .reasons")).to_be_visible()
    page.go_back()
    expect(listed).to_be_visible()
    assert page.url == there
    page.reload()
    expect(listed.get_by_role("option").first).to_be_visible()


def test_english_is_chosen_once_and_remembered(wide):
    page = wide.page
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Issues")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Issues")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "en"
    page.locator(".row").first.click()
    expect(page.get_by_text("Why it was routed here")).to_be_visible()
    bare = page.locator(".panel h3").all_inner_texts()
    assert not [words for words in bare if re.search(r"[\u4e00-\u9fff]", words)]


def test_a_new_issue_appears_without_a_reload(wide, session):
    before = shown(wide.page)
    session.execute(
        text("""
            INSERT INTO issue (id, rev, doc_rev, doc, captured_at, received_at, changed_at, awaiting_routing)
            VALUES (:id, 1, 1, '{"category": "0301", "address_text": "新报"}', now(), now(), now(), false)
        """),
        {"id": uuid.uuid4()},
    )
    session.commit()
    # The page looks every fifteen seconds, and at once when the network is back.
    wide.page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(wide.page.locator(".count")).to_have_text(f"{before + 1} 件")
    session.execute(text("DELETE FROM issue WHERE doc ->> 'address_text' = '新报'"))
    session.commit()


def test_without_a_network_the_page_says_so_keeps_its_list_and_recovers(wide):
    page = wide.page
    before = shown(page)
    page.context.set_offline(True)  # playwright's signature
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("连接中断", exact=False)).to_be_visible()
    assert shown(page) == before
    page.context.set_offline(False)  # playwright's signature
    expect(page.get_by_text("连接中断", exact=False)).to_have_count(0)


def test_a_session_that_ended_leads_to_sign_in_and_back(wide):
    page = wide.page
    page.locator(".row").first.click()
    page.wait_for_url("**issue=**")
    there = page.url
    page.context.clear_cookies()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_url("**/signin?*")
    expect(page.get_by_text("登录已过期，请重新登录。")).to_be_visible()
    page.get_by_label("登录名").fill(sample.SUPERVISOR)
    page.get_by_label("密码", exact=True).fill(sample.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(there)


def test_private_issues_are_masked_for_a_clerk(visit, session):
    clerk = visit()
    clerk.sign_in(sample.CLERK)
    clerk.map_ready()
    private = session.scalar(text("SELECT id FROM issue WHERE category = '0601' AND closed_at IS NULL LIMIT 1"))
    clerk.page.goto(f"{clerk.site}/map?issue={private}")
    expect(clerk.page.locator(".panel .masked")).to_be_visible()
    assert sample.WORDS["0601"][0] not in clerk.page.content()


def test_on_a_phone_the_list_is_a_sheet_that_is_raised_and_lowered(narrow):
    page = narrow.page
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    side = page.locator(".side")
    low = side.bounding_box()["height"]
    handle = side.get_by_role("button", name="展开列表")
    handle.click()
    page.wait_for_timeout(400)
    assert side.bounding_box()["height"] > low + 100
    page.locator(".row").nth(1).click()
    panel = page.locator(".panel")
    expect(panel.locator(".reasons")).to_be_attached()
    box = panel.bounding_box()
    assert (box["x"], box["width"]) == (0, NARROW[0])
    assert box["y"] > 200, "the map is still seen above"
    panel.get_by_label("关闭").click()
    expect(side).to_be_visible()
