"""The network cut at requests, two tabs, and a new version: nothing is lost, doubled or interrupted."""

import itertools
import re

from playwright.sync_api import expect


def test_a_line_that_breaks_after_every_request_doubles_nothing(app):
    page, worker = app.page, app.worker
    turns = itertools.cycle(("before", "after", "through"))

    def broken(route):
        match next(turns):
            case "before":
                route.abort("connectionreset")
            case "after":
                route.fetch()  # the server has it; the phone never hears of it
                route.abort("connectionreset")
            case _:
                route.continue_()

    page.route(re.compile("/v1/sync/(push|pull)"), broken)
    for room in ("101", "102", "201"):
        app.door(room)
        app.answer("已访")
    page.get_by_role("link", name="今天").click()
    expect(page.get_by_text("今天已走 3 户")).to_be_visible()
    expect(page.locator(".patrol-sync")).to_contain_text("未发")
    page.unroute(re.compile("/v1/sync/(push|pull)"))
    page.locator(".patrol-sync").click()
    page.get_by_role("button", name="现在发送，并核对").click()
    expect(page.get_by_text("全部安全")).to_be_visible()
    assert [visit.doc["outcome"] for visit in worker.written("visit", 3)] == ["met"] * 3
    assert worker.operations() == {"applied": 4}, "three visits and one task"


def test_the_line_never_says_that_all_is_sent_while_the_server_is_not_reached(app):
    page = app.page
    page.route("**/v1/sync/push", lambda route: route.abort("connectionrefused"))
    app.door("101")
    app.answer("已访")
    expect(page.get_by_role("button", name="撤销")).to_have_count(0)
    expect(page.locator(".patrol-sync")).to_contain_text("2 条未发")
    expect(page.locator(".patrol-sync")).to_contain_text("连不上服务器，会自动再试")
    page.locator(".patrol-sync").click()
    page.get_by_role("button", name="现在发送，并核对").click()
    expect(page.get_by_text("没能核对")).to_be_visible()
    expect(page.get_by_text("全部安全")).to_have_count(0)


def test_two_tabs_of_one_worker_enter_and_send_each_thing_once(app):
    page, worker = app.page, app.worker
    other = page.context.new_page()
    other.goto(f"{app.watched.site}/patrol")
    other.get_by_label("密码", exact=True).fill("2580")
    other.get_by_role("button", name="打开").click()
    expect(other.get_by_text("今天已走 0 户")).to_be_visible()
    page.bring_to_front()
    app.door("101")
    app.answer("已访")
    expect(other.get_by_text("今天已走 1 户")).to_be_visible()
    app.sent_after_waiting()
    assert len(worker.written("visit")) == 1
    assert worker.operations() == {"applied": 2}


WAITING_VERSION = """
    const coming = Object.assign(new EventTarget(), {
        waiting: {postMessage: (said) => { window.told = said; }}, update: () => Promise.resolve(),
    });
    ServiceWorkerContainer.prototype.register = () => Promise.resolve(coming);
"""


def test_a_new_version_waits_until_nothing_is_entered(app):
    page = app.page
    page.add_init_script(WAITING_VERSION)
    page.reload()
    app.unlock()
    expect(page.get_by_text("应用有新版本。")).to_be_visible()
    page.get_by_role("link", name="不在名单上的门牌").click()
    page.get_by_label("在哪里").fill("写到一半")
    expect(page.get_by_text("等您填完这一条就换上")).to_be_visible()
    expect(page.get_by_role("button", name="现在换上")).to_have_count(0)
    page.get_by_label("在哪里").fill("")
    assert page.evaluate("window.told") is None
    page.get_by_role("button", name="现在换上").click()
    assert page.evaluate("window.told") == "take-over"
