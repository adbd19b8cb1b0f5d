"""Voice memos: asked for with the reason, recorded without a network, heard by staff who may."""

import datetime as dt

import pytest
from playwright.sync_api import expect
from sqlalchemy import text

from geo.editions.ground import load_ground
from server.attachments.bonds import bind_arrived, next_arrived
from tests.browser import sample
from tests.browser.conftest import Watched
from tests.browser.patrol.conftest import PHONE, App
from tests.conftest import chromium_options

SOUND_MS = 1_500
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
REFUSED = """() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
}"""


@pytest.fixture
def heard(chromium, site, worker):
    """Opens the app in a browser with a microphone that hears beeps; at the end nothing may have gone wrong in it."""
    browser = chromium.browser_type.launch(**chromium_options(*MICROPHONE))
    opened = []

    def open_app(**more):
        context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, locale="zh-CN", **more)
        watched = Watched(context.new_page(), site)
        watched.watch()
        opened.append(watched)
        held = App(watched, worker)
        held.enrol()
        return held

    yield open_app
    browser.close()
    assert [trouble for watched in opened for trouble in watched.trouble] == []


def record(page):
    page.get_by_role("button", name="说一段（录音）").click()
    stop = page.get_by_role("button", name="说完了，停")
    expect(stop).to_be_visible()
    page.wait_for_timeout(SOUND_MS)
    stop.click()
    expect(page.get_by_label("第 1 段录音", exact=True)).to_be_visible()


def kinds(session, record_id):
    """What is attached to a record, when the job has bound what came before it."""
    session.rollback()
    while arrived := next_arrived(session):
        bind_arrived(session, arrived, load_ground(session, 1), dt.datetime.now(dt.UTC))
        session.commit()
    held = text("SELECT media_type, bond FROM attachment WHERE record_id = :id")
    return [tuple(row) for row in session.execute(held, {"id": record_id})]


def test_a_memo_of_a_report_recorded_without_a_network_is_heard_on_the_case_page(heard, visit, session, looked_at):
    app = heard(permissions=["microphone"])
    page, worker = app.page, app.worker
    app.worker_ready()
    page.get_by_role("link", name="上报", exact=True).click()
    page.get_by_label("找类别").fill("ld")
    page.get_by_role("group", name="是哪一种").get_by_role("button", name="路灯").click()
    page.get_by_label("或写地址").fill("西门路 36 号")
    page.context.set_offline(True)
    page.get_by_role("button", name="说一段（录音）").click()
    expect(page.get_by_role("button", name="说完了，停")).to_be_visible()
    page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("正在录音")
    looked_at(page, "memo-recording")
    page.wait_for_timeout(SOUND_MS)
    page.get_by_role("button", name="说完了，停").click()
    expect(page.get_by_label("第 1 段录音", exact=True)).to_be_visible()
    looked_at(page, "memo")
    page.get_by_role("main").get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_role("heading", name="路灯")).to_be_visible()
    page.context.set_offline(False)
    app.all_sent()
    (issue,) = worker.written("issue")
    assert len(issue.doc["memos"]) == 1
    assert "photos" not in issue.doc
    assert kinds(session, issue.id) == [("audio/webm", "bound")]

    desk = visit()
    desk.sign_in(sample.SUPERVISOR, then=f"/case?id={issue.id}")
    memo = desk.page.get_by_label("录音 1", exact=True)
    expect(memo).to_be_visible()
    length = memo.evaluate("""(memo) => new Promise((resolve, reject) => {
        memo.addEventListener('loadedmetadata', () => resolve(memo.duration));
        memo.addEventListener('error', () => reject(new Error(memo.error.message)));
        memo.preload = 'metadata';
        memo.load();
    })""")
    assert 0.5 < length < 60
    looked_at(desk.page, "memo-case")


def test_a_memo_of_a_visit_goes_with_it(heard, session):
    app = heard(permissions=["microphone"])
    app.door("101")
    app.answer("已访")
    record(app.page)
    app.page.get_by_role("button", name="记下").click()
    expect(app.page.get_by_text("已记下。")).to_be_visible()
    app.sent_after_waiting()
    (seen,) = app.worker.written("visit")
    assert len(seen.doc["memos"]) == 1
    assert kinds(session, seen.id) == [("audio/webm", "bound")]


def test_the_microphone_is_asked_for_with_the_reason_and_a_refusal_is_explained(heard, looked_at):
    app = heard()
    page = app.page
    app.door("101")
    app.answer("已访")
    page.get_by_role("button", name="说一段（录音）").click()
    expect(page.get_by_text("录音要用麦克风")).to_be_visible()
    looked_at(page, "memo-why")
    state = "navigator.permissions.query({name: 'microphone'}).then(({state}) => state)"
    assert page.evaluate(state) == "prompt", "nothing is asked before the reason was read"
    page.evaluate(REFUSED)
    page.get_by_role("button", name="知道了，开始录").click()
    expect(page.get_by_role("alert")).to_contain_text("手机没有允许用麦克风")
    looked_at(page, "memo-denied")
