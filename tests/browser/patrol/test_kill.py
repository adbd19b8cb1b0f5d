"""The browser is killed under the app, at any step: what the worker saw as entered is on the server exactly once."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect
from sqlalchemy import text

from tests.browser.conftest import Watched
from tests.browser.patrol.conftest import PHONE, App
from tests.browser.patrol.test_report import picture
from tests.conftest import chromium_options


class Phone:
    """A browser whose files stay where they are, however it ends."""

    def __init__(self, chromium, folder, site, worker):
        self._type, self._folder, self._site, self._worker = chromium.browser_type, folder, site, worker
        self._context = None

    def start(self):
        self._context = self._type.launch_persistent_context(
            self._folder,
            **chromium_options(),
            viewport={"width": PHONE[0], "height": PHONE[1]},
            locale="zh-CN",
        )
        watched = Watched(self._context.pages[0], self._site)
        watched.watch()
        return App(watched, self._worker)

    def kill(self):
        """End the browser as a battery does: by SIGKILL, without a word before it."""
        first = min(pid for pid in self._processes() if "--type=" not in _said(pid))
        os.kill(first, signal.SIGKILL)
        while self._processes():
            for pid in self._processes():
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)
        self.close()
        for lock in Path(self._folder).glob("Singleton*"):
            lock.unlink()

    def close(self):
        with contextlib.suppress(Error):  # it is gone
            self._context.close()

    def _processes(self):
        mine = f"--user-data-dir={self._folder}"
        return [int(each.name) for each in Path("/proc").glob("[0-9]*") if mine in _said(each.name)]


def _said(pid):
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


@pytest.fixture
def phone(chromium, site, worker, tmp_path):
    held = Phone(chromium, str(tmp_path / "phone"), site, worker)
    yield held
    held.close()


def again(phone):
    app = phone.start()
    app.open_app()
    app.unlock()
    return app


@pytest.mark.parametrize("moment", ["while it may be undone", "without a network, in the outbox", "while it is typed"])
def test_what_was_entered_is_there_once_after_the_browser_was_killed(phone, worker, moment):
    app = phone.start()
    app.enrol()
    app.worker_ready()
    app.page.context.set_offline(True)
    app.door("102")
    app.answer("已访")
    expect(app.page.get_by_role("button", name="撤销")).to_be_visible()
    if moment == "without a network, in the outbox":
        expect(app.page.get_by_role("button", name="撤销")).to_have_count(0)
    if moment == "while it is typed":
        app.page.get_by_label("说明").fill("腿脚不便")
        app.page.get_by_role("button", name="上门照护").click()
        expect(app.page.get_by_role("button", name="记下")).to_be_visible()
        app.page.wait_for_function("document.querySelector('[aria-pressed=true]') !== null")
    phone.kill()
    for _ in range(2):
        app = again(phone)
        expect(app.page.get_by_text("今天已走 1 户")).to_be_visible()
        if moment == "while it is typed":
            app.door("102")
            expect(app.page.get_by_label("说明")).to_have_value("腿脚不便")
        phone.kill()
    app = again(phone)
    app.all_sent()
    visits = worker.written("visit")
    assert [visit.doc["outcome"] for visit in visits] == ["met"]
    assert set(worker.operations()) == {"applied"}


def test_an_enrolment_that_was_killed_leaves_a_phone_that_can_be_enrolled(phone, worker):
    app = phone.start()
    page = app.page
    page.route("**/v1/devices", lambda _: None)
    page.goto(f"{app.watched.site}/patrol#{worker.code()}")
    page.get_by_label("设一个密码").fill("2580")
    page.get_by_label("再输一次密码").fill("2580")
    with page.expect_request("**/v1/devices"):  # by then the keys are made and kept
        page.get_by_role("button", name="启用").click()
    phone.kill()
    app = again(phone)
    app.page.get_by_label("登记码").fill(worker.code())
    app.page.get_by_role("button", name="启用").click()
    expect(app.page.get_by_text("这部手机现在归您用")).to_be_visible()
    app.all_sent()


@pytest.mark.long
def test_a_day_without_a_network_is_whole_though_the_browser_is_killed_after_every_step(phone, worker, session):
    app = phone.start()
    app.enrol()
    app.worker_ready()
    for step in (answered, noted, begun, reported, photographed, kept):
        app.page.context.set_offline(True)
        step(app)
        phone.kill()
        app = phone.start()
        app.page.context.set_offline(True)
        app.open_app()
        app.unlock()
        expect(app.page.locator(".patrol-sync")).to_be_visible()
    app.page.context.set_offline(False)
    app.all_sent()
    phone.kill()
    again(phone).all_sent()
    visits, issues = worker.written("visit", 2), worker.written("issue")
    assert [(seen.doc["outcome"], seen.doc.get("note")) for seen in visits] == [("met", "腿脚不便"), ("met", None)]
    assert [issue.doc["description"] for issue in issues] == ["灯不亮，晚上看不见"]
    assert len(visits[1].doc["photos"]) == 1
    held = session.scalar(text("SELECT count(*) FROM attachment WHERE record_id = :id"), {"id": visits[1].id})
    assert held == 1
    assert set(worker.operations()) == {"applied"}


def answered(app):
    app.door("101")
    app.answer("已访")
    expect(app.page.get_by_role("button", name="撤销")).to_be_visible()


def seen_before(app, room):
    """Open a door that is not due any more."""
    app.page.get_by_role("link", name="今天").click()
    app.page.get_by_role("group", name="显示哪些门牌").get_by_role("button").last.click()
    app.door(room)


def noted(app):
    seen_before(app, "101")
    app.page.get_by_label("说明").fill("腿脚不便")
    app.page.get_by_role("button", name="记下").click()
    expect(app.page.get_by_text("已记下。")).to_be_visible()


def begun(app):
    app.page.get_by_role("link", name="上报", exact=True).click()
    app.page.get_by_label("找类别").fill("ld")
    app.page.get_by_role("group", name="是哪一种").get_by_role("button", name="路灯").click()
    app.page.get_by_label("说明").fill("灯不亮")
    app.page.get_by_role("link", name="今天").click()
    expect(app.page.get_by_role("link", name="接着填没发出的上报")).to_be_visible()


def reported(app):
    page = app.page
    page.get_by_role("link", name="今天").click()
    page.get_by_role("link", name="接着填没发出的上报").click()
    expect(page.get_by_label("说明")).to_have_value("灯不亮")
    page.get_by_label("说明").fill("灯不亮，晚上看不见")
    page.get_by_label("或写地址").fill("西门路 36 号")
    page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_role("heading", name="路灯")).to_be_visible()


def photographed(app):
    app.door("201")
    app.answer("已访")
    app.page.locator("#photo").set_input_files(picture())
    expect(app.page.get_by_role("img", name="第 1 张照片")).to_be_visible()
    expect(app.page.get_by_role("button", name="记下")).to_be_visible()


def kept(app):
    seen_before(app, "201")
    expect(app.page.get_by_role("img", name="第 1 张照片")).to_be_visible()
    app.page.get_by_role("button", name="记下").click()
    expect(app.page.get_by_text("已记下。")).to_be_visible()
