"""Rules for elder workers, measured: letters, what is pressed, contrast, names; and what the app must never ask."""

import gzip
import re

import pytest
from playwright.sync_api import expect

from server.pages.routes import DIST
from tests.browser.patrol.conftest import PHONE
from tests.browser.test_accessible import faults

WIDTHS = (360, 390, 768)
FIRST_LOAD_BYTES = 350_000

SMALL = """(least) => {
    const seen = (each) => each.checkVisibility({visibilityProperty: true}) && each.getClientRects().length > 0
        && !each.closest('.unseen, .maplibregl-map');
    const start = (each) => each.outerHTML.slice(0, 120);
    const small = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const of = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || of.matches('script, style, noscript, option')) continue;
        const style = getComputedStyle(of);
        if (!seen(of)) continue;
        const px = parseFloat(style.fontSize);
        // Beside each size that may be chosen stands a letter of that size.
        if (px < (of.closest('.patrol-sizes') ? 18 : least) - 0.1) small.push(`${px}: ${start(of)}`);
        if (parseFloat(style.lineHeight) < 1.29 * px) small.push(`line: ${start(of)}`);
    }
    for (const each of document.querySelectorAll('button, select, summary, a, textarea, input:not([type=checkbox])')) {
        if (!seen(each)) continue;
        const {width, height} = each.getBoundingClientRect();
        const main = each.matches('.wide, .patrol-answer, .patrol-ways a, .patrol-undo button, .patrol-row');
        if (height < (main ? 59.5 : 43.5) || width < 43.5) small.push(`${width}x${height}: ${start(each)}`);
    }
    return small;
}"""


def screens(app):
    """Go through the screens; yields the name of each."""
    page = app.page
    page.get_by_role("link", name="今天").click()
    expect(page.locator(".patrol-building").first).to_be_visible()
    yield "today"
    app.door("201")
    page.get_by_role("button", name="更多").click()
    yield "door"
    page.get_by_role("link", name="在这里上报一件事").click()
    page.get_by_text("位置不对，我来移动").click()
    page.get_by_role("button", name="公用设施").click()
    expect(page.get_by_role("group", name="是哪一种")).to_be_visible()
    yield "report"
    page.get_by_role("button", name="不报了").click()
    page.get_by_role("link", name="不在名单上的门牌").click()
    expect(page.get_by_label("在哪里")).to_be_visible()
    yield "new door"
    page.get_by_role("link", name="我的上报").click()
    expect(page.get_by_role("heading", name="我的上报")).to_be_visible()
    yield "mine"
    page.locator(".patrol-sync").click()
    expect(page.get_by_role("heading", name="发送和保存")).to_be_visible()
    yield "sync"
    page.get_by_role("link", name="地图").click()
    page.wait_for_selector(".patrol-map-canvas[data-ready=true]")
    yield "map"
    page.get_by_role("link", name="今天").click()
    page.get_by_role("link", name="我的设置").click()
    expect(page.get_by_role("heading", name="我的设置")).to_be_visible()
    yield "me"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("letters", [18, 30])
def test_no_screen_keeps_an_elder_worker_out(app, looked_at, scheme, letters):
    page = app.page
    page.emulate_media(color_scheme=scheme)
    page.get_by_role("link", name="我的设置").click()
    page.get_by_role("button", name=f"{letters} 像素").click()
    found = []
    for name in screens(app):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            told = f"{name} {width} {scheme} {letters}"
            found += [f"{told}: {each}" for each in page.evaluate(SMALL, letters)]
            if page.evaluate("document.querySelector('.patrol-main').scrollWidth > innerWidth"):
                found.append(f"{told}: wider than the screen")
            if width == PHONE[0]:
                looked_at(page, f"elder-{name}-{scheme}-{letters}")
        found += [f"{name} {scheme} {letters}: {each}" for each in faults(page)]
    assert found == []


def test_the_lock_and_the_enrolment_keep_nobody_out(app, looked_at):
    page = app.page
    page.reload()
    expect(page.get_by_label("密码", exact=True)).to_be_visible()
    page.get_by_text("忘记密码").click()
    looked_at(page, "unlock")
    found = page.evaluate(SMALL, 18) + faults(page)
    page.get_by_role("button", name="另一位网格员用这部手机").click()
    expect(page.get_by_label("登记码")).to_be_visible()
    looked_at(page, "enrol")
    found += page.evaluate(SMALL, 18) + faults(page)
    page.get_by_role("button", name="不登记，返回").click()
    app.unlock()
    page.get_by_role("link", name="我的设置").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Today", exact=True)).to_be_visible()
    looked_at(page, "today-english")
    found += page.evaluate(SMALL, 18) + faults(page)
    assert found == []


def test_a_visit_asks_no_field_and_nothing_counts_or_follows_the_worker(app):
    page = app.page
    app.door("101")
    asked = "main :is(input, textarea, select)"
    shown = [each for each in page.locator(asked).all() if each.is_visible()]
    assert shown == [], "the answer is one tap"
    app.answer("已访")
    expect(page.get_by_role("button", name="撤销")).to_be_visible()
    app.sent_after_waiting()
    (visit,) = app.worker.written("visit")
    assert visit.doc.keys() == {"household_id", "outcome", "purpose", "started_at"}, "no place, no more than was seen"
    page.get_by_role("link", name="今天").click()
    words = page.evaluate("document.body.innerText")
    assert not re.search("排名|名次|积分|在线时长|轨迹|打卡|签到", words)
    asks = page.evaluate("navigator.permissions.query({name: 'geolocation'}).then(({state}) => state)")
    assert asks == "prompt", "the place is asked for by nothing but a form that needs it"


def test_the_first_load_is_small(visit, worker):
    watched = visit(PHONE)
    loaded = set()
    watched.page.on("response", lambda answer: loaded.add(answer.url.removeprefix(watched.site)))
    watched.page.goto(f"{watched.site}/patrol")
    expect(watched.page.get_by_role("heading", name="登记这部手机")).to_be_visible()
    first = {path for path in loaded if path.startswith("/assets/")} & set(_named_by_page())
    assert first, "the page asks for its programs"
    names = [DIST / path.removeprefix("/") for path in first] + [DIST / "patrol.html", DIST / "patrol-worker.js"]
    size = sum(len(gzip.compress(name.read_bytes(), 9, mtime=0)) for name in names)
    assert size < FIRST_LOAD_BYTES, size


def _named_by_page():
    return re.findall(r'(?:src|href)="(/assets/[^"]+)"', (DIST / "patrol.html").read_text())


def test_an_app_under_a_plain_address_says_why_it_does_not_begin(visit, worker):
    watched = visit(PHONE)
    watched.page.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    watched.page.goto(f"{watched.site}/patrol#ABC")
    expect(watched.page.get_by_role("heading", name="这个地址不能用")).to_be_visible()
    assert watched.page.get_by_role("button").count() == 0


def test_a_locked_app_comes_back_to_the_form_that_was_open(app):
    page = app.page
    page.get_by_role("link", name="上报", exact=True).click()
    page.get_by_label("说明").fill("写到一半")
    page.clock.install()
    page.evaluate("""() => {
        Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
    }""")
    page.clock.fast_forward("16:00")
    expect(page.get_by_label("密码", exact=True)).to_be_visible()
    page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'visible', configurable: true})")
    app.unlock()
    expect(page.get_by_label("说明")).to_have_value("写到一半")
