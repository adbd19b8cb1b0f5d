"""Every page under axe: at a desk and on a phone, in both languages, by day and in the dark.

And what axe does not see: the sizes of letters and of what is pressed, that nothing to press lies beyond the edge of a
phone, and rows under letters of twice the size.
"""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from server.pages.routes import DIST
from tests.browser import sample
from tests.browser.conftest import NARROW, WIDE

AXE = Path(DIST).parent / "node_modules" / "axe-core" / "axe.min.js"


def a_row(page):
    page.locator(".row").first.click()
    expect(page.locator(".panel .reasons")).to_be_visible()


def an_area(page):
    page.locator(".choice-button").nth(3).click()
    expect(page.locator(".areas-list [role=option]").first).to_be_visible()


def categories(page):
    page.locator(".choice-button").nth(1).click()
    expect(page.locator(".tree")).to_be_visible()


def an_operation(page):
    page.locator("details.docs-one > summary").nth(3).click()
    expect(page.locator(".docs-body h3").first).to_be_visible()


def a_wrong_password(page):
    page.locator("[name=login]").fill("nobody")
    page.locator("[name=password]").fill("not-this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def a_year(page):
    expect(page.locator(".calendar-month")).to_have_count(12)
    expect(page.locator(".calendar-enter")).to_be_visible()


def a_case(page):
    """The first case of the list, with a form open."""
    page.locator(".case-row, .desk-open").first.click()
    expect(page.locator(".case-title")).to_be_visible()
    page.locator(".step-buttons button").first.click()
    expect(page.locator(".step-form")).to_be_visible()


def a_list(page):
    expect(page.locator(".case-row, .desk-card").first).to_be_visible()


def the_keys(page):
    a_list(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def of_a_number(page):
    page.locator(".by-number input").fill("123")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


def nothing(page):
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def somebody_found(page):
    expect(page.locator(".rows tbody tr").first).to_be_visible()


def a_question(page):
    page.get_by_role("button", name=re.compile("停用账号|Block account")).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def a_list_of_areas(page):
    page.locator(".picks .choice-button").click()
    expect(page.locator(".areas-list [role=option]").first).to_be_visible()


PAGES = {
    "start of a stranger": ("/", None, nothing),
    "enrolment code": ("/enrol#ABCDE23456", None, nothing),
    "sign-in": ("/signin", None, nothing),
    "wrong password": ("/signin", None, a_wrong_password),
    "no page": ("/nowhere", None, nothing),
    "API": ("/docs", None, an_operation),
    "start": ("/", sample.SUPERVISOR, nothing),
    "map": ("/map", sample.SUPERVISOR, lambda page: page.wait_for_selector(".row")),
    "issue": ("/map", sample.SUPERVISOR, a_row),
    "areas": ("/map", sample.SUPERVISOR, an_area),
    "categories": ("/map", sample.SUPERVISOR, categories),
    "duty": ("/duty", sample.SUPERVISOR, a_list),
    "duty, a case": ("/duty", sample.SUPERVISOR, a_case),
    "duty, keys": ("/duty", sample.SUPERVISOR, the_keys),
    "desk": ("/desk", sample.HANDLER, a_list),
    "desk, a case": ("/desk", sample.HANDLER, a_case),
    "case": ("/case", sample.SUPERVISOR, of_a_number),
    "start of a body": ("/", sample.HANDLER, nothing),
    "review": ("/review", sample.SUPERVISOR, nothing),
    "support": ("/support", sample.SUPERVISOR, nothing),
    "calendar": ("/calendar", sample.ADMIN, a_year),
    "areas of a list": ("/support", sample.SUPERVISOR, a_list_of_areas),
    "a phone's file": ("/support?list=outbox", sample.SUPERVISOR, nothing),
    "visits in no grid": ("/support?list=adrift", sample.SUPERVISOR, nothing),
    "grids": ("/grids", sample.DRAWER, nothing),
    "accounts": ("/people", sample.ADMIN, somebody_found),
    "new account": ("/people?new=1", sample.ADMIN, nothing),
    "an account": (f"/people?person={sample.CLERK}", sample.ADMIN, nothing),
    "a question": (f"/people?person={sample.CLERK}", sample.ADMIN, a_question),
    "own account": ("/account", sample.CLERK, nothing),
}
PAPER = (718, 1050)
"""A4 within margins of a centimetre, of 96 to an inch."""
PRINTED = {
    "list": ("/map", sample.SUPERVISOR, lambda page: page.wait_for_selector(".row")),
    "issue": ("/map", sample.SUPERVISOR, a_row),
    "support": ("/support", sample.SUPERVISOR, nothing),
    "review": ("/review", sample.SUPERVISOR, nothing),
    "grids": ("/grids", sample.DRAWER, nothing),
    "accounts": ("/people", sample.ADMIN, somebody_found),
    "API": ("/docs", None, an_operation),
}


COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of axe that look at colours; all others find in the dark what they find by day."""


def faults(page, rules=None):
    """What axe finds: the rule, and the elements that break it. ``rules``: these alone, None for all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"]} | ({} if rules is None else {"runOnly": rules})
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{each['id']}: {json.dumps([node['html'][:160] for node in each['nodes'][:3]], ensure_ascii=False)}"
        for each in found["violations"]
    ]


SIZES = """(narrow) => {
    const seen = (each) => each.checkVisibility({visibilityProperty: true}) && each.getClientRects().length > 0
        && !each.closest('.unseen, .skip, .maplibregl-ctrl, .maplibregl-map');
    const start = (each) => each.outerHTML.slice(0, 120);
    const small = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const of = walker.currentNode.parentElement;
        if (!walker.currentNode.textContent.trim() || of.matches('script, style, noscript, option')) continue;
        const px = parseFloat(getComputedStyle(of).fontSize);
        const code = of.closest('code') ? 0.9 : 1;
        if (narrow && seen(of) && px < 16 * code) small.push(`${px} px: ${start(of)}`);
    }
    const pressed = 'button, select, summary, [role=option], input:not([type=radio], [type=checkbox])';
    for (const each of document.querySelectorAll(pressed)) {
        if (!seen(each)) continue;
        const {width, height, right} = each.getBoundingClientRect();
        if (narrow && right > innerWidth + 1) small.push(`beyond the edge, to ${right} px: ${start(each)}`);
        if (height < 43.5 || width < 43.5) small.push(`${width}x${height}: ${start(each)}`);
    }
    return small;
}"""


CUT = """() => [...document.querySelectorAll('.row, .tile, .way, button, .door, summary')]
    .filter((each) => each.checkVisibility() && each.scrollHeight > each.clientHeight + 4)
    .map((each) => each.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("name", PAGES)
def test_no_page_keeps_anybody_out(visit, name):
    path, login, prepare = PAGES[name]
    watched = visit(WIDE)
    page = watched.page
    if login:
        watched.sign_in(login, then="/docs")
    found = []
    for language in ("zh", "en"):
        for size in (WIDE, NARROW):
            page.add_init_script(f"localStorage.setItem('patrol.language', '{language}')")
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.goto(watched.site + path)
            if "#" in path:
                page.reload()  # to another fragment of where one is, a browser does not go anew
            prepare(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0], f"{language} {size}: wider than it"
            found += [f"{language} {size}: {each}" for each in page.evaluate(SIZES, size == NARROW)]
            for scheme, rules in (("light", None), ("dark", COLOURS)):
                page.emulate_media(color_scheme=scheme)
                page.wait_for_timeout(100)
                found += [f"{language} {size} {scheme}: {each}" for each in faults(page, rules)]
    assert found == []


TO_BE_PRESSED = """() => [...document.querySelectorAll('button, select, input, .bar-link, .map-canvas')]
    .filter((each) => each.checkVisibility() && each.getClientRects().length > 0 && !each.matches('.unseen'))
    .map((each) => each.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("name", PRINTED)
def test_on_paper_a_page_says_all_and_has_nothing_to_be_pressed(visit, looked_at, name):
    path, login, prepare = PRINTED[name]
    watched = visit(PAPER)
    page = watched.page
    if login:
        watched.sign_in(login, then="/docs")
    page.goto(watched.site + path)
    prepare(page)
    for scheme, rules in (("light", None), ("dark", COLOURS)):
        page.emulate_media(media="print", color_scheme=scheme)
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= PAPER[0]
        assert page.evaluate(TO_BE_PRESSED) == []
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        # The heading of the list stands above an issue on the screen; on paper the issue is all.
        assert [each for each in faults(page, rules) if not each.startswith("page-has-heading-one")] == []
    looked_at(page, f"print-{name}")


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("path", ["/", "/signin", "/docs", "/map"])
def test_letters_of_twice_the_size_break_no_row(visit, path, size):
    watched = visit(size)
    page = watched.page
    if path == "/map":
        watched.sign_in()
        watched.map_ready()
    else:
        page.goto(watched.site + path)
        nothing(page)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.wait_for_timeout(600)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    cut = page.evaluate(CUT)
    assert cut == []
