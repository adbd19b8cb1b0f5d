"""The browser is killed under the app, at any step: what the worker saw as entered is on the server exactly once."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Error, expect

from tests.browser.conftest import Watched
from tests.browser.patrol.conftest import PHONE, App
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
