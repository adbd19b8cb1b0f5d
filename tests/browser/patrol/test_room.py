"""A phone that is nearly full, and one that is: told with what to do, and nothing is half kept."""

import time

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE_MS
from tests.browser.patrol.conftest import PHONE, App

ROOM_BYTES = 24 * 1024 * 1024
RESERVED = """async () => {
    if (!(await indexedDB.databases()).some(({name}) => name === 'gridpatrol-reserve')) return false;
    const asked = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    const reserve = await asked(indexedDB.open('gridpatrol-reserve'));
    const isThere = reserve.objectStoreNames.contains('parts');
    const laid = isThere && await asked(reserve.transaction('parts').objectStore('parts').count());
    reserve.close();
    return laid === 4;
}"""
FILL = """async () => {
    const opened = indexedDB.open('filler', 1);
    opened.onupgradeneeded = () => opened.result.createObjectStore('parts', {autoIncrement: true});
    await new Promise((resolve) => { opened.onsuccess = resolve; });
    const put = (size) => new Promise((resolve) => {
        const whole = opened.result.transaction('parts', 'readwrite');
        const bytes = new Uint8Array(size);
        for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
        whole.objectStore('parts').put(bytes);
        whole.oncomplete = () => resolve(true);
        whole.onabort = () => resolve(false);
    });
    for (const size of [700_000, 65_536, 4_096, 64]) while (await put(size));
    opened.result.close();
    return (await navigator.storage.estimate()).usage;
}"""


class Room:
    """How much the browser keeps of a site."""

    def __init__(self, page, site):
        self._page, self._site = page, site
        self._session = page.context.new_cdp_session(page)

    def bound(self, **size):
        self._session.send("Storage.overrideQuotaForOrigin", {"origin": self._site, **size})

    def fill(self):
        """Leave nothing free. Chromium believes for half a minute what it found free once, so that is used up first."""
        self.bound(quotaSize=self._page.evaluate(FILL))


def reserved(page):
    """Wait until the app has laid its reserve."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(RESERVED):
        assert time.monotonic() < until, "no reserve"
        time.sleep(0.2)


@pytest.fixture
def app(visit, worker):
    return App(visit(PHONE, has_touch=True), worker)


@pytest.fixture
def room(app):
    """The room of the app's browser, bounded from before the app came."""
    app.page.goto(f"{app.watched.site}/healthz")
    room = Room(app.page, app.watched.site)
    room.bound(quotaSize=ROOM_BYTES)
    app.enrol()
    reserved(app.page)
    return room


def test_a_full_phone_warns_keeps_the_next_words_and_then_tells_what_it_did_not_keep(app, room, looked_at):
    page, worker = app.page, app.worker
    page.context.set_offline(True)
    room.fill()
    app.door("101")
    app.answer("已访")
    warned = page.get_by_role("status").filter(has_text="手机空间快满了")
    expect(warned).to_be_visible()
    expect(page.get_by_role("button", name="撤销")).to_be_visible()
    looked_at(page, "room-short")
    warned.get_by_role("link", name="去发送，或存成文件").click()
    expect(page.get_by_role("heading", name="发送和保存")).to_be_visible()

    room.fill()
    app.door("102")
    app.answer("已访")
    alert = page.get_by_role("alert").filter(has_text="刚才这一步没有存下")
    expect(alert).to_be_visible()
    looked_at(page, "room-full")
    expect(page.locator(".patrol-three")).to_be_visible()  # it is not shown as entered

    room.bound()
    page.evaluate("indexedDB.deleteDatabase('filler')")
    alert.get_by_role("button", name="知道了").click()
    app.answer("无人")
    expect(page.get_by_role("button", name="撤销")).to_be_visible()
    page.context.set_offline(False)
    app.all_sent()
    assert [visit.doc["outcome"] for visit in worker.written("visit", 2)] == ["met", "no_answer"]
    assert worker.operations() == {"applied": 3}, "two visits and the task of the first"
    page.reload()
    app.unlock()
    reserved(page)
    expect(warned).to_have_count(0)
